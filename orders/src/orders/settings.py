"""Settings of the orders service."""

from pydantic import Field

from common.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Times in seconds.

    ``order_window_seconds`` is how long a buyer has to pay. ``sweep_seconds`` is
    how often overdue orders are looked for, besides the timer's news of them.
    """

    order_window_seconds: int = Field(default=900, ge=1, le=7 * 86_400)
    sale_closes_seconds_before: int = Field(default=0, ge=0)
    sweep_seconds: float = Field(default=1.0, gt=0)
