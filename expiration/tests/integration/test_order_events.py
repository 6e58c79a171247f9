"""What the events of orders leave in Redis."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, timedelta

import pytest
from arq import ArqRedis

from common.clock import now
from common.errors import Disposition, verdict_on
from common.events import OrderCancelled, OrderCreated
from common.events.orders import OrderState
from expiration.consumers import OrderEvents
from expiration.deadlines import CANCELLED, Deadline, Deadlines, RedisUnavailable
from expiration.worker import SLOT_MILLISECONDS, Alarms, connect

pytestmark = pytest.mark.asyncio

MakeCreated = Callable[..., OrderCreated]
Cancel = Callable[[OrderState], OrderCancelled]

FAR = timedelta(days=1)


@pytest.fixture
def events(redis: ArqRedis) -> OrderEvents:
    return OrderEvents(Deadlines(redis), Alarms(redis))


async def _kept(events: OrderEvents) -> list[Deadline]:
    return await events.deadlines.due(now() + FAR, 1000)


async def test_a_created_order_is_kept_with_its_exact_deadline(
    events: OrderEvents, make_created: MakeCreated
) -> None:
    order = make_created("a")
    await events.apply([order])
    assert await _kept(events) == [Deadline("a", order.expires_at)]


async def test_e1_a_timer_is_set_just_after_the_deadline(
    events: OrderEvents, redis: ArqRedis, make_created: MakeCreated
) -> None:
    order = make_created("a", seconds=600)
    await events.apply([order])
    (job,) = await redis.queued_jobs()
    assert job.score is not None
    late = job.score / 1000 - order.expires_at.timestamp()
    assert job.function == "wake"
    assert 0.02 <= late <= 0.02 + (SLOT_MILLISECONDS + 1) / 1000


async def test_e1_a_past_deadline_sets_a_timer_for_now(
    events: OrderEvents, redis: ArqRedis, make_created: MakeCreated
) -> None:
    await events.apply([make_created("a", seconds=-60), make_created("b", seconds=-5)])
    (job,) = await redis.queued_jobs()
    assert job.score is not None
    assert abs(job.score / 1000 - now().timestamp()) < 5


async def test_deadlines_of_one_second_share_a_few_jobs(
    events: OrderEvents, redis: ArqRedis, make_created: MakeCreated
) -> None:
    second = now().replace(microsecond=0) + timedelta(minutes=15)
    orders = [
        make_created(f"o{n}").model_copy(
            update={"expires_at": second + timedelta(milliseconds=n)}
        )
        for n in range(0, 900, 3)
    ]
    await events.apply(orders)
    await events.apply(orders)
    assert len(await _kept(events)) == len(orders)
    assert len(await redis.queued_jobs()) <= 1000 // SLOT_MILLISECONDS + 1


async def test_a_cancelled_order_is_forgotten(
    events: OrderEvents, make_created: MakeCreated, cancel: Cancel
) -> None:
    kept, cancelled = make_created("kept"), make_created("cancelled")
    await events.apply([kept, cancelled])
    await events.apply([cancel(cancelled)])
    assert await _kept(events) == [Deadline("kept", kept.expires_at)]


def _orders_of_delivery(
    created: OrderState, cancelled: OrderState
) -> Iterator[list[list[OrderState]]]:
    yield [[created], [cancelled]]
    yield [[created, cancelled]]
    yield [[cancelled, created]]
    yield [[cancelled], [created]]
    yield [[cancelled], [created], [cancelled], [created, created]]


async def test_i8_any_order_of_delivery_ends_in_the_same_state(
    events: OrderEvents, redis: ArqRedis, make_created: MakeCreated, cancel: Cancel
) -> None:
    created = make_created("a")
    for batches in _orders_of_delivery(created, cancel(created)):
        await redis.flushall()
        for batch in batches:
            await events.apply(batch)
        assert await _kept(events) == []


async def test_a_cancelled_order_is_not_remembered_for_ever(
    events: OrderEvents, redis: ArqRedis, make_created: MakeCreated, cancel: Cancel
) -> None:
    await events.apply([cancel(make_created("old", seconds=-7200))])
    recent = make_created("recent", seconds=-60)
    await events.apply([cancel(recent)])
    assert await redis.zrange(CANCELLED, 0, -1) == [
        Deadline("recent", recent.expires_at).member.encode()
    ]


async def test_a_redis_that_is_away_lets_the_events_come_again(
    start_redis: Callable[[], AbstractContextManager[str]], make_created: MakeCreated
) -> None:
    with start_redis() as url:
        redis = connect(url)
        events = OrderEvents(Deadlines(redis), Alarms(redis))
        await events.apply([make_created("a")])
    with pytest.raises(RedisUnavailable) as refused:
        await events.apply([make_created("b")])
    assert verdict_on(refused.value).disposition is Disposition.RETRY
    with start_redis():
        await events.apply([make_created("b")])
        assert {d.order_id for d in await _kept(events)} == {"a", "b"}
        await redis.aclose(close_connection_pool=True)


async def test_an_alarm_is_not_set_when_redis_is_away(
    start_redis: Callable[[], AbstractContextManager[str]],
) -> None:
    with start_redis() as url:
        redis = connect(url)
    soon: Sequence[Deadline] = [Deadline("a", now().astimezone(UTC))]
    with pytest.raises(RedisUnavailable):
        await Alarms(redis).set_for(soon)
    await redis.aclose(close_connection_pool=True)
