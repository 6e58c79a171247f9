"""Transactions, clocks and failures of the database, the same on each backend."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Table, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import (
    Database,
    DatabaseUnavailable,
    mark_outbox_filled,
    seconds_until,
    utc_in,
    utc_now,
)
from common.testing import until
from common.testing.databases import MariaDb
from common.testing.plugin import on_mariadb, on_sqlite

pytestmark = pytest.mark.asyncio

DUE = datetime(2026, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)


async def add(session: AsyncSession, notes: Table, *texts: str) -> None:
    for one in texts:
        await session.execute(insert(notes).values(text=one))


async def texts(database: Database, notes: Table) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(notes.c.text).order_by(notes.c.id)))


async def refused(
    work: Callable[[], Awaitable[object]], error: type[Exception]
) -> Exception:
    with pytest.raises(error) as caught:
        await work()
    return caught.value


async def test_a_transaction_commits_when_its_block_ends(
    database: Database, notes: Table
) -> None:
    async with database.transaction() as session:
        await add(session, notes, "a", "b")
    assert await texts(database, notes) == ["a", "b"]


async def test_a_transaction_rolls_back_when_its_block_raises(
    database: Database, notes: Table
) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await add(session, notes, "a")
            raise RuntimeError("no")

    await refused(fail, RuntimeError)
    assert await texts(database, notes) == []


async def test_what_reading_writes_is_not_kept(
    database: Database, notes: Table
) -> None:
    async with database.reading() as session:
        await add(session, notes, "a")
    assert await texts(database, notes) == []


async def test_a_reader_waits_for_no_writer(database: Database, notes: Table) -> None:
    async with database.transaction() as session:
        await add(session, notes, "uncommitted")
        async with asyncio.timeout(2):
            assert await texts(database, notes) == []


async def test_a_conflict_stays_a_conflict(database: Database, notes: Table) -> None:
    async def twice() -> None:
        async with database.transaction() as session:
            await add(session, notes, "a", "a")

    await refused(twice, IntegrityError)
    assert await texts(database, notes) == []


async def test_a_row_that_a_check_refuses_is_a_fault_of_ours_and_not_an_outage(
    database: Database, notes: Table
) -> None:
    async def break_the_rule() -> None:
        async with database.transaction() as session:
            await add(session, notes, "forbidden")

    await refused(break_the_rule, DBAPIError)


async def test_i13_an_error_tells_the_statement_and_not_what_people_wrote(
    database: Database, notes: Table
) -> None:
    async with database.reading() as session:
        with pytest.raises(DBAPIError) as refused:
            await session.execute(
                select(notes).where(text("no_such_column = :value")),
                {"value": "what-somebody-wrote"},
            )
    assert "no_such_column" in str(refused.value)
    assert "what-somebody-wrote" not in str(refused.value)


async def test_the_wake_up_comes_after_the_commit_and_not_after_a_rollback(
    database: Database, notes: Table
) -> None:
    woken: list[str] = []
    database.on_outbox_commit(lambda: woken.append("woken"))

    async def fail() -> None:
        async with database.transaction() as session:
            mark_outbox_filled(session)
            raise RuntimeError("no")

    await refused(fail, RuntimeError)
    async with database.transaction() as session:
        await add(session, notes, "nothing to send")
    assert woken == []
    async with database.transaction() as session:
        mark_outbox_filled(session)
        assert woken == []
    assert woken == ["woken"]


async def test_r54_the_clock_of_the_database_is_utc(database: Database) -> None:
    async with database.reading() as session:
        read = await session.scalar(select(utc_now()))
    assert read is not None
    assert read.utcoffset() == timedelta(0)
    assert abs(read - now()) < timedelta(seconds=1)


async def test_r54_the_clock_compares_with_what_is_stored(
    database: Database, notes: Table
) -> None:
    second = timedelta(seconds=1)
    rows = [("past", now() - second), ("future", now() + 5 * second)]
    async with database.transaction() as session:
        for name, due in rows:
            await session.execute(insert(notes).values(text=name, due_at=due))
    async with database.reading() as session:
        due_now = select(notes.c.text).where(notes.c.due_at <= utc_now())
        assert list(await session.scalars(due_now)) == ["past"]


@pytest.mark.parametrize("seconds", [0, 1, 900, -30, 86_400])
async def test_r54_a_deadline_set_by_the_database_is_that_far_away(
    database: Database, notes: Table, seconds: int
) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(notes).values(text="order", due_at=utc_in(seconds))
        )
    async with database.reading() as session:
        due = await session.scalar(select(notes.c.due_at))
        left = await session.scalar(select(seconds_until(notes.c.due_at)))
    assert due is not None
    assert abs(due - now() - timedelta(seconds=seconds)) < timedelta(seconds=1)
    assert left is not None
    assert abs(float(left) - seconds) < 1


async def test_r54_a_deadline_moves_by_an_update(
    database: Database, notes: Table
) -> None:
    async with database.transaction() as session:
        await session.execute(insert(notes).values(text="order", due_at=DUE))
        await session.execute(update(notes).values(due_at=utc_in(literal(60))))
        left = await session.scalar(select(seconds_until(notes.c.due_at)))
    assert left is not None
    assert 58 < float(left) <= 60


async def test_a_time_comes_back_as_it_was_stored(
    database: Database, notes: Table
) -> None:
    elsewhere = DUE.astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with database.transaction() as session:
        await session.execute(insert(notes).values(text="a", due_at=elsewhere))
        await session.execute(insert(notes).values(text="b", due_at=None))
    async with database.reading() as session:
        found = list(await session.scalars(select(notes.c.due_at).order_by(notes.c.id)))
    assert found == [DUE, None]
    assert found[0].utcoffset() == timedelta(0)


async def test_a_naive_time_is_refused(database: Database, notes: Table) -> None:
    naive = DUE.replace(tzinfo=None)

    async def store() -> None:
        async with database.transaction() as session:
            await session.execute(insert(notes).values(text="a", due_at=naive))

    error = await refused(store, StatementError)
    assert "naive datetime" in str(error)


async def test_many_writers_at_once_all_get_their_turn(
    database: Database, notes: Table
) -> None:
    async def write(number: int) -> None:
        async with database.transaction() as session:
            await add(session, notes, f"n{number}")

    async with asyncio.timeout(20):
        await asyncio.gather(*(write(n) for n in range(100)))
    assert len(await texts(database, notes)) == 100


@on_sqlite
async def test_writers_of_sqlite_take_turns_in_the_order_they_came(
    database: Database, notes: Table
) -> None:
    async def write(number: int) -> None:
        async with database.transaction() as session:
            await asyncio.sleep(0)
            await add(session, notes, f"n{number}")

    await asyncio.gather(*(write(n) for n in range(20)))
    assert await texts(database, notes) == [f"n{n}" for n in range(20)]


async def test_200_cancelled_requests_leave_no_wrong_answer_behind(
    database: Database,
) -> None:
    # asyncmy once gave the next query the rows of the one that was cancelled.
    async def ask(number: int) -> int:
        async with database.reading() as session:
            answer = await session.execute(select(literal(number)))
            return int(answer.scalar_one())

    for number in range(200):
        task = asyncio.create_task(ask(-1 - number))
        for _ in range(number % 12):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.gather(*(ask(n) for n in range(200))) == list(range(200))


async def test_a_cancelled_transaction_leaves_nothing_and_blocks_nobody(
    database: Database, notes: Table
) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as session:
            await add(session, notes, "half")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5), database.transaction() as session:
        await add(session, notes, "whole")
    assert await texts(database, notes) == ["whole"]


@on_mariadb
async def test_a_deadlock_is_an_outage_that_passes(
    database: Database, notes: Table
) -> None:
    async with database.transaction() as session:
        await add(session, notes, "a", "b")
    both_hold = asyncio.Barrier(2)

    async def take(first: str, second: str) -> None:
        async with database.transaction() as session:
            for name in (first, second):
                await session.execute(
                    update(notes).where(notes.c.text == name).values(due_at=DUE)
                )
                if name == first:
                    await both_hold.wait()

    outcomes = await asyncio.gather(
        take("a", "b"), take("b", "a"), return_exceptions=True
    )
    errors = [one for one in outcomes if one is not None]
    assert [type(error) for error in errors] == [DatabaseUnavailable]


@on_mariadb
async def test_a_connection_killed_while_idle_is_replaced(
    database: Database, mariadb: MariaDb
) -> None:
    async def ask() -> object:
        async with database.reading() as session:
            return await session.scalar(text("SELECT connection_id()"))

    mine = await ask()
    mariadb.execute(f"KILL {mine}")
    assert await ask() != mine


@on_mariadb
async def test_a_connection_killed_in_the_middle_is_an_outage(
    database: Database, mariadb: MariaDb
) -> None:
    async def be_killed() -> None:
        async with database.transaction() as session:
            mine = await session.scalar(text("SELECT connection_id()"))
            mariadb.execute(f"KILL {mine}")
            await session.execute(text("SELECT 1"))

    await refused(be_killed, DatabaseUnavailable)
    await database.ping()


@pytest.mark.parametrize(
    "url",
    [
        "mysql+asyncmy://nobody:x@127.0.0.1:1/nothing",
        "sqlite+aiosqlite:////nonexistent/folder/file.sqlite3",
    ],
)
async def test_a_dead_server_is_unavailable_and_says_when_to_come_back(
    url: str,
) -> None:
    database = Database(url)
    threads = threading.active_count()
    error = await refused(database.ping, DatabaseUnavailable)
    await database.close()
    await until(lambda: threading.active_count() <= threads)
    assert isinstance(error, DatabaseUnavailable)
    assert error.retry_after is not None
    assert "nobody" not in error.detail


@on_sqlite
async def test_an_exhausted_pool_is_unavailable(database: Database) -> None:
    small = Database(str(database.engine.url), pool_size=1)
    small.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    async with small.reading() as session:
        await session.execute(text("SELECT 1"))
        await refused(small.ping, DatabaseUnavailable)
    await small.close()


@on_mariadb
async def test_a_mariadb_url_means_the_same_as_a_mysql_url(
    database: Database, notes: Table
) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    other = Database(url.replace("mysql+", "mariadb+"))
    async with other.transaction() as session:
        await session.execute(insert(notes).values(text="a", due_at=DUE))
        assert await session.scalar(select(notes.c.due_at)) == DUE
        assert await session.scalar(select(func.count()).select_from(notes)) == 1
    await other.close()
