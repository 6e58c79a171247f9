"""From the outbox to the stream: nothing is lost and nothing is invented."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from common.background import background
from common.bus import BrokerUnavailable, JetStream, connected
from common.clock import now
from common.db import Database, DatabaseUnavailable
from common.db.messaging_tables import outbox
from common.events import Event, ExpirationCompleted
from common.outbox import (
    MESSAGE_ID,
    Claim,
    OutboxMessage,
    OutboxRelay,
    SqlOutbox,
    add_events,
)
from common.testing import until
from common.testing.nats import NatsServer
from common.testing.plugin import on_mariadb

pytestmark = pytest.mark.asyncio

STREAM = "EXPIRATION"


def make_events(count: int) -> list[ExpirationCompleted]:
    return [
        ExpirationCompleted(order_id=f"o{n}", expires_at=now()) for n in range(count)
    ]


async def commit(database: Database, events: Sequence[Event]) -> None:
    async with database.transaction() as session:
        await add_events(session, *events)


async def unpublished(database: Database) -> int:
    return (await SqlOutbox(database).backlog()).pending


async def all_published(database: Database) -> bool:
    return await unpublished(database) == 0


async def message_ids(bus: JetStream) -> list[str]:
    """Return the ids of what lies in the stream, in its order."""
    state = (await bus.context.stream_info(STREAM)).state
    found = []
    for sequence in range(1, state.last_seq + 1):
        raw = await bus.context.get_msg(STREAM, sequence)
        found.append((raw.headers or {})[MESSAGE_ID])
    return found


def ids(events: Sequence[Event]) -> list[str]:
    return [event.event_id for event in events]


@asynccontextmanager
async def relaying(database: Database, bus: JetStream) -> AsyncIterator[OutboxRelay]:
    relay = OutboxRelay(SqlOutbox(database), bus)
    database.on_outbox_commit(relay.wake)
    async with background("relay", relay.run()):
        yield relay


class Recorder:
    """A publisher that notes what it is given, and fails when told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fail = 0
        self.accept: Callable[[OutboxMessage], bool] = lambda _: True

    async def publish(self, messages: Sequence[OutboxMessage]) -> list[str]:
        if self.fail:
            self.fail -= 1
            raise BrokerUnavailable("away")
        accepted = [m.event_id for m in messages if self.accept(m)]
        self.sent += accepted
        return accepted


async def test_an_event_leaves_right_after_its_commit(
    database: Database, bus: JetStream
) -> None:
    events = make_events(1)
    async with relaying(database, bus):
        arrived = await bus.context.subscribe("expiration.completed")
        started = monotonic()
        await commit(database, events)
        message = await arrived.next_msg(timeout=5)
        assert monotonic() - started < 0.5
        assert (message.headers or {})[MESSAGE_ID] == events[0].event_id


async def test_a_rolled_back_event_is_never_published(
    database: Database, bus: JetStream
) -> None:
    async def change_my_mind() -> None:
        async with database.transaction() as session:
            await add_events(session, *make_events(1))
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_my_mind()
    assert await OutboxRelay(SqlOutbox(database), bus).drain() == 0
    assert await message_ids(bus) == []


async def test_the_poll_finds_what_nobody_woke_the_relay_for(
    database: Database,
) -> None:
    publisher = Recorder()
    relay = OutboxRelay(SqlOutbox(database), publisher)
    events = make_events(3)
    async with background("relay", relay.run()):
        await commit(database, events)
        await until(lambda: publisher.sent == ids(events), seconds=5)


async def test_events_are_published_in_the_order_of_their_commit(
    database: Database, bus: JetStream
) -> None:
    events = make_events(600)
    for start in range(0, 600, 200):
        await commit(database, events[start : start + 200])
    assert await OutboxRelay(SqlOutbox(database), bus).drain() == 600
    assert await message_ids(bus) == ids(events)
    assert await unpublished(database) == 0


async def test_r46_a_failed_publish_leaves_the_row_for_the_next_try(
    database: Database, bus: JetStream
) -> None:
    events = make_events(2)
    await commit(database, events)
    broken = Recorder()
    broken.fail = 1
    with pytest.raises(BrokerUnavailable):
        await OutboxRelay(SqlOutbox(database), broken).drain()
    assert await unpublished(database) == 2
    await OutboxRelay(SqlOutbox(database), bus).drain()
    assert await message_ids(bus) == ids(events)


async def test_r46_only_what_the_broker_acknowledged_is_marked(
    database: Database,
) -> None:
    events = make_events(3)
    await commit(database, events)
    publisher = Recorder()
    publisher.accept = lambda message: message.event_id != events[1].event_id
    relay = OutboxRelay(SqlOutbox(database), publisher)
    assert await relay.drain() == 2
    assert await unpublished(database) == 1
    publisher.accept = lambda _: True
    assert await relay.drain() == 1
    assert publisher.sent == [events[n].event_id for n in (0, 2, 1)]


async def test_r47_rows_sent_twice_lie_in_the_stream_once(
    database: Database, bus: JetStream
) -> None:
    events = make_events(5)
    await commit(database, events)
    # The process dies between send and mark: all were sent, none is marked.
    async with SqlOutbox(database).claim(10) as claim:
        await bus.publish(claim.messages)
    assert await unpublished(database) == 5
    assert await OutboxRelay(SqlOutbox(database), bus).drain() == 5
    assert await message_ids(bus) == ids(events)


async def test_r47_a_batch_with_one_known_message_falls_back_to_singles(
    bus: JetStream,
) -> None:
    messages = [OutboxMessage.from_event(event) for event in make_events(4)]
    assert await bus.publish(messages[1:2]) == [messages[1].event_id]
    assert await bus.publish(messages) == [m.event_id for m in messages]
    assert await message_ids(bus) == [messages[n].event_id for n in (1, 0, 2, 3)]


@on_mariadb
async def test_two_relays_publish_each_event_once(database: Database) -> None:
    events = make_events(1000)
    for start in range(0, 1000, 250):
        await commit(database, events[start : start + 250])
    publishers = [Recorder(), Recorder()]
    relays = [OutboxRelay(SqlOutbox(database), one) for one in publishers]
    while await unpublished(database):
        await asyncio.gather(*(relay.drain() for relay in relays))
    assert sorted(publishers[0].sent + publishers[1].sent) == sorted(ids(events))
    assert all(publisher.sent for publisher in publishers)


@on_mariadb
async def test_a_lower_id_that_commits_later_is_not_lost(database: Database) -> None:
    early, late = make_events(2)
    publisher = Recorder()
    relay = OutboxRelay(SqlOutbox(database), publisher)
    async with database.transaction() as session:
        await add_events(session, early)
        await commit(database, [late])
        assert await relay.drain() == 1
        assert publisher.sent == [late.event_id]
    assert await relay.drain() == 1
    assert publisher.sent == [late.event_id, early.event_id]


async def test_replay_sends_again_under_the_same_message_ids(
    database: Database,
) -> None:
    events = make_events(3)
    publisher = Recorder()
    relay = OutboxRelay(SqlOutbox(database), publisher)
    await commit(database, events)
    await relay.drain()
    assert await SqlOutbox(database).replay(now() + timedelta(minutes=1)) == 0
    assert await SqlOutbox(database).replay(now() - timedelta(minutes=1)) == 3
    await relay.drain()
    assert publisher.sent == ids(events) * 2


async def test_r51_a_wiped_stream_is_declared_and_filled_again_from_the_outbox(
    database: Database, bus: JetStream
) -> None:
    events = make_events(3)
    relay = OutboxRelay(SqlOutbox(database), bus)
    await commit(database, events)
    await relay.drain()
    await bus.context.delete_stream(STREAM)
    await SqlOutbox(database).replay(now() - timedelta(minutes=1))
    async with background("relay", relay.run()):
        await until(lambda: all_published(database))
    assert await message_ids(bus) == ids(events)


async def test_old_published_events_are_pruned_and_unpublished_ones_never(
    database: Database,
) -> None:
    store = SqlOutbox(database)
    sent, waiting = make_events(2)
    await commit(database, [sent])
    await OutboxRelay(store, Recorder()).drain()
    await commit(database, [waiting])
    assert await store.prune(now() - timedelta(days=7)) == 0
    assert await store.prune(now() + timedelta(seconds=1)) == 1
    assert (await store.backlog()).pending == 1


async def test_the_backlog_names_its_oldest(database: Database) -> None:
    assert await SqlOutbox(database).backlog() == (0, None)
    before = now()
    await commit(database, make_events(2))
    pending, oldest = await SqlOutbox(database).backlog()
    assert pending == 2
    assert oldest is not None
    assert before <= oldest <= now()


class Flaky(SqlOutbox):
    """An outbox whose database is away for the first claims."""

    failures = 2

    @asynccontextmanager
    async def claim(self, limit: int) -> AsyncIterator[Claim]:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("away")
        async with super().claim(limit) as claim:
            yield claim


async def test_the_relay_goes_on_after_database_and_broker_errors(
    database: Database,
) -> None:
    events = make_events(2)
    await commit(database, events)
    publisher = Recorder()
    publisher.fail = 1
    relay = OutboxRelay(Flaky(database), publisher)
    async with background("relay", relay.run()) as task:
        for _ in range(4):
            relay.wake()
        await until(lambda: publisher.sent == ids(events), seconds=10)
        assert not task.done()


async def test_r46_nats_killed_and_restarted_publishing_resumes(
    database: Database, nats_server: NatsServer
) -> None:
    events = make_events(40)
    async with (
        connected(nats_server.url, name="test", streams=[STREAM]) as bus,
        relaying(database, bus),
    ):
        await commit(database, events[:10])
        nats_server.kill()
        for one in events[10:30]:
            await commit(database, [one])
        nats_server.start()
        await commit(database, events[30:])
        await until(lambda: all_published(database))
        assert sorted(await message_ids(bus)) == sorted(ids(events))


async def test_an_event_is_stored_with_the_change_that_it_tells_of(
    database: Database,
) -> None:
    await commit(database, make_events(2))
    async with database.reading() as session:
        count = await session.scalar(select(func.count()).select_from(outbox))
    assert count == 2


async def test_the_same_event_is_refused_twice_in_one_outbox(
    database: Database,
) -> None:
    events = make_events(1)
    await commit(database, events)
    with pytest.raises(IntegrityError):
        await commit(database, events)


async def test_no_events_are_no_work(database: Database) -> None:
    woken: list[bool] = []
    database.on_outbox_commit(lambda: woken.append(True))
    await commit(database, [])
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
    assert woken == []
