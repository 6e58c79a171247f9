"""Settings of the double, read from the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Environment variables of the double; field names upper-cased.

    `stripe_webhook_url` empty: events are kept and listed, none is delivered.
    `state_path` empty: the state lives in memory and ends with the process.
    """

    host: str = "127.0.0.1"
    port: int = 8420
    stripe_secret_key: str = "sk_test_double"  # noqa: S105 It opens nothing.
    stripe_publishable_key: str = "pk_test_double"
    stripe_webhook_url: str = ""
    stripe_webhook_secret: str = "whsec_double"  # noqa: S105 It opens nothing.
    # Wait before the second attempt of a delivery; it doubles from there on.
    stripe_webhook_retry_seconds: float = 1.0
    # After this long a refund that fails later, as Stripe's do, does so.
    refund_settle_seconds: float = 0.2
    state_path: Path | None = None
