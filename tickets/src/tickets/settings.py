"""Settings of the tickets service."""

from pydantic import Field

from common.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """``currency`` is the one that this deployment sells in."""

    currency: str = Field(default="usd", pattern="^[a-z]{3}$")
    sale_closes_seconds_before: int = Field(default=0, ge=0)
