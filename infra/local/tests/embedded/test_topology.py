from pathlib import Path

import pytest

from embedded import addresses as where
from embedded import cli, keys, topology
from embedded.ingress import read_routes
from embedded.process import Process
from embedded.settings import INGRESS, IncompleteStripe, StackSettings


def build(state_dir: Path, **environment: str) -> dict[str, Process]:
    settings = StackSettings(state_dir=state_dir, port=0, environment=environment)
    addresses = where.choose(settings)
    made = keys.load_or_make(state_dir)
    parts = topology.processes(settings, addresses, made, read_routes(INGRESS))
    return {process.name: process for process in parts}


def test_the_whole_stack_is_eleven_processes(tmp_path: Path) -> None:
    assert list(build(tmp_path)) == [
        "nats",
        "valkey",
        "mongo",
        "stripe",
        "auth",
        "tickets",
        "orders",
        "payments",
        "expiration",
        "client",
        "nginx",
    ]


def test_every_service_is_told_where_its_own_things_are(tmp_path: Path) -> None:
    parts = build(tmp_path)

    tickets = parts["tickets"].env
    assert tickets["DATABASE_URL"] == (
        f"sqlite+aiosqlite:///{tmp_path}/sqlite/tickets.sqlite3"
    )
    assert tickets["JWKS_URL"] == (
        f"{parts['auth'].url}/api/users/.well-known/jwks.json"
    )
    assert tickets["NATS_URL"] == parts["nats"].url
    assert parts["auth"].env["MONGO_URL"] == parts["mongo"].url
    assert parts["auth"].env["COOKIE_SECURE"] == "false"
    assert parts["expiration"].env["REDIS_URL"] == parts["valkey"].url
    assert parts["client"].env["ORDERS_URL"] == parts["orders"].url
    assert parts["client"].env["STRIPE_JS_URL"] == f"{parts['stripe'].url}/v3/"
    for name in ("tickets", "orders", "payments"):
        assert parts[name].prepare[0][1:] == ("-m", name, "migrate")


def test_payments_and_the_double_share_their_secrets(tmp_path: Path) -> None:
    parts = build(tmp_path)
    payments, double = parts["payments"].env, parts["stripe"].env

    assert payments["STRIPE_API_BASE"] == parts["stripe"].url
    assert payments["STRIPE_SECRET_KEY"] == double["STRIPE_SECRET_KEY"]
    assert payments["STRIPE_WEBHOOK_SECRETS"] == double["STRIPE_WEBHOOK_SECRET"]
    webhook = f"{parts['nginx'].url}/api/payments/webhook"
    assert double["STRIPE_WEBHOOK_URL"] == webhook


def test_a_key_of_stripe_turns_the_double_off(tmp_path: Path) -> None:
    given = {
        "STRIPE_SECRET_KEY": "sk_test_given",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_given",
        "STRIPE_WEBHOOK_SECRETS": "whsec_one,whsec_two",
    }
    parts = build(tmp_path, **given)

    assert "stripe" not in parts
    assert parts["payments"].env["STRIPE_SECRET_KEY"] == "sk_test_given"
    assert parts["payments"].env["STRIPE_WEBHOOK_SECRETS"] == "whsec_one,whsec_two"
    assert parts["payments"].env["STRIPE_API_BASE"] == ""
    assert parts["client"].env["STRIPE_PUBLISHABLE_KEY"] == "pk_test_given"
    assert parts["client"].env["STRIPE_JS_URL"] == "https://js.stripe.com/v3/"


def test_half_of_stripes_settings_is_refused(tmp_path: Path) -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_given"}
    settings = StackSettings(state_dir=tmp_path, environment=given)

    with pytest.raises(IncompleteStripe, match="PUBLISHABLE_KEY, STRIPE_WEBHOOK"):
        settings.require_all_of_stripe()


def test_without_any_stripe_setting_nothing_is_missing(tmp_path: Path) -> None:
    StackSettings(state_dir=tmp_path, environment={}).require_all_of_stripe()

    assert "stripe" in build(tmp_path)


def test_given_databases_reach_only_their_service(tmp_path: Path) -> None:
    given = "mysql+asyncmy://u:p@db/tickets"
    parts = build(tmp_path, TICKETS_DATABASE_URL=given)
    assert parts["tickets"].env["DATABASE_URL"] == given
    assert parts["orders"].env["DATABASE_URL"].startswith("sqlite+aiosqlite:///")


def test_a_secret_of_one_service_is_not_inherited_by_all(tmp_path: Path) -> None:
    settings = StackSettings(
        state_dir=tmp_path,
        environment={
            "STRIPE_SECRET_KEY": "sk_test_given",
            "TICKETS_DATABASE_URL": "mysql://",
            "PORT": "9000",
            "ORDER_WINDOW_SECONDS": "5",
        },
    )
    inherited = settings.child_environment()

    assert inherited["ORDER_WINDOW_SECONDS"] == "5"
    assert not {"STRIPE_SECRET_KEY", "TICKETS_DATABASE_URL", "PORT"} & set(inherited)


def test_secrets_are_made_once_and_readable_by_their_owner_only(
    tmp_path: Path,
) -> None:
    first, second = keys.load_or_make(tmp_path), keys.load_or_make(tmp_path)

    assert first == second
    assert first.webhook_secret.startswith("whsec_")
    assert "BEGIN PRIVATE KEY" in first.jwt_signing_keys.read_text()
    for path in (tmp_path / "secrets").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_port_that_is_no_number_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from embedded.cli import main

    with pytest.raises(SystemExit):
        main(["up", "--port", "eighty"])

    assert "'eighty' is not a port number" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["abc", "65536", "-1", "8080 "])
def test_a_port_that_is_none_is_named(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", port)

    with pytest.raises(SystemExit) as refused:
        cli.main(["check"])

    assert refused.value.code == 2
    assert "is not a port number" in capsys.readouterr().err
