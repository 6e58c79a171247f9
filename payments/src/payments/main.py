"""The payments service: its only wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from common.background import background
from common.outbox import Reminder
from common.runtime import sql_service
from common.web import create_service_app
from payments import api, gateway
from payments.consumers import handlers
from payments.paying import Till
from payments.repository import find_unanswered
from payments.settings import Settings
from payments.settling import Settler
from payments.worker import Worker

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"


def create_app(settings: Settings) -> FastAPI:
    """Build the app; connections open when it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            alarm = asyncio.Event()
            stripe = await stack.enter_async_context(gateway.connected(settings))
            state = await stack.enter_async_context(
                sql_service("payments", settings, handlers(alarm.set))
            )
            database = state["database"]
            worker = Worker(
                database,
                Settler(database, stripe, settings),
                alarm,
                concurrency=settings.settle_concurrency,
            )
            await stack.enter_async_context(background("payments-worker", worker.run()))
            reminder = Reminder(database, find_unanswered)
            await stack.enter_async_context(background("reminder", reminder.run()))
            till = Till(database, stripe, alarm.set, settings.poll_first_seconds)
            yield {**state, "till": till, "settings": settings}

    return create_service_app(
        title="Payments", prefix=api.PREFIX, routers=[api.router], lifespan=lifespan
    )
