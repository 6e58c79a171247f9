"""From the stream to the database: applied once, in any order, whatever happens."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from time import monotonic

import pytest
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from common.background import background
from common.bus import Consumer, JetStream, Subscription, connected, subscriptions
from common.bus.consumer import Apply
from common.bus.dead_letters import DeadLetter, list_dead_letters, redrive
from common.bus.streams import DEAD_LETTERS
from common.clock import now
from common.db import Database, DatabaseUnavailable
from common.db.messaging_tables import inbox
from common.errors import Conflict, TooEarly, Unprocessable
from common.events import Event, ExpirationCompleted
from common.inbox import Inbox
from common.outbox import MESSAGE_ID, SCHEMA_VERSION, OutboxMessage
from common.testing import until
from common.testing.nats import NatsServer

pytestmark = pytest.mark.asyncio

STREAM = "EXPIRATION"
SUBJECT = ExpirationCompleted.subject
QUICK = (0.01,)


def make_events(count: int, *, first: int = 0) -> list[ExpirationCompleted]:
    return [
        ExpirationCompleted(order_id=f"o{n}", expires_at=now())
        for n in range(first, first + count)
    ]


async def publish(bus: JetStream, *events: Event) -> None:
    messages = [OutboxMessage.from_event(event) for event in events]
    assert len(await bus.publish(messages)) == len(events)


async def publish_raw(
    bus: JetStream, body: bytes, subject: str = SUBJECT, **headers: str
) -> None:
    await bus.context.publish(subject, body, headers=headers or None)


class Applied:
    """Notes what was applied; raises for the orders it is told to fail on."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.tries: dict[str, list[float]] = {}
        self.errors: dict[str, Callable[[int], Exception | None]] = {}

    async def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            assert isinstance(event, ExpirationCompleted)
            tries = self.tries.setdefault(event.order_id, [])
            tries.append(monotonic())
            fails = self.errors.get(event.order_id)
            error = fails(len(tries)) if fails else None
            if error is not None:
                raise error
        self.orders += [
            e.order_id for e in events if isinstance(e, ExpirationCompleted)
        ]


@asynccontextmanager
async def consuming(
    bus: JetStream, apply: Apply, *, backoff: Sequence[float] = QUICK
) -> AsyncIterator[Consumer]:
    subscription = Subscription("test-expiration", (SUBJECT,), apply)
    consumer = Consumer(bus, subscription, backoff=backoff)
    async with background("consumer", consumer.run()):
        yield consumer


async def dead_letters(bus: JetStream) -> list[DeadLetter]:
    return [letter async for letter in list_dead_letters(bus.context)]


async def pending(bus: JetStream) -> int:
    """Return the messages that are not acknowledged or not delivered yet."""
    info = await bus.context.consumer_info(STREAM, "test-expiration")
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def settled(bus: JetStream) -> bool:
    try:
        return await pending(bus) == 0
    except NotFoundError:
        return False  # The consumer has not declared itself yet.


async def test_what_is_published_is_applied_and_acknowledged(bus: JetStream) -> None:
    applied = Applied()
    async with consuming(bus, applied):
        await publish(bus, *make_events(100))
        await until(lambda: len(applied.orders) == 100)
        await until(lambda: settled(bus))
    assert sorted(applied.orders) == sorted(f"o{n}" for n in range(100))


async def test_what_came_before_the_first_start_is_applied(bus: JetStream) -> None:
    applied = Applied()
    await publish(bus, *make_events(3))
    async with consuming(bus, applied):
        await until(lambda: applied.orders == ["o0", "o1", "o2"])


async def test_a_single_event_is_applied_at_once(bus: JetStream) -> None:
    applied = Applied()
    async with consuming(bus, applied):
        await publish(bus, *make_events(1))
        await until(lambda: applied.orders == ["o0"])
        started = monotonic()
        await publish(bus, *make_events(1, first=1))
        await until(lambda: applied.orders == ["o0", "o1"])
        assert monotonic() - started < 0.5


def an_inbox(database: Database, notes: Table) -> Inbox:
    """Apply an event by writing down its order, once or the database refuses."""

    async def note(session: AsyncSession, event: ExpirationCompleted) -> None:
        await session.execute(insert(notes).values(text=event.order_id))

    return Inbox(database, {ExpirationCompleted: note})


async def noted(database: Database, notes: Table) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(notes.c.text).order_by(notes.c.id)))


async def test_r47_an_event_that_comes_twice_changes_nothing(
    database: Database, notes: Table
) -> None:
    inbox_ = an_inbox(database, notes)
    one, two = make_events(2)
    await inbox_.apply([one, one])
    await inbox_.apply([one])
    await inbox_.apply([two, one])
    assert await noted(database, notes) == ["o0", "o1"]


async def test_r48_a_consumer_that_dies_before_its_ack_changes_nothing_twice(
    database: Database, notes: Table, bus: JetStream
) -> None:
    inbox_ = an_inbox(database, notes)
    lost: list[Msg] = []

    class LosesTheAck(Consumer):
        async def _acknowledge(self, message: Msg) -> None:
            lost.append(message)
            await message.nak(delay=0.2)

    subscription = Subscription("test-expiration", (SUBJECT,), inbox_.apply)
    async with background("dying", LosesTheAck(bus, subscription).run()):
        await publish(bus, *make_events(2))
        await until(lambda: len(lost) == 2)
    assert await noted(database, notes) == ["o0", "o1"]
    async with consuming(bus, inbox_.apply):
        await until(lambda: settled(bus))
    assert await noted(database, notes) == ["o0", "o1"]


async def test_r48_an_effect_and_its_inbox_row_commit_together_or_not_at_all(
    database: Database, notes: Table
) -> None:
    async def fail(session: AsyncSession, event: ExpirationCompleted) -> None:
        await session.execute(insert(notes).values(text=event.order_id))
        if event.order_id == "o1":
            raise Conflict("not this one")

    inbox_ = Inbox(database, {ExpirationCompleted: fail})
    with pytest.raises(Conflict):
        await inbox_.apply(make_events(2))
    assert await noted(database, notes) == []
    async with database.reading() as session:
        assert list(await session.scalars(select(inbox.c.event_id))) == []


async def test_r49_a_poison_message_is_tried_a_bounded_number_of_times_and_parked(
    bus: JetStream,
) -> None:
    applied = Applied()
    applied.errors["o1"] = lambda _: RuntimeError("poison")
    async with consuming(bus, applied):
        await publish(bus, *make_events(5))
        await until(lambda: len(applied.orders) == 4)
        await until(lambda: settled(bus))
    (letter,) = await dead_letters(bus)
    assert sorted(applied.orders) == ["o0", "o2", "o3", "o4"]
    assert 6 <= len(applied.tries["o1"]) <= 7
    assert (letter.subject, letter.consumer) == (SUBJECT, "test-expiration")
    assert letter.reason == "poison"
    assert b'"order_id":"o1"' in letter.payload


async def test_r49_what_can_never_be_handled_is_parked_at_the_first_try(
    bus: JetStream,
) -> None:
    applied = Applied()
    applied.errors["o0"] = lambda _: Unprocessable("never")
    async with consuming(bus, applied):
        await publish(bus, *make_events(1))
        await until(lambda: "o0" in applied.tries)
        await until(lambda: settled(bus))
    assert len(applied.tries["o0"]) == 1
    assert [letter.reason for letter in await dead_letters(bus)] == ["never"]


@pytest.mark.parametrize(
    ("body", "version"),
    [(b"{", "1"), (b"\xff\xfe", "1"), (b"{}", "1"), (b"{}", "99"), (b"{}", "9" * 5000)],
)
async def test_r49_r53_an_unreadable_message_is_parked_at_once_and_others_flow_on(
    bus: JetStream, body: bytes, version: str
) -> None:
    applied = Applied()
    async with consuming(bus, applied):
        await publish_raw(bus, body, **{SCHEMA_VERSION: version, MESSAGE_ID: "bad"})
        await publish(bus, *make_events(1))
        await until(lambda: applied.orders == ["o0"])
        await until(lambda: settled(bus))
    (letter,) = await dead_letters(bus)
    assert letter.payload == body
    assert "schema version" in letter.reason or "does not fit" in letter.reason


async def test_r49_redriving_a_parked_message_applies_it(bus: JetStream) -> None:
    applied = Applied()
    applied.errors["o0"] = lambda _: Unprocessable("not with this version")
    async with consuming(bus, applied):
        await publish(bus, *make_events(2))
        await until(lambda: applied.orders == ["o1"])
        await until(lambda: settled(bus))
        (letter,) = await dead_letters(bus)
        del applied.errors["o0"]
        await redrive(bus.context, letter)
        await until(lambda: applied.orders == ["o1", "o0"])
    assert await dead_letters(bus) == []


async def test_r49_a_redriven_message_that_fails_again_is_parked_again(
    bus: JetStream,
) -> None:
    applied = Applied()
    applied.errors["o0"] = lambda _: Unprocessable("never")
    async with consuming(bus, applied):
        await publish(bus, *make_events(1))
        await until(lambda: len(applied.tries.get("o0", ())) == 1)
        await until(lambda: settled(bus))
        for expected in (2, 3):
            (letter,) = await dead_letters(bus)
            await redrive(bus.context, letter)
            await until(lambda n=expected: len(applied.tries["o0"]) == n)  # type: ignore[misc]
            await until(lambda: settled(bus))
    assert len(await dead_letters(bus)) == 1


async def test_r50_shuffled_and_repeated_events_end_in_the_newest_state(
    database: Database, bus: JetStream
) -> None:
    newest: dict[str, int] = {}

    async def apply_if_newer(_: AsyncSession, event: ExpirationCompleted) -> None:
        order, version = event.order_id.split(":")
        newest[order] = max(newest.get(order, 0), int(version))

    events = [
        ExpirationCompleted(order_id=f"o{order}:{version}", expires_at=now())
        for order in range(5)
        for version in range(1, 9)
    ]
    random.Random(50).shuffle(events)  # noqa: S311 - the same shuffle in each run
    inbox_ = Inbox(database, {ExpirationCompleted: apply_if_newer})
    async with consuming(bus, inbox_.apply):
        await publish(bus, *events)
        await until(lambda: newest == {f"o{n}": 8 for n in range(5)})
        await until(lambda: settled(bus))


async def test_a_failing_batch_is_redone_singly_and_only_the_bad_one_is_delayed(
    database: Database, notes: Table, bus: JetStream
) -> None:
    inbox_ = an_inbox(database, notes)
    tries = 0

    async def apply(events: Sequence[Event]) -> None:
        nonlocal tries
        for event in events:
            if isinstance(event, ExpirationCompleted) and event.order_id == "o3":
                tries += 1
                if tries < 4:
                    raise DatabaseUnavailable("away", retry_after=0.01)
        await inbox_.apply(events)

    await publish(bus, *make_events(8))
    async with consuming(bus, apply):
        await until(lambda: settled(bus))
    assert await noted(database, notes) == [
        "o0",
        "o1",
        "o2",
        "o4",
        "o5",
        "o6",
        "o7",
        "o3",
    ]


async def test_too_early_comes_back_when_it_says_and_is_never_parked(
    bus: JetStream,
) -> None:
    applied = Applied()
    applied.errors["o0"] = lambda tries: (
        TooEarly("not yet", retry_after=0.05) if tries <= 10 else None
    )
    async with consuming(bus, applied, backoff=(60.0,)):
        await publish(bus, *make_events(1))
        await until(lambda: applied.orders == ["o0"])
    times = applied.tries["o0"]
    assert len(times) == 11
    gaps = [late - early for early, late in pairwise(times)]
    assert min(gaps) >= 0.04
    assert await dead_letters(bus) == []


async def test_two_consumers_of_one_durable_share_the_work(
    database: Database, notes: Table, bus: JetStream
) -> None:
    inbox_ = an_inbox(database, notes)
    async with consuming(bus, inbox_.apply), consuming(bus, inbox_.apply):
        for start in range(0, 300, 50):
            await publish(bus, *make_events(50, first=start))
        await until(lambda: settled(bus))
    assert len(await noted(database, notes)) == 300


async def test_two_durables_get_every_event_each(bus: JetStream) -> None:
    first, second = Applied(), Applied()
    one = Subscription("one-expiration", (SUBJECT,), first)
    two = Subscription("two-expiration", (SUBJECT,), second)
    async with (
        background("one", Consumer(bus, one).run()),
        background("two", Consumer(bus, two).run()),
    ):
        await publish(bus, *make_events(3))
        await until(lambda: first.orders == second.orders == ["o0", "o1", "o2"])


async def test_only_the_subjects_asked_for_come(bus: JetStream) -> None:
    applied = Applied()
    async with consuming(bus, applied):
        await publish_raw(bus, b"{}", "expiration.something_new")
        await publish(bus, *make_events(1))
        await until(lambda: applied.orders == ["o0"])
        await until(lambda: settled(bus))
    assert await dead_letters(bus) == []


async def test_nats_killed_and_restarted_consuming_resumes_and_nothing_is_lost(
    nats_server: NatsServer,
) -> None:
    applied = Applied()
    streams = [STREAM, DEAD_LETTERS]
    async with (
        connected(nats_server.url, name="test", streams=streams) as bus,
        consuming(bus, applied),
    ):
        await publish(bus, *make_events(50))
        await until(lambda: len(applied.orders) >= 10)
        nats_server.kill()
        await until(lambda: not bus.is_connected)
        nats_server.start()
        await until(lambda: bus.is_connected)
        await publish(bus, *make_events(50, first=50))
        await until(lambda: set(applied.orders) == {f"o{n}" for n in range(100)})


async def test_r51_a_server_without_its_disk_gets_its_consumer_back(
    bus: JetStream,
) -> None:
    applied = Applied()
    async with consuming(bus, applied):
        await publish(bus, *make_events(1))
        await until(lambda: applied.orders == ["o0"])
        await bus.context.delete_stream(STREAM)
        await bus.declare([STREAM])
        await publish(bus, *make_events(1, first=1))
        await until(lambda: applied.orders == ["o0", "o1"])


async def test_a_consumer_whose_stream_is_gone_declares_it_again(
    bus: JetStream,
) -> None:
    applied = Applied()
    async with consuming(bus, applied):
        await publish(bus, *make_events(1))
        await until(lambda: applied.orders == ["o0"])
        await bus.context.delete_stream(STREAM)
        await until(lambda: stream_is_there(bus))
        await publish(bus, *make_events(1, first=1))
        await until(lambda: applied.orders == ["o0", "o1"])


async def stream_is_there(bus: JetStream) -> bool:
    return STREAM in [one.config.name for one in await bus.context.streams_info()]


async def test_one_subscription_for_each_stream() -> None:
    made = subscriptions(
        "orders",
        ["tickets.created", "payments.captured", "tickets.updated"],
        Applied(),
    )
    assert [(one.durable, one.stream, one.subjects) for one in made] == [
        ("orders-payments", "PAYMENTS", ("payments.captured",)),
        ("orders-tickets", "TICKETS", ("tickets.created", "tickets.updated")),
    ]


async def test_an_inbox_knows_the_subjects_it_handles(
    database: Database, notes: Table
) -> None:
    assert an_inbox(database, notes).subjects == [SUBJECT]
