"""A page costs what a page is worth, however many tickets there are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.testing.databases import MariaDb
from tickets import service
from tickets.models import Ticket
from tickets.repository import Page
from tickets.search import Position, Search, Sort

pytestmark = [pytest.mark.asyncio, pytest.mark.mariadb]

TICKETS = 3_000
PAGE = 20
INDEXES = {
    Sort.NEWEST: "ix_tickets_newest",
    Sort.DATE: "ix_tickets_date",
    Sort.PRICE: "ix_tickets_price",
    Sort.PRICE_DESC: "ix_tickets_price",
}


class Cost(NamedTuple):
    """What one page took: the plan, and the rows that the server really read."""

    page: list[Ticket]
    plan: dict[str, Any]
    rows_read: int


@pytest.fixture
def sql_backend(mariadb: MariaDb) -> str:
    """Run on MariaDB alone: SQLite has no plans of this kind."""
    return "mariadb"


@pytest_asyncio.fixture
async def crowded(
    database: Database, make_ticket: Callable[..., Ticket]
) -> AsyncIterator[Database]:
    """Lend a database with thousands of tickets, a third of them not on sale."""
    async with database.transaction() as session:
        for number in range(TICKETS):
            ticket = make_ticket(
                seller=f"seller-{number % 50}",
                price=1_000 + 500 * (number % 40),
                sale_ends_at=now() + timedelta(days=number % 60 - 10, seconds=9),
            )
            if number % 6 == 0:
                ticket.withdraw()
            session.add(ticket)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE TABLE tickets"))
    yield database


async def cost_of(database: Database, search: Search) -> Cost:
    """Return the cost of a page of the listing."""
    return await _cost(database, lambda s: service.search_tickets(s, search))


async def cost_of_own(database: Database, seller: str) -> Cost:
    """Return the cost of a seller's first page."""
    return await _cost(
        database, lambda s: service.list_own_tickets(s, seller, after=None, limit=PAGE)
    )


async def _cost(
    database: Database, ask: Callable[[AsyncSession], Awaitable[Page]]
) -> Cost:
    """Ask; look at the plan and at the server's own counters."""
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: Any, *_: Any) -> None:  # noqa: ANN401 - as the driver has them
        statements.append((statement, parameters))

    async with database.reading() as session:
        before = await _rows_read(session)
        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        page = await ask(session)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        rows_read = await _rows_read(session) - before
        [(statement, parameters)] = statements
        connection = await session.connection()
        [plan] = (
            await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        ).mappings()
    return Cost(list(page.tickets), dict(plan), rows_read)


async def _rows_read(session: AsyncSession) -> int:
    # What an index condition refuses is read as well, and counted apart.
    counters = await session.execute(
        text(
            "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'"
            " OR Variable_name = 'Handler_icp_attempts'"
        )
    )
    return sum(int(value) for _, value in counters)


def position(ticket: Ticket, sort: Sort) -> Position:
    value = {Sort.NEWEST: None, Sort.DATE: ticket.sale_ends_at}.get(sort, ticket.price)
    return Position(ticket.id, value)


async def test_each_page_reads_its_index_and_few_rows(crowded: Database) -> None:
    for sort in Sort:
        after = None
        for _ in range(10):
            search = Search(sort=sort, after=after, limit=PAGE)
            cost = await cost_of(crowded, search)
            assert cost.plan["key"] == INDEXES[sort]
            assert cost.plan["type"] == "range" or after is None
            assert "filesort" not in cost.plan["Extra"]
            assert cost.rows_read < 8 * PAGE
            after = position(cost.page[-1], sort)


async def test_one_sellers_offers_are_found_by_the_seller(crowded: Database) -> None:
    for sort in Sort:
        search = Search(sort=sort, seller="seller-7", limit=PAGE)
        cost = await cost_of(crowded, search)
        assert len(cost.page) == PAGE
        assert cost.plan["key"] == "ix_tickets_seller"
        assert cost.rows_read <= 4 * TICKETS / 50


async def test_ones_own_listings_are_found_by_the_seller(crowded: Database) -> None:
    cost = await cost_of_own(crowded, "seller-7")
    assert cost.plan["key"] == "ix_tickets_seller"
    assert "filesort" not in cost.plan["Extra"]
    assert cost.rows_read < 2 * PAGE
