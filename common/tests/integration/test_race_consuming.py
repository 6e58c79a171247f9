"""What an outage or a lost stream may not do to messages that come after it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from common.background import background
from common.bus import Consumer, JetStream, Subscription
from common.bus.dead_letters import list_dead_letters
from common.bus.streams import DEAD_LETTERS
from common.clock import now
from common.db import DatabaseUnavailable
from common.errors import Conflict, Unprocessable
from common.events import Event, ExpirationCompleted
from common.outbox import OutboxMessage
from common.testing import until

pytestmark = pytest.mark.asyncio

SUBJECT = ExpirationCompleted.subject


class Handler:
    """Applies orders by name; the n-th try of one may raise."""

    def __init__(self, fails: Callable[[str, int], Exception | None]) -> None:
        self.applied: list[str] = []
        self.tries: dict[str, int] = {}
        self._fails = fails

    async def __call__(self, events: Sequence[Event]) -> None:
        names = [e.order_id for e in events if isinstance(e, ExpirationCompleted)]
        for name in names:
            self.tries[name] = self.tries.get(name, 0) + 1
            error = self._fails(name, self.tries[name])
            if error is not None:
                raise error
        self.applied += names


@asynccontextmanager
async def consuming(bus: JetStream, handler: Handler) -> AsyncIterator[None]:
    subscription = Subscription("test-expiration", (SUBJECT,), handler)
    consumer = Consumer(bus, subscription, backoff=(0.01,))
    async with background("consumer", consumer.run()):
        yield


async def publish(bus: JetStream, *names: str) -> None:
    events = [ExpirationCompleted(order_id=name, expires_at=now()) for name in names]
    messages = [OutboxMessage.from_event(event) for event in events]
    assert len(await bus.publish(messages)) == len(names)


async def parked(bus: JetStream) -> list[str]:
    return [letter.reason async for letter in list_dead_letters(bus.context)]


async def test_an_outage_uses_up_no_tries_of_a_message_that_then_loses_one_race(
    bus: JetStream,
) -> None:
    def fails(_: str, tries: int) -> Exception | None:
        if tries <= 10:
            return DatabaseUnavailable("away", retry_after=0.01)
        return Conflict("somebody else was first") if tries <= 13 else None

    handler = Handler(fails)
    async with consuming(bus, handler):
        await publish(bus, "o0")
        await until(lambda: handler.tries.get("o0") == 14)
        await until(lambda: handler.applied == ["o0"])
    assert await parked(bus) == []


async def test_r51_dead_letters_that_the_server_lost_hold_nobody_up(
    bus: JetStream,
) -> None:
    def fails(name: str, _: int) -> Exception | None:
        return Unprocessable("never") if name == "bad" else None

    handler = Handler(fails)
    await bus.context.delete_stream(DEAD_LETTERS)
    async with consuming(bus, handler):
        await publish(bus, "bad", "o1", "o2")
        await until(lambda: sorted(handler.applied) == ["o1", "o2"])
        await until(lambda: dead_letters_are_there(bus))
    assert await parked(bus) == ["never"]


async def dead_letters_are_there(bus: JetStream) -> bool:
    streams = {one.config.name: one.state for one in await bus.context.streams_info()}
    return DEAD_LETTERS in streams and streams[DEAD_LETTERS].messages == 1


async def test_looking_at_the_dead_letters_leaves_their_stream_as_it_is(
    bus: JetStream,
) -> None:
    js = bus.context
    config = (await js.stream_info(DEAD_LETTERS)).config
    # As a cluster's copies are, which the one who looks was not told of.
    await js.update_stream(config.evolve(description="three copies"))
    assert await parked(bus) == []
    assert (await js.stream_info(DEAD_LETTERS)).config.description == "three copies"


async def test_there_are_no_dead_letters_where_there_is_no_stream(
    bus: JetStream,
) -> None:
    await bus.context.delete_stream(DEAD_LETTERS)
    assert await parked(bus) == []
