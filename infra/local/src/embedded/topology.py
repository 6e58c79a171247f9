"""The whole stack on one page: which processes, with which settings."""

import signal
from collections.abc import Mapping

from embedded import nginx, ports
from embedded.addresses import GATEWAY, SERVICES, STRIPE, Addresses
from embedded.ingress import Route
from embedded.keys import Keys
from embedded.process import Process, Stage, python_module
from embedded.programs import nginx_program
from embedded.readiness import HttpProbe, TcpProbe
from embedded.settings import SQL_SERVICES, StackSettings
from embedded.stores import stores

STRIPE_JS = "https://js.stripe.com/v3/"
DOUBLE_JS_PATH = "/v3/"
DOUBLE_PUBLISHABLE_KEY = "pk_test_double"
WEBHOOK_PATH = "/api/payments/webhook"


def processes(
    settings: StackSettings, addresses: Addresses, keys: Keys, routes: list[Route]
) -> list[Process]:
    """Everything that one stack runs, the settings of each included."""
    (settings.state_dir / "sqlite").mkdir(parents=True, exist_ok=True)
    own = _own_settings(settings, addresses, keys)
    started = [*stores(settings, addresses)]
    if not settings.uses_real_stripe:
        started.append(_stripe_double(settings, addresses, keys))
    started.extend(_service(name, addresses, own[name]) for name in SERVICES)
    started.append(_gateway(settings, addresses, routes))
    return started


def _own_settings(
    settings: StackSettings, addresses: Addresses, keys: Keys
) -> dict[str, dict[str, str]]:
    """What each service is told beyond HOST, PORT and NATS_URL."""
    jwks = f"{addresses.service('auth')}/api/users/.well-known/jwks.json"
    own: dict[str, dict[str, str]] = {
        name: {"DATABASE_URL": addresses.databases[name], "JWKS_URL": jwks}
        for name in SQL_SERVICES
    }
    own["payments"] |= _payments_stripe(settings, addresses, keys)
    own["auth"] = {
        "MONGO_URL": addresses.mongo,
        "MONGO_DATABASE": settings.given("MONGO_DATABASE") or "auth",
        "JWT_SIGNING_KEYS": settings.given("JWT_SIGNING_KEYS")
        or str(keys.jwt_signing_keys),
        "COOKIE_SECURE": "false",
    }
    own["expiration"] = {"REDIS_URL": addresses.redis}
    own["client"] = {
        f"{name.upper()}_URL": addresses.service(name)
        for name in ("auth", "tickets", "orders", "payments")
    } | _client_stripe(settings, addresses)
    return own


def _payments_stripe(
    settings: StackSettings, addresses: Addresses, keys: Keys
) -> dict[str, str]:
    if not settings.uses_real_stripe:
        return {
            "STRIPE_SECRET_KEY": keys.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRETS": keys.webhook_secret,
            "STRIPE_API_BASE": addresses.stripe,
        }
    return {
        "STRIPE_SECRET_KEY": settings.given("STRIPE_SECRET_KEY")
        or keys.stripe_secret_key,
        "STRIPE_WEBHOOK_SECRETS": settings.given("STRIPE_WEBHOOK_SECRETS")
        or keys.webhook_secret,
        "STRIPE_API_BASE": settings.given("STRIPE_API_BASE") or "",
    }


def _client_stripe(settings: StackSettings, addresses: Addresses) -> dict[str, str]:
    script = STRIPE_JS
    if not settings.uses_real_stripe:
        script = f"{addresses.stripe}{DOUBLE_JS_PATH}"
    return {
        "STRIPE_PUBLISHABLE_KEY": settings.given("STRIPE_PUBLISHABLE_KEY")
        or DOUBLE_PUBLISHABLE_KEY,
        "STRIPE_JS_URL": settings.given("STRIPE_JS_URL") or script,
    }


def _service(name: str, addresses: Addresses, own: Mapping[str, str]) -> Process:
    migrates = name in SQL_SERVICES
    return Process(
        name=name,
        argv=python_module(name),
        url=addresses.service(name),
        stage=Stage.SERVICES,
        ready=HttpProbe(f"{addresses.service(name)}/readyz"),
        env={
            "HOST": ports.LOOPBACK,
            "PORT": str(addresses.ports[name]),
            "NATS_URL": addresses.nats,
            **own,
        },
        prepare=(python_module(name, "migrate"),) if migrates else (),
    )


def _stripe_double(
    settings: StackSettings, addresses: Addresses, keys: Keys
) -> Process:
    folder = settings.state_dir / "stripe"
    folder.mkdir(parents=True, exist_ok=True)
    return Process(
        name=STRIPE,
        argv=python_module("stripe_double"),
        url=addresses.stripe,
        stage=Stage.OUTSIDE,
        ready=TcpProbe(addresses.ports[STRIPE]),
        env={
            "HOST": ports.LOOPBACK,
            "PORT": str(addresses.ports[STRIPE]),
            "STATE_PATH": str(folder / "state.sqlite3"),
            "STRIPE_WEBHOOK_URL": f"{addresses.gateway}{WEBHOOK_PATH}",
            "STRIPE_WEBHOOK_SECRET": keys.webhook_secret,
            "STRIPE_SECRET_KEY": keys.stripe_secret_key,
            "STRIPE_PUBLISHABLE_KEY": DOUBLE_PUBLISHABLE_KEY,
        },
        grace_seconds=10,
    )


def _gateway(
    settings: StackSettings, addresses: Addresses, routes: list[Route]
) -> Process:
    folder = settings.state_dir / "nginx"
    path = nginx.write(
        nginx.Gateway(
            folder=folder,
            port=addresses.ports[GATEWAY],
            hosts=ports.gateway_hosts(),
            routes=routes,
            upstreams={
                name: f"{ports.LOOPBACK}:{addresses.ports[name]}" for name in SERVICES
            },
        )
    )
    return Process(
        name=GATEWAY,
        argv=(
            nginx_program(),
            "-p",
            str(folder),
            "-c",
            str(path),
            "-e",
            "stderr",
        ),
        url=addresses.gateway,
        stage=Stage.EDGE,
        ready=TcpProbe(addresses.ports[GATEWAY]),
        cwd=folder,
        # QUIT lets requests finish; orphaned, its workers must go as well as it.
        stop_signal=signal.SIGQUIT,
        orphan_signal=signal.SIGTERM,
        grace_seconds=10,
        quiet=True,
    )
