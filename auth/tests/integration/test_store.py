"""The same suite on both drivers: what the repositories promise."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from auth.errors import EmailTaken
from auth.models import EndedSession, User
from auth.mongo import Mongo, MongoSession
from auth.outbox import LEASE, MongoOutbox
from auth.repository import UserRepository
from common.clock import now
from common.events import SessionsRevoked, UserSignedUp
from common.ids import new_id
from common.outbox import MESSAGE_ID, OutboxMessage

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Interrupted(Exception):
    """Something went wrong in the middle of a transaction."""


def make_user(email: str = "ada@example.com") -> User:
    return User(id=new_id(), email=email, password_hash="hash")


@pytest_asyncio.fixture
async def users(mongo: Mongo) -> UserRepository:
    repository = UserRepository(mongo)
    await repository.create_indexes()
    await repository.create_indexes()
    return repository


@pytest_asyncio.fixture
async def outbox(mongo: Mongo) -> MongoOutbox:
    store = MongoOutbox(mongo)
    await store.create_indexes()
    return store


async def add_events(mongo: Mongo, outbox: MongoOutbox, count: int) -> list[str]:
    events = [UserSignedUp(id=new_id(), display_name="ada") for _ in range(count)]

    async def store(session: MongoSession) -> None:
        for event in events:
            await outbox.add(event, session)

    await mongo.transaction(store)
    # Ids of one millisecond have no order of their own.
    return sorted(event.event_id for event in events)


async def add_user(mongo: Mongo, users: UserRepository, user: User) -> None:
    async def store(session: MongoSession) -> None:
        await users.add(user, NOON, session)

    await mongo.transaction(store)


async def test_user_is_found_as_it_was_stored(
    mongo: Mongo, users: UserRepository
) -> None:
    user = make_user()
    await add_user(mongo, users, user)
    assert await users.find_by_email(user.email) == user
    assert await users.find(user.id) == user
    assert await users.find(new_id()) is None


async def test_transaction_stores_all_or_nothing(
    mongo: Mongo, users: UserRepository, outbox: MongoOutbox
) -> None:
    async def store(session: MongoSession) -> None:
        user = make_user()
        await users.add(user, NOON, session)
        await outbox.add(UserSignedUp(id=user.id, display_name="ada"), session)
        raise Interrupted

    with pytest.raises(Interrupted):
        await mongo.transaction(store)
    assert await users.find_by_email("ada@example.com") is None
    assert (await outbox.backlog()).pending == 0


async def test_commit_wakes_the_relay_and_a_rollback_does_not(
    mongo: Mongo, users: UserRepository
) -> None:
    woken: list[bool] = []
    mongo.after_commit(lambda: woken.append(True))
    await add_user(mongo, users, make_user())
    with pytest.raises(EmailTaken):
        await add_user(mongo, users, make_user())
    assert woken == [True]


async def test_unique_index_decides_between_equals(
    mongo: Mongo, users: UserRepository
) -> None:
    answers = await asyncio.gather(
        *(add_user(mongo, users, make_user()) for _ in range(20)),
        return_exceptions=True,
    )
    assert answers.count(None) == 1
    assert sum(isinstance(one, EmailTaken) for one in answers) == 19


async def test_sign_in_is_not_recorded_once_the_password_changed(
    mongo: Mongo, users: UserRepository
) -> None:
    user = make_user()
    await add_user(mongo, users, user)
    assert await users.record_sign_in(user, "stronger hash", now())
    assert not await users.record_sign_in(user, "hash", now())
    found = await users.find(user.id)
    assert found is not None
    assert found.password_hash == "stronger hash"


async def test_end_of_all_sessions_never_moves_back(
    mongo: Mongo, users: UserRepository
) -> None:
    user = make_user()
    await add_user(mongo, users, user)
    for moment in (NOON, NOON - timedelta(hours=1)):

        async def store(session: MongoSession, moment: datetime = moment) -> None:
            await users.end_all_sessions(user.id, moment, session)

        await mongo.transaction(store)
    found = await users.find(user.id)
    assert found is not None
    assert found.not_before == NOON


async def test_what_ended_is_told_to_a_starting_replica(
    mongo: Mongo, users: UserRepository
) -> None:
    user, quiet = make_user(), make_user("grace@example.com")
    await add_user(mongo, users, user)
    await add_user(mongo, users, quiet)
    ended = EndedSession(new_id(), quiet.id, NOON, NOON + timedelta(days=1))

    async def store(session: MongoSession) -> None:
        await users.end_all_sessions(user.id, NOON, session)
        await users.end_session(ended, session)
        await users.end_session(ended, session)

    await mongo.transaction(store)
    assert await users.is_ended(ended.session_id)
    told = [event async for event in users.revocations(NOON)]
    assert {(one.id, one.session_id, one.not_before) for one in told} == {
        (user.id, None, NOON),
        (quiet.id, ended.session_id, NOON),
    }
    later = NOON + timedelta(seconds=1)
    assert [event async for event in users.revocations(later)] == []


async def test_event_leaves_the_outbox_as_it_came(
    mongo: Mongo, outbox: MongoOutbox
) -> None:
    event = SessionsRevoked(id=new_id(), not_before=NOON)

    async def store(session: MongoSession) -> None:
        await outbox.add(event, session)

    await mongo.transaction(store)
    async with outbox.claim(10) as claim:
        assert list(claim.messages) == [OutboxMessage.from_event(event)]
        assert claim.messages[0].headers[MESSAGE_ID] == event.event_id


async def test_outbox_lends_oldest_first_and_marks_what_was_published(
    mongo: Mongo, outbox: MongoOutbox
) -> None:
    ids = await add_events(mongo, outbox, 5)
    async with outbox.claim(3) as claim:
        assert [message.event_id for message in claim.messages] == ids[:3]
        claim.published = ids[:2]
    backlog = await outbox.backlog()
    assert backlog.pending == 3
    assert backlog.oldest is not None
    async with outbox.claim(10) as claim:
        assert [message.event_id for message in claim.messages] == ids[2:]
        claim.published = ids[2:]
    assert await outbox.backlog() == (0, None)


async def test_relays_of_two_replicas_do_not_lend_the_same_event(
    mongo: Mongo, outbox: MongoOutbox
) -> None:
    ids = await add_events(mongo, outbox, 4)
    async with outbox.claim(2) as one, outbox.claim(10) as other:
        lent = [m.event_id for claim in (one, other) for m in claim.messages]
        assert sorted(lent) == sorted(ids)
        async with outbox.claim(10) as third:
            assert third.messages == []


async def test_events_of_a_failed_publisher_are_lent_again_at_once(
    mongo: Mongo, outbox: MongoOutbox
) -> None:
    ids = await add_events(mongo, outbox, 2)
    with pytest.raises(Interrupted):
        async with outbox.claim(10):
            raise Interrupted
    async with outbox.claim(10) as claim:
        assert [message.event_id for message in claim.messages] == ids


async def test_events_of_a_dead_relay_are_lent_when_its_lease_is_over(
    mongo: Mongo, outbox: MongoOutbox
) -> None:
    (event_id,) = await add_events(mongo, outbox, 1)
    collection = mongo.database["outbox"]
    for left, lent in ((LEASE, []), (-LEASE, [event_id])):
        dead = {"lease": new_id(), "leased_until": now() + left}
        await collection.update_one({"_id": event_id}, {"$set": dead})
        async with outbox.claim(10) as claim:
            assert [message.event_id for message in claim.messages] == lent


async def test_published_events_are_pruned_and_replayed(
    mongo: Mongo, outbox: MongoOutbox
) -> None:
    ids = await add_events(mongo, outbox, 2)
    async with outbox.claim(10) as claim:
        claim.published = ids
    soon = now() + timedelta(minutes=1)
    assert await outbox.replay(soon) == 0
    assert await outbox.replay(now() - timedelta(minutes=1)) == 2
    assert (await outbox.backlog()).pending == 2
    assert await outbox.prune(soon) == 0
    async with outbox.claim(10) as claim:
        claim.published = ids
    assert await outbox.prune(soon) == 2
