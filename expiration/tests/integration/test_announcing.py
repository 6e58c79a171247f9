"""Announcing what is due: each once, none early, none lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import pytest
from arq import ArqRedis, Retry
from prometheus_client import REGISTRY

from common.bus import BrokerUnavailable, JetStream
from common.clock import now
from common.events import ExpirationCompleted
from common.outbox import OutboxMessage
from expiration.deadlines import Deadline, Deadlines
from expiration.service import ANNOUNCED_AFTER, Expiry, event_id
from expiration.worker import wake

pytestmark = pytest.mark.asyncio

Announced = Callable[[JetStream, int], Awaitable[list[ExpirationCompleted]]]

EXPIRES_AT = now()


class PartlyAwayBroker:
    """Acknowledges ``taken`` messages of each batch, then is away once."""

    def __init__(self, taken: int) -> None:
        self._taken = taken
        self.received: list[str] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> list[str]:
        if len(self.received) == self._taken:
            raise BrokerUnavailable("away")
        ids = [message.event_id for message in messages[: self._taken]]
        self.received += ids
        return ids


def _expiry(
    redis: ArqRedis, bus: JetStream, *, ahead: timedelta = timedelta(seconds=1)
) -> Expiry:
    """Return an Expiry whose clock says how long the deadline has passed."""

    def clock() -> datetime:
        return EXPIRES_AT + ahead

    return Expiry(Deadlines(redis), bus, clock)


def _deadlines(count: int) -> list[Deadline]:
    return [
        Deadline(f"order-{n}", EXPIRES_AT - timedelta(microseconds=n))
        for n in range(count)
    ]


async def test_e2_what_is_due_is_announced_with_its_exact_deadline(
    redis: ArqRedis, bus: JetStream, announced: Announced
) -> None:
    expiry = _expiry(redis, bus)
    await expiry.deadlines.store(_deadlines(1), [])
    assert await expiry.announce_due() == 1
    (event,) = await announced(bus, 1)
    assert (event.order_id, event.expires_at) == ("order-0", EXPIRES_AT)
    assert await expiry.deadlines.pending() == 0


async def test_two_thousand_are_announced_in_one_go(
    redis: ArqRedis, bus: JetStream, announced: Announced
) -> None:
    expiry = _expiry(redis, bus)
    await expiry.deadlines.store(_deadlines(2000), [])
    before = REGISTRY.get_sample_value("expiration_completed_total") or 0
    assert await expiry.announce_due() == 2000
    assert REGISTRY.get_sample_value("expiration_completed_total") == before + 2000
    state = (await bus.context.stream_info("EXPIRATION")).state
    assert state.messages == 2000
    assert await expiry.deadlines.pending() == 0


async def test_r13_nothing_is_announced_before_its_time(
    redis: ArqRedis, bus: JetStream
) -> None:
    early = _expiry(redis, bus, ahead=ANNOUNCED_AFTER - timedelta(milliseconds=1))
    await early.deadlines.store(_deadlines(1), [])
    assert await early.announce_due() == 0
    assert await early.deadlines.pending() == 1
    in_time = _expiry(redis, bus, ahead=ANNOUNCED_AFTER + timedelta(milliseconds=1))
    assert await in_time.announce_due() == 1


async def test_r13_a_clock_two_minutes_ahead_still_tells_the_true_deadline(
    redis: ArqRedis, bus: JetStream, announced: Announced
) -> None:
    expires_at = now() + timedelta(minutes=2)
    deadline = Deadline("order", expires_at)
    skewed = Expiry(Deadlines(redis), bus, lambda: now() + timedelta(minutes=2.1))
    await skewed.deadlines.store([deadline], [])
    await skewed.announce_due()
    (event,) = await announced(bus, 1)
    assert event.expires_at == expires_at


async def test_r13_a_clock_two_minutes_behind_only_delays(
    redis: ArqRedis, bus: JetStream
) -> None:
    deadline = Deadline("order", now() - timedelta(minutes=1))
    skewed = Expiry(Deadlines(redis), bus, lambda: now() - timedelta(minutes=2))
    await skewed.deadlines.store([deadline], [])
    assert await skewed.announce_due() == 0
    right = Expiry(Deadlines(redis), bus)
    assert await right.announce_due() == 1


async def test_r15_a_deadline_announced_twice_is_one_event(
    redis: ArqRedis, bus: JetStream, announced: Announced
) -> None:
    expiry = _expiry(redis, bus)
    for count in (3, 5):
        await expiry.deadlines.store(_deadlines(count), [])
        await expiry.announce_due()
    events = await announced(bus, 5)
    assert {e.event_id for e in events} == {event_id(d) for d in _deadlines(5)}
    assert len(events) == 5


async def test_timers_that_go_off_together_announce_once(
    redis: ArqRedis, bus: JetStream
) -> None:
    expiry = _expiry(redis, bus)
    await expiry.deadlines.store(_deadlines(50), [])
    counts = await asyncio.gather(*(expiry.announce_due() for _ in range(8)))
    assert sorted(counts) == [0] * 7 + [50]


async def test_r17_a_deadline_set_anew_is_kept_while_the_old_one_is_announced(
    redis: ArqRedis, bus: JetStream
) -> None:
    expiry = _expiry(redis, bus)
    extended = Deadline("order-0", EXPIRES_AT + timedelta(minutes=5))
    await expiry.deadlines.store([*_deadlines(1), extended], [])
    assert await expiry.announce_due() == 1
    later = extended.expires_at + timedelta(seconds=1)
    assert await expiry.deadlines.due(later, 10) == [extended]


async def test_only_what_was_acknowledged_is_forgotten(redis: ArqRedis) -> None:
    broker = PartlyAwayBroker(taken=2)
    expiry = Expiry(Deadlines(redis), broker, lambda: now() + timedelta(seconds=1))
    await expiry.deadlines.store(_deadlines(5), [])
    with pytest.raises(BrokerUnavailable):
        await expiry.announce_due()
    left = {event_id(d) for d in await expiry.deadlines.due(now(), 10)}
    assert left == {event_id(d) for d in _deadlines(5)} - set(broker.received)
    assert len(left) == 3


async def test_a_job_that_cannot_announce_is_tried_again_later(
    redis: ArqRedis,
) -> None:
    expiry = Expiry(Deadlines(redis), PartlyAwayBroker(taken=0))
    await expiry.deadlines.store([Deadline("a", now() - timedelta(seconds=1))], [])
    with pytest.raises(Retry) as postponed:
        await wake({"expiry": expiry, "job_try": 1})
    assert postponed.value.defer_score == 500
    assert await expiry.deadlines.pending() == 1
