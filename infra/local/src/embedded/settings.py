"""What a person may set about the stack: options, and the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
INGRESS = ROOT / "infra" / "k8s" / "base" / "ingress.yaml"
DEFAULT_PORT = 8080
SQL_SERVICES = ("tickets", "orders", "payments")

# Each process gets these only when topology gives them: a secret for one service is
# not for its neighbours, and HOST, PORT and DATABASE_URL mean another thing to each.
WITHHELD = frozenset(
    {
        "HOST",
        "PORT",
        "STATE_DIR",
        "DATABASE_URL",
        "MIGRATION_DATABASE_URL",
        "MONGO_URL",
        "REDIS_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_PUBLISHABLE_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_WEBHOOK_SECRETS",
        "STRIPE_API_BASE",
        "STRIPE_JS_URL",
        "JWT_SIGNING_KEYS",
        # Compiled once, a service starts in a third of the time.
        "PYTHONDONTWRITEBYTECODE",
        "MAKEFLAGS",
        "MAKELEVEL",
    }
    | {f"{name.upper()}_DATABASE_URL" for name in SQL_SERVICES}
)


class IncompleteStripe(Exception):
    """Some of Stripe's settings are given and others are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    state_dir: Path
    port: int = DEFAULT_PORT
    demo: bool = True
    warnings_only: bool = False
    environment: Mapping[str, str]

    def given(self, name: str) -> str | None:
        """A value set in the environment; an empty one counts as not set."""
        return self.environment.get(name) or None

    def database_url(self, service: str) -> str:
        """A service's own SQL database: the one given, else an SQLite file."""
        path = self.state_dir / "sqlite" / f"{service}.sqlite3"
        given = self.given(f"{service.upper()}_DATABASE_URL")
        return given or f"sqlite+aiosqlite:///{path}"

    @property
    def uses_real_stripe(self) -> bool:
        """Any key or address of Stripe that is given means: not our double."""
        return bool(self.given("STRIPE_SECRET_KEY") or self.given("STRIPE_API_BASE"))

    def require_all_of_stripe(self) -> None:
        """Refuse half of Stripe's settings: a page with our double's key, or webhooks
        that nobody can verify, would only fail at the first payment.

        Raises IncompleteStripe.
        """
        needed = ["STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRETS"]
        if not self.given("STRIPE_API_BASE"):
            needed.append("STRIPE_SECRET_KEY")
        missing = [name for name in needed if not self.given(name)]
        if self.uses_real_stripe and missing:
            raise IncompleteStripe(
                f"Stripe's settings are given in part: {', '.join(missing)} is missing."
            )

    def child_environment(self) -> dict[str, str]:
        """What every process inherits; topology adds what is its own."""
        inherited = {
            name: value
            for name, value in self.environment.items()
            if name not in WITHHELD
        }
        no_proxy = ",".join(
            filter(None, [self.given("NO_PROXY"), "127.0.0.1,localhost"])
        )
        return {
            **inherited,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            "PYTHONUNBUFFERED": "1",
            # Fewer memory arenas: a dozen small processes share one machine.
            "MALLOC_ARENA_MAX": "2",
        }


def default_state_dir(environment: Mapping[str, str] = os.environ) -> Path:
    return Path(environment.get("STATE_DIR") or ROOT / ".local").absolute()
