"""Overdue orders end, however many, whoever else sweeps, whatever was away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from structlog.testing import capture_logs

from common.background import background
from common.clock import now
from common.db import Database
from common.events import Event, OrderCancelled, OrderStatus
from common.ids import new_id
from common.testing import until
from common.testing.events import ordered_ticket
from common.testing.plugin import DatabaseUrlFactory, on_mariadb, on_sqlite
from orders.models import Base, Order
from orders.service import expire_overdue
from orders.sweeper import BATCH, Sweeper

pytestmark = pytest.mark.asyncio

Outbox = Callable[[], Awaitable[list[Event]]]
OVERDUE = 2_000


def _row(number: int) -> dict[str, object]:
    ticket_id = new_id()
    awaited = number % 2
    return {
        "id": new_id(), "version": 1, "buyer_id": f"buyer {number}",
        "ticket_id": ticket_id, "live_ticket_id": ticket_id,
        "status": OrderStatus.AWAITING_PAYMENT if awaited else OrderStatus.CREATED,
        "price": 5_000, "fee": 500, "total": 5_500, "currency": "usd",
        "ticket_snapshot": ordered_ticket(id=ticket_id).model_dump_json(),
        "expires_at": now() - timedelta(seconds=number), "fingerprint": "",
    }  # fmt: skip


async def _add_overdue(database: Database, count: int) -> set[str]:
    rows = [_row(number) for number in range(count)]
    async with database.transaction() as session:
        await session.execute(insert(Order), rows)
    return {str(row["id"]) for row in rows}


async def _count(database: Database, status: str) -> int:
    async with database.reading() as session:
        found = await session.scalar(
            select(func.count()).where(
                Order.status == status, Order.live_ticket_id.is_(None)
            )
        )
        return found or 0


async def test_r14_two_thousand_overdue_orders_end_and_each_is_announced_once(
    database: Database, outbox: Outbox
) -> None:
    overdue = await _add_overdue(database, OVERDUE)

    swept = await Sweeper(database, period=1).sweep()

    assert swept == OVERDUE > 3 * BATCH
    assert await _count(database, "cancelled") == OVERDUE
    events = await outbox()
    assert {e.cancel_reason for e in events if isinstance(e, OrderCancelled)} == {
        "expired"
    }
    told = Counter(e.id for e in events if isinstance(e, OrderCancelled))
    assert told == Counter(overdue)


@on_mariadb
async def test_r14_sweepers_at_once_expire_each_order_once(
    database: Database,
    database_url_factory: DatabaseUrlFactory,
    migrations: Path,
    outbox: Outbox,
) -> None:
    other = Database(database_url_factory("orders", migrations, Base.metadata))
    overdue = await _add_overdue(database, 700)

    swept = await asyncio.gather(
        *(Sweeper(d, period=1).sweep() for d in (database, other))
    )
    await other.close()

    # What one has locked the other skips; it may not have been there for either.
    swept.append(await Sweeper(database, period=1).sweep())
    assert sum(swept) == 700
    told = Counter(e.id for e in await outbox() if isinstance(e, OrderCancelled))
    assert told == Counter(overdue)


@on_sqlite
async def test_r14_a_sweeper_outlasts_an_absent_database(
    database_url_factory: DatabaseUrlFactory, migrations: Path, tmp_path: Path
) -> None:
    url = database_url_factory("orders", migrations, Base.metadata)
    there = Database(url)
    await _add_overdue(there, 3)
    await there.close()
    folder = tmp_path / "away"
    database = Database(f"sqlite+aiosqlite:///{folder / 'orders.sqlite3'}")
    sweeper = Sweeper(database, period=0.01)

    with capture_logs() as logs:
        async with background("sweeper", sweeper.run()) as task:
            await until(lambda: _postponed(logs) > 1)
            folder.mkdir()
            (tmp_path / "orders.sqlite3").rename(folder / "orders.sqlite3")
            await until(lambda: any(log["event"] == "orders_swept" for log in logs))
            assert not task.done()

    assert await _count(database, "cancelled") == 3
    await database.close()


def _postponed(logs: Sequence[Mapping[str, object]]) -> int:
    return sum(log["event"] == "sweep_postponed" for log in logs)


async def test_r14_a_sweep_that_is_rolled_back_announces_nothing(
    database: Database, outbox: Outbox
) -> None:
    """The change and its announcement are one transaction."""
    await _add_overdue(database, 2)

    async with database.transaction() as session:
        assert await expire_overdue(session, 10) == 2
        await session.rollback()

    assert await _count(database, "cancelled") == 0
    assert await outbox() == []
