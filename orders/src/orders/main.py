"""The orders service: its only wiring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from common.background import background
from common.outbox import Reminder
from common.runtime import sql_service
from common.web import create_service_app
from orders import api
from orders.consumers import HANDLERS
from orders.repository import find_unanswered_claims
from orders.reserving import SaleRules
from orders.settings import Settings
from orders.sweeper import Sweeper

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"


def create_app(settings: Settings) -> FastAPI:
    """Build the app; connections open when it starts."""
    rules = SaleRules(
        window=timedelta(seconds=settings.order_window_seconds),
        closes_before=timedelta(seconds=settings.sale_closes_seconds_before),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with sql_service("orders", settings, HANDLERS) as state:
            sweeper = Sweeper(state["database"], period=settings.sweep_seconds)
            reminder = Reminder(state["database"], find_unanswered_claims)
            async with (
                background("sweeper", sweeper.run()),
                background("reminder", reminder.run()),
            ):
                yield {**state, "rules": rules}

    return create_service_app(
        title="Orders", prefix=api.PREFIX, routers=[api.router], lifespan=lifespan
    )
