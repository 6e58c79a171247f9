"""The loop that publishes whatever the outbox holds."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple, Protocol

from common.bus.message import OutboxMessage
from common.clock import now
from common.errors import Unavailable
from common.telemetry import logger, metrics

log = logger(__name__)

BATCH: Final = 256
POLL_SECONDS: Final = 1.0
RETENTION: Final = timedelta(days=7)
_PRUNE_SECONDS: Final = 3600.0
_FIRST_PAUSE_SECONDS: Final = 0.25
_MAX_PAUSE_SECONDS: Final = 5.0


class Backlog(NamedTuple):
    """What waits in the outbox: how many events, and since when the oldest."""

    pending: int
    oldest: datetime | None


@dataclass
class Claim:
    """Unpublished events lent to the relay, which fills in ``published``."""

    messages: Sequence[OutboxMessage]
    published: list[str] = field(default_factory=list)


class OutboxStore(Protocol):
    """Where a service keeps its outbox."""

    def claim(self, limit: int) -> AbstractAsyncContextManager[Claim]:
        """Lend the oldest unpublished events; mark what was published after."""

    async def backlog(self) -> Backlog:
        """Count what is not published yet and find its oldest."""

    async def prune(self, before: datetime) -> int:
        """Delete events published before ``before``; returns how many."""


class Publisher(Protocol):
    """The broker as the relay sees it."""

    async def publish(self, messages: Sequence[OutboxMessage]) -> list[str]:
        """Publish in order; return the ids that the broker acknowledged.

        Raises:
            Unavailable: the broker acknowledged none of them.
        """


class OutboxRelay:
    """Publishes unsent events: woken by commits, and polling so none is left."""

    def __init__(
        self,
        store: OutboxStore,
        publisher: Publisher,
        *,
        retention: timedelta = RETENTION,
    ) -> None:
        """Prepare; events are kept for replay for ``retention`` after publishing."""
        self._store = store
        self._publisher = publisher
        self._retention = retention
        self._wake = asyncio.Event()
        self._next_prune = 0.0
        self._next_look = 0.0

    def wake(self) -> None:
        """Say that there may be something to publish; never blocks."""
        self._wake.set()

    async def run(self) -> None:
        """Publish for ever; what cannot be sent now is tried again."""
        pause = 0.0
        while True:
            await self._wait()
            try:
                await self._look_after()
                pause = 0.0
            except Unavailable as error:
                pause = min(_MAX_PAUSE_SECONDS, pause * 2 or _FIRST_PAUSE_SECONDS)
                log.warning("outbox_relay_waiting", reason=str(error), pause=pause)
                await asyncio.sleep(pause)
                self.wake()

    async def _look_after(self) -> None:
        """Publish and measure; an outage of the broker is when measuring matters."""
        try:
            await self.drain()
        except Unavailable:
            await self._keep_house()
            raise
        await self._keep_house()

    async def drain(self) -> int:
        """Publish until nothing is left; returns how many were published.

        Raises:
            Unavailable: the database or the broker is away; nothing is lost.
        """
        sent = 0
        while True:
            async with self._store.claim(BATCH) as claim:
                if claim.messages:
                    claim.published = await self._publisher.publish(claim.messages)
            sent += len(claim.published)
            if len(claim.messages) < BATCH:
                return sent

    async def _wait(self) -> None:
        """Wait for a wake-up, one poll at most."""
        try:
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _keep_house(self) -> None:
        """Prune and measure now and then: by the clock, as a poll may never idle."""
        if monotonic() < self._next_look:
            return
        self._next_look = monotonic() + POLL_SECONDS
        if monotonic() >= self._next_prune:
            self._next_prune = monotonic() + _PRUNE_SECONDS
            await self._store.prune(now() - self._retention)
        backlog = await self._store.backlog()
        age = (now() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        metrics.OUTBOX_PENDING.set(backlog.pending)
        metrics.OUTBOX_OLDEST_AGE.set(max(age, 0.0))
