"""The sweeper and the list read what they need, however many orders there are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.ids import new_id
from common.testing.databases import MariaDb
from orders import repository, transitions
from orders.models import Order

pytestmark = [pytest.mark.asyncio, pytest.mark.mariadb]

ORDERS = 6_000
OVERDUE = 20
PAGE = 20


class Cost(NamedTuple):
    """The plan of the first statement, and the rows that the server really read."""

    plan: dict[str, Any]
    rows_read: int


@pytest.fixture
def sql_backend(mariadb: MariaDb) -> str:
    """Run on MariaDB alone: SQLite has no plans of this kind."""
    return "mariadb"


def _row(number: int) -> dict[str, object]:
    """Nearly all are over; of the live ones few are overdue."""
    live = number % 20 == 0
    overdue = number < 20 * OVERDUE
    return {
        "id": new_id(), "version": 1, "buyer_id": f"buyer {number % 50}",
        "ticket_id": str(number), "live_ticket_id": str(number) if live else None,
        "status": "awaiting:payment" if live else "cancelled",
        "price": 5_000, "fee": 500, "total": 5_500, "currency": "usd",
        "ticket_snapshot": "{}", "fingerprint": "",
        "expires_at": now() + timedelta(seconds=-60 if overdue else 600),
    }  # fmt: skip


@pytest_asyncio.fixture
async def crowded(database: Database) -> AsyncIterator[Database]:
    """Lend a database with thousands of orders."""
    async with database.transaction() as session:
        await session.execute(insert(Order), [_row(n) for n in range(ORDERS)])
    async with database.transaction() as session:
        await session.execute(text("ANALYZE TABLE orders"))
    yield database


async def _cost(
    database: Database, ask: Callable[[AsyncSession], Awaitable[object]]
) -> Cost:
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: Any, *_: Any) -> None:  # noqa: ANN401 - as the driver has them
        statements.append((statement, parameters))

    async with database.reading() as session:
        before = await _rows_read(session)
        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        await ask(session)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        rows_read = await _rows_read(session) - before
        statement, parameters = statements[0]
        await session.rollback()
        connection = await session.connection()
        [plan] = (
            await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        ).mappings()
    return Cost(dict(plan), rows_read)


async def _rows_read(session: AsyncSession) -> int:
    counters = await session.execute(
        text(
            "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'"
            " OR Variable_name = 'Handler_icp_attempts'"
        )
    )
    return sum(int(value) for _, value in counters)


async def test_the_sweeper_reads_what_is_overdue(crowded: Database) -> None:
    cost = await _cost(crowded, lambda s: transitions.expire_overdue(s, 500))
    assert (cost.plan["key"], cost.plan["type"]) == ("ix_orders_deadline", "range")
    assert cost.rows_read < 20 * OVERDUE


async def test_a_sweeper_with_nothing_to_do_reads_next_to_nothing(
    crowded: Database,
) -> None:
    async with crowded.transaction() as session:
        await transitions.expire_overdue(session, 500)
    cost = await _cost(crowded, lambda s: transitions.expire_overdue(s, 500))
    assert cost.plan["key"] == "ix_orders_deadline"
    assert cost.rows_read < 10


@pytest.mark.parametrize("after", [None, "ffffffff-ffff-7fff-bfff-ffffffffffff"])
async def test_a_page_of_ones_orders_reads_one_page(
    crowded: Database, after: str | None
) -> None:
    cost = await _cost(
        crowded,
        lambda s: repository.list_own_orders(s, "buyer 7", after=after, limit=PAGE),
    )
    assert cost.plan["key"] == "ix_orders_buyer"
    assert "filesort" not in cost.plan["Extra"]
    assert cost.rows_read < 3 * PAGE
