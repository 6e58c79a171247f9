"""A pull subscription that leaves nothing behind."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import nats.errors
from nats.js import JetStreamContext

Pull = JetStreamContext.PullSubscription


@asynccontextmanager
async def pulling(bind: Callable[[], Awaitable[Pull]]) -> AsyncIterator[Pull]:
    """Lend the subscription that ``bind`` makes, and give it up after.

    One that is not given up goes on receiving what it asked the server for, so
    nobody else gets those messages, and closing the connection waits for it.
    """
    pull = await bind()
    try:
        yield pull
    finally:
        # A connection that is down has no subscriptions to give up.
        with suppress(nats.errors.Error, OSError):
            await pull.unsubscribe()
