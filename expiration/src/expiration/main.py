"""The application of expiration, and what runs beside it."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI

from common.background import background
from common.bus import stream_of, subscriptions
from common.events import ExpirationCompleted
from common.runtime import Messaging, bus_of
from common.web import create_service_app
from expiration.consumers import SUBJECTS, OrderEvents
from expiration.deadlines import Deadlines
from expiration.service import Expiry
from expiration.settings import Settings
from expiration.worker import Alarms, connect, run_sweep, run_worker

NAME: Final = "expiration"


def create_app(settings: Settings) -> FastAPI:
    """Build the service: health and metrics, the consumer, and the timer."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        # arq tells of every job at level info; we tell of what came of it.
        logging.getLogger("arq").setLevel(logging.WARNING)
        async with AsyncExitStack() as stack:
            redis = connect(settings.redis_url.get_secret_value())
            stack.push_async_callback(redis.aclose, close_connection_pool=True)
            bus = bus_of(NAME, settings)
            deadlines = Deadlines(redis)
            events = OrderEvents(deadlines, Alarms(redis))
            messaging = Messaging(
                bus,
                streams=[stream_of(ExpirationCompleted.subject)],
                subscriptions=subscriptions(NAME, SUBJECTS, events.apply),
            )
            expiry = Expiry(deadlines, bus)
            await stack.enter_async_context(messaging.running())
            for name, work in (
                ("worker", run_worker(redis, expiry)),
                ("sweep", run_sweep(expiry)),
            ):
                await stack.enter_async_context(background(name, work))
            yield {"pings": {"redis": deadlines.ping, "messaging": messaging.ping}}

    return create_service_app(
        title="Expiration",
        prefix="/api/expiration",
        routers=[],
        lifespan=lifespan,
    )
