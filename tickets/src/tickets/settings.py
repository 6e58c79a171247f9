"""Settings of the tickets service."""

from pydantic import Field, field_validator

from common.money import EXPONENTS
from common.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """``currency`` is the one that this deployment sells in."""

    currency: str = "usd"
    sale_closes_seconds_before: int = Field(default=0, ge=0)

    @field_validator("currency")
    @classmethod
    def _known(cls, currency: str) -> str:
        """Fail at the start, not at each listing."""
        if currency not in EXPONENTS:
            raise ValueError(f"must be one of {', '.join(EXPONENTS)}")
        return currency
