"""Settings of the payments service."""

from pydantic import Field, SecretStr, field_validator

from common.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """What payments needs beyond a database.

    ``stripe_webhook_secrets`` are separated by commas: during a rotation both the
    old and the new one are good. ``stripe_api_base`` is empty for Stripe itself.
    The times of the poll say how long a lost webhook can go unnoticed.
    """

    stripe_secret_key: SecretStr
    stripe_webhook_secrets: SecretStr
    stripe_api_base: str = ""
    stripe_timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    stripe_retries: int = Field(default=2, ge=0, le=5)
    poll_first_seconds: int = Field(default=5, ge=1)
    poll_max_seconds: int = Field(default=60, ge=1)
    lease_seconds: int = Field(default=10, ge=1)
    settle_concurrency: int = Field(default=8, ge=1, le=32)

    @field_validator("stripe_secret_key", "stripe_webhook_secrets")
    @classmethod
    def _given(cls, secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().strip(" ,"):
            raise ValueError("must not be empty")
        return secret

    @property
    def webhook_secrets(self) -> list[str]:
        """Each of the secrets that a webhook may be signed with."""
        given = self.stripe_webhook_secrets.get_secret_value().split(",")
        return [secret.strip() for secret in given if secret.strip()]
