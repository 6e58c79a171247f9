"""The tickets service: its only wiring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from common.runtime import sql_service
from common.web import create_service_app
from tickets import api
from tickets.consumers import HANDLERS
from tickets.settings import Settings

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"


def create_app(settings: Settings) -> FastAPI:
    """Build the app; connections open when it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with sql_service("tickets", settings, HANDLERS) as state:
            yield {**state, "settings": settings}

    return create_service_app(
        title="Tickets", prefix=api.PREFIX, routers=[api.router], lifespan=lifespan
    )
