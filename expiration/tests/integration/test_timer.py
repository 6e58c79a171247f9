"""The whole service: from the event of an order to the announcement, and faults."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
)

import httpx
import pytest
from arq import ArqRedis

from common.bus import JetStream, connected
from common.events import ExpirationCompleted, OrderCancelled, OrderCreated
from common.events.orders import OrderState
from common.testing import until
from common.testing.nats import NatsServer
from expiration.deadlines import DEADLINES
from expiration.worker import connect

pytestmark = pytest.mark.asyncio

MakeCreated = Callable[..., OrderCreated]
Cancel = Callable[[OrderState], OrderCancelled]
Publish = Callable[[JetStream, Sequence[OrderState]], Awaitable[list[str]]]
Announced = Callable[[JetStream, int], Awaitable[list[ExpirationCompleted]]]
StartRedis = Callable[[], AbstractContextManager[str]]
StartService = Callable[[str, str], AbstractAsyncContextManager[httpx.AsyncClient]]

STREAMS = ("ORDERS", "EXPIRATION")


async def _answers(client: httpx.AsyncClient, status: int) -> None:
    async def does() -> bool:
        return (await client.get("/readyz")).status_code == status

    await until(does)


async def _pending(redis: ArqRedis, count: int) -> None:
    async def are() -> bool:
        found: int = await redis.zcard(DEADLINES)
        return found == count

    await until(are)


async def test_an_order_is_announced_within_a_second_of_its_deadline(
    start_service: StartService, redis_url: str, bus: JetStream, empty_nats: str,
    make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    order = make_created("a", seconds=2.5)
    async with start_service(redis_url, empty_nats):
        await publish(bus, [order])
        (event,) = await announced(bus, 1)
    assert (event.order_id, event.expires_at) == ("a", order.expires_at)
    assert 0.02 <= (event.occurred_at - order.expires_at).total_seconds() < 1.0


async def test_e3_deadlines_survive_a_restart_of_the_service(
    start_service: StartService, redis: ArqRedis, redis_url: str, bus: JetStream,
    empty_nats: str, make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    async with start_service(redis_url, empty_nats):
        await publish(bus, [make_created("due-while-down", seconds=0.9)])
        await publish(bus, [make_created("due-later", seconds=4)])
        await _pending(redis, 2)
    await asyncio.sleep(1)  # The first deadline passes while nobody looks.
    async with start_service(redis_url, empty_nats):
        events = await announced(bus, 2)
    assert [event.order_id for event in events] == ["due-while-down", "due-later"]


async def test_i8_events_that_come_again_are_announced_once(
    start_service: StartService, redis_url: str, bus: JetStream, empty_nats: str,
    make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    orders = [make_created(f"order-{n}", seconds=2) for n in range(20)]
    again = [o.model_copy(update={"event_id": f"again-{o.id}"}) for o in orders]
    last = make_created("last", seconds=3)
    async with start_service(redis_url, empty_nats):
        await publish(bus, [*orders, *again, last])
        events = await announced(bus, 21)
    assert sorted(e.order_id for e in events) == sorted(o.id for o in [*orders, last])


async def test_a_cancelled_order_is_never_announced(
    start_service: StartService, redis_url: str, bus: JetStream, empty_nats: str,
    make_created: MakeCreated, cancel: Cancel, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    cancelled, other = make_created("a", seconds=2), make_created("b", seconds=2.5)
    async with start_service(redis_url, empty_nats):
        await publish(bus, [cancelled, other])
        await publish(bus, [cancel(cancelled)])
        events = await announced(bus, 1)
    assert [event.order_id for event in events] == ["b"]


async def test_two_thousand_due_at_once_are_all_announced(
    start_service: StartService, redis_url: str, bus: JetStream, empty_nats: str,
    make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    due = make_created("any", seconds=8).expires_at
    orders = [
        make_created(f"order-{n}").model_copy(update={"expires_at": due})
        for n in range(2000)
    ]
    async with start_service(redis_url, empty_nats):
        await publish(bus, orders)
        events = await announced(bus, 2000)
    assert {e.order_id for e in events} == {o.id for o in orders}
    assert max((e.occurred_at - due).total_seconds() for e in events) < 3


async def test_r14_a_lost_job_loses_no_deadline(
    start_service: StartService, redis: ArqRedis, redis_url: str, bus: JetStream,
    empty_nats: str, make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    async with start_service(redis_url, empty_nats):
        await publish(bus, [make_created("a", seconds=2)])
        await _pending(redis, 1)
        await until(lambda: redis.exists("arq:queue"))
        await redis.delete("arq:queue")
        events = await announced(bus, 1)
    assert [event.order_id for event in events] == ["a"]


async def test_what_is_due_while_nats_is_away_is_announced_when_it_is_back(
    start_service: StartService, redis: ArqRedis, redis_url: str,
    nats_server: NatsServer, make_created: MakeCreated, publish: Publish,
    announced: Announced,
) -> None:  # fmt: skip
    async with (
        connected(nats_server.url, name="orders", streams=STREAMS) as bus,
        start_service(redis_url, nats_server.url),
    ):
        await publish(bus, [make_created("a", seconds=1.5)])
        await _pending(redis, 1)
        nats_server.kill()
        await asyncio.sleep(2.5)  # The deadline passes, and an attempt fails.
        assert await redis.zcard(DEADLINES) == 1
        nats_server.start()
        events = await announced(bus, 1)
        await _pending(redis, 0)
    assert [event.order_id for event in events] == ["a"]


async def test_e4_it_starts_while_nats_is_still_down(
    start_service: StartService, redis_url: str, nats_server: NatsServer,
    make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    nats_server.stop()
    async with start_service(redis_url, nats_server.url) as client:
        answer = (await client.get("/readyz")).json()
        assert answer["resources"] == {"redis": "ok", "messaging": "BrokerUnavailable"}
        nats_server.start()
        await _answers(client, 200)
        async with connected(nats_server.url, name="orders", streams=STREAMS) as bus:
            await publish(bus, [make_created("a", seconds=-1)])
            events = await announced(bus, 1)
    assert [event.order_id for event in events] == ["a"]


async def test_deadlines_survive_a_killed_redis_and_the_service_reconnects(
    start_service: StartService, start_redis: StartRedis, bus: JetStream,
    empty_nats: str, make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    async with AsyncExitStack() as running:
        with start_redis() as url:
            redis = connect(url)
            client = await running.enter_async_context(start_service(url, empty_nats))
            await publish(bus, [make_created("before", seconds=5)])
            await _pending(redis, 1)
        await redis.aclose(close_connection_pool=True)
        await _answers(client, 503)
        await publish(bus, [make_created("meanwhile", seconds=5)])
        with start_redis():
            await _answers(client, 200)
            await publish(bus, [make_created("after", seconds=1)])
            events = await announced(bus, 3)
            await running.aclose()
    assert {e.order_id for e in events} == {"before", "meanwhile", "after"}


async def test_it_starts_while_redis_is_still_down(
    start_service: StartService, start_redis: StartRedis, bus: JetStream,
    empty_nats: str, make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    with start_redis() as url:
        pass
    await publish(bus, [make_created("a", seconds=1)])
    async with start_service(url, empty_nats) as client:
        await _answers(client, 503)
        with start_redis():
            events = await announced(bus, 1)
            assert [event.order_id for event in events] == ["a"]
            await _answers(client, 200)


async def test_health_and_metrics_are_served(
    start_service: StartService, redis: ArqRedis, redis_url: str, bus: JetStream,
    empty_nats: str, make_created: MakeCreated, publish: Publish, announced: Announced,
) -> None:  # fmt: skip
    async with start_service(redis_url, empty_nats) as client:
        await publish(bus, [make_created("a", seconds=-1)])
        await announced(bus, 1)
        await _pending(redis, 0)
        assert (await client.get("/livez")).text == "ok"
        text = (await client.get("/metrics")).text
    for name in ("lateness_seconds_bucket", "pending", "completed_total"):
        assert f"\nexpiration_{name}" in text
