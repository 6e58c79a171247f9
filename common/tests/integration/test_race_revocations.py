"""Revocations that got lost on the way, or are older than the stream's events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from common.background import background
from common.bus import BrokerUnavailable, JetStream, connected
from common.clock import now
from common.events import SessionsRevoked
from common.identity import RevocationFeed, Revocations, Session
from common.identity.revocations import TOKEN_LIFETIME
from common.outbox import Backlog, Claim, OutboxMessage, OutboxRelay
from common.runtime import Messaging
from common.testing import until

pytestmark = pytest.mark.asyncio

STREAM = "USERS"


def session_of(user_id: str) -> Session:
    begun = now() - timedelta(hours=1)
    return Session(user_id, "a@example.com", "s", begun, begun + timedelta(hours=12))


async def revoke(bus: JetStream, user_id: str) -> None:
    event = SessionsRevoked(id=user_id, not_before=now())
    assert await bus.publish([OutboxMessage.from_event(event)])


@asynccontextmanager
async def interception(js: JetStreamContext) -> AsyncIterator[asyncio.Task[list[Msg]]]:
    """Take one message of the feed's consumer, as a broken connection would."""
    (info,) = await js.consumers_info(STREAM)
    pull = await js.pull_subscribe_bind(info.name, STREAM)
    taking = asyncio.create_task(pull.fetch(1, timeout=30))
    try:
        yield taking
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await pull.unsubscribe()


async def has_consumer(js: JetStreamContext) -> bool:
    return len(await js.consumers_info(STREAM)) == 1


async def test_s15_a_revocation_that_was_delivered_and_lost_is_read_again(
    empty_nats: str,
) -> None:
    revocations = Revocations()
    async with (
        connected(empty_nats, name="test", streams=[STREAM]) as bus,
        background("feed", RevocationFeed(bus, revocations).run()),
    ):
        await until(lambda: has_consumer(bus.context))
        users = 0
        async with interception(bus.context) as taken:

            async def is_taken() -> bool:
                nonlocal users
                users += 1
                await revoke(bus, f"u{users}")
                return taken.done()

            await until(is_taken)
        over = [session_of(f"u{n}") for n in range(1, users + 1)]
        await until(lambda: all(map(revocations.is_revoked, over)))


async def test_the_stream_keeps_a_revocation_for_as_long_as_a_token_can_live(
    empty_nats: str,
) -> None:
    async with connected(empty_nats, name="test", streams=[STREAM]) as bus:
        kept = (await bus.context.stream_info(STREAM)).config.max_age
    assert kept is not None
    assert kept >= TOKEN_LIFETIME.total_seconds()


async def test_s15_a_process_is_not_ready_before_it_knows_which_sessions_are_over(
    empty_nats: str,
) -> None:
    users = [f"u{n}" for n in range(1500)]
    events = [SessionsRevoked(id=user, not_before=now()) for user in users]
    messages = [OutboxMessage.from_event(event) for event in events]
    async with connected(empty_nats, name="publisher", streams=[STREAM]) as bus:
        for start in range(0, len(messages), 500):
            await bus.publish(messages[start : start + 500])
    revocations = Revocations()
    messaging = Messaging(
        JetStream(empty_nats, name="test"), streams=[STREAM], revocations=revocations
    )
    async with messaging.running():
        await until(lambda: is_ready(messaging))
        assert all(revocations.is_revoked(session_of(user)) for user in users)


async def test_a_process_is_ready_soon_where_nobody_was_signed_out(
    empty_nats: str,
) -> None:
    bus = JetStream(empty_nats, name="test")
    messaging = Messaging(bus, streams=[STREAM], revocations=Revocations())
    async with messaging.running():
        await until(lambda: is_ready(messaging), seconds=1.5)
    assert not bus.is_connected


async def is_ready(messaging: Messaging) -> bool:
    try:
        await messaging.ping()
    except BrokerUnavailable:
        return False
    return True


class EmptyStore:
    """An outbox without events that notes until when it was to be pruned."""

    def __init__(self) -> None:
        self.pruned: list[datetime] = []

    @asynccontextmanager
    async def claim(self, limit: int) -> AsyncIterator[Claim]:
        assert limit
        yield Claim([])

    async def backlog(self) -> Backlog:
        return Backlog(0, None)

    async def prune(self, before: datetime) -> int:
        self.pruned.append(before)
        return 0


async def test_an_outbox_of_revocations_is_kept_for_as_long_as_they_matter(
    empty_nats: str,
) -> None:
    store = EmptyStore()
    async with connected(empty_nats, name="test") as bus:
        relay = OutboxRelay(store, bus, retention=TOKEN_LIFETIME)
        async with background("relay", relay.run()):
            relay.wake()
            await until(lambda: len(store.pruned) == 1)
    assert abs(store.pruned[0] - (now() - TOKEN_LIFETIME)) < timedelta(minutes=1)
