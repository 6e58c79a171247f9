"""The two use cases: keep deadlines, and announce those that have passed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram

from common import clock
from common.events import ExpirationCompleted
from common.outbox import OutboxMessage, Publisher
from common.telemetry import logger, span
from expiration.deadlines import Deadline, Deadlines

log = logger(__name__)

BATCH: Final = 500

ANNOUNCED_AFTER: Final = timedelta(milliseconds=20)
"""A deadline is announced a little late: the clock that decides is that of the
database of orders, and it should agree that the deadline has passed."""

_EVENT_IDS: Final = UUID("6f6f1f0e-5b7c-4a52-9a43-0f6b1d1c6d1e")

LATENESS: Final = Histogram(
    "expiration_lateness_seconds",
    "From the deadline of an order to the acknowledged announcement",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
PENDING: Final = Gauge("expiration_pending", "Deadlines not announced yet")
COMPLETED: Final = Counter(
    "expiration_completed_total", "Deadlines announced and acknowledged by the broker"
)


@dataclass
class Expiry:
    """Deadlines, and the broker on which they are announced."""

    deadlines: Deadlines
    publisher: Publisher
    clock: Callable[[], datetime] = clock.now
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def announce_due(self) -> int:
        """Publish every deadline that has passed; return how many.

        Only what the broker has acknowledged is forgotten (E2). The id of the
        event follows from the order and the deadline, so that what is published
        twice is one event (R15).

        Raises:
            Unavailable: Redis or NATS is away; what was not announced is kept.
        """
        announced = 0
        # Several timers go off at once; the second would only publish the same.
        async with self._turn:
            while due := await self._due():
                announced += await self._announce(due)
        if announced:
            log.info("orders_expired", count=announced)
        return announced

    async def measure(self) -> None:
        """Tell the metrics how many deadlines are still to come."""
        PENDING.set(await self.deadlines.pending())

    async def _due(self) -> list[Deadline]:
        return await self.deadlines.due(self.clock() - ANNOUNCED_AFTER, BATCH)

    async def _announce(self, due: Sequence[Deadline]) -> int:
        by_event_id = {event_id(deadline): deadline for deadline in due}
        with span("publish expiration.completed", SpanKind.PRODUCER):
            messages = [_message(*item) for item in by_event_id.items()]
        acknowledged = await self.publisher.publish(messages)
        done = [by_event_id[event_id] for event_id in acknowledged]
        await self.deadlines.remove(done)
        COMPLETED.inc(len(done))
        at = self.clock()
        for deadline in done:
            LATENESS.observe(max(0.0, (at - deadline.expires_at).total_seconds()))
        return len(done)


def event_id(deadline: Deadline) -> str:
    """Return the id that every announcement of ``deadline`` bears."""
    return str(uuid5(_EVENT_IDS, deadline.member))


def _message(event_id: str, deadline: Deadline) -> OutboxMessage:
    event = ExpirationCompleted(
        event_id=event_id,
        order_id=deadline.order_id,
        expires_at=deadline.expires_at,
    )
    return OutboxMessage.from_event(event)
