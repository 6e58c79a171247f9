"""What can be seen of messages: whose trace they belong to, how many wait."""

import asyncio
from collections.abc import Sequence

import pytest
from opentelemetry.trace import SpanKind
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from structlog.typing import EventDict, WrappedLogger

from common.background import background
from common.bus import BrokerUnavailable, Consumer, JetStream, Subscription
from common.bus.consumer import BATCH
from common.clock import now
from common.db import Database
from common.events import Event, ExpirationCompleted
from common.inbox import Inbox
from common.outbox import OutboxMessage, OutboxRelay, SqlOutbox, add_events
from common.telemetry import configure_tracing, span, trace_id
from common.testing import until

pytestmark = pytest.mark.asyncio

DURABLE = "test-expiration"


def decided(order_id: str) -> tuple[OutboxMessage, str | None]:
    """Return an event on its way, and the trace of the request that decided on it."""
    with span(f"POST {order_id}", SpanKind.SERVER):
        event = ExpirationCompleted(order_id=order_id, expires_at=now())
        return OutboxMessage.from_event(event), trace_id()


def a_consumer(bus: JetStream, inbox: Inbox) -> Consumer:
    subjects = (ExpirationCompleted.subject,)
    return Consumer(bus, Subscription(DURABLE, subjects, inbox.apply))


def _with_trace(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    return {**entry, "trace_id": trace_id()}


@pytest.mark.parametrize("count", [1, 5])
async def test_each_event_is_handled_and_logged_in_the_trace_that_it_came_with(
    database: Database, bus: JetStream, count: int
) -> None:
    configure_tracing("test")
    handled: dict[str, str | None] = {}

    async def handle(_: AsyncSession, event: ExpirationCompleted) -> None:
        handled[event.event_id] = trace_id()

    sent = [decided(f"o{number}") for number in range(count)]
    traces = {message.event_id: trace for message, trace in sent}
    await bus.publish([message for message, _ in sent])
    consumer = a_consumer(bus, Inbox(database, {ExpirationCompleted: handle}))
    with capture_logs(processors=[_with_trace]) as entries:
        async with background("consumer", consumer.run()):
            await until(lambda: _applied(entries).keys() == traces.keys())
    assert len(set(traces.values())) == count
    assert handled == traces
    assert _applied(entries) == traces
    assert trace_id() is None


def _applied(entries: Sequence[EventDict]) -> dict[str, str]:
    return {
        entry["event_id"]: entry["trace_id"]
        for entry in entries
        if entry["event"] == "event_applied"
    }


async def test_a_consumer_that_never_catches_up_tells_how_far_it_is_behind(
    bus: JetStream,
) -> None:
    may_go_on = asyncio.Event()

    async def apply(_: Sequence[Event]) -> None:
        await may_go_on.wait()

    await bus.publish([decided(f"o{number}")[0] for number in range(BATCH + 7)])
    subscription = Subscription(DURABLE, (ExpirationCompleted.subject,), apply)
    async with background("consumer", Consumer(bus, subscription).run()):
        await until(lambda: _lag() == 7)
        may_go_on.set()
        await until(lambda: _lag() == 0)


def _lag() -> float | None:
    labels = {"messaging_consumer_group_name": DURABLE}
    return REGISTRY.get_sample_value("consumer_lag", labels)


class _Away:
    """A broker that is not there."""

    async def publish(self, _: Sequence[OutboxMessage]) -> list[str]:
        raise BrokerUnavailable("away")


async def test_what_waits_is_measured_while_the_broker_is_away(
    database: Database, bus: JetStream
) -> None:
    async with database.transaction() as session:
        await add_events(session, ExpirationCompleted(order_id="o", expires_at=now()))
    store = SqlOutbox(database)
    async with background("relay", OutboxRelay(store, _Away()).run()):
        await until(lambda: REGISTRY.get_sample_value("outbox_pending") == 1)
        await until(lambda: _oldest_age() > 1)
    async with background("relay", OutboxRelay(store, bus).run()):
        await until(lambda: REGISTRY.get_sample_value("outbox_pending") == 0)
    assert _oldest_age() == 0


def _oldest_age() -> float:
    return REGISTRY.get_sample_value("outbox_oldest_age_seconds") or 0.0
