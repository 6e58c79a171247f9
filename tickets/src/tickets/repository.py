"""Every query of the tickets service."""

from collections.abc import Sequence
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.exc import StaleDataError

from common.db import utc_now
from common.events import TicketStatus
from common.ids import is_id
from tickets.errors import OrderInHand, TicketChanged, TicketNotFound
from tickets.models import SeenOrder, Ticket
from tickets.search import Position, Search, Sort

_SORT_COLUMNS: dict[Sort, InstrumentedAttribute[Any]] = {
    Sort.DATE: Ticket.sale_ends_at,
    Sort.PRICE: Ticket.price,
    Sort.PRICE_DESC: Ticket.price,
}
_SORT_INDEXES: dict[Sort, str] = {
    Sort.NEWEST: "ix_tickets_newest",
    Sort.DATE: "ix_tickets_date",
    Sort.PRICE: "ix_tickets_price",
    Sort.PRICE_DESC: "ix_tickets_price",
}


class OnSale(NamedTuple):
    """A ticket, and whether its sale is still open by the database's clock."""

    ticket: Ticket
    is_open: bool


class Page(NamedTuple):
    """Some tickets, and whether there are more behind them."""

    tickets: Sequence[Ticket]
    has_next: bool


async def get_ticket(session: AsyncSession, ticket_id: str) -> Ticket:
    """Return the ticket.

    Raises:
        TicketNotFound: there is none with this id.
    """
    return await _get(session, ticket_id, locked=False)


async def lock_ticket(session: AsyncSession, ticket_id: str) -> Ticket:
    """Return the ticket, which nobody else can change before we commit.

    Raises:
        TicketNotFound: there is none with this id.
    """
    return await _get(session, ticket_id, locked=True)


async def _get(session: AsyncSession, ticket_id: str, *, locked: bool) -> Ticket:
    # A database may refuse to compare its ids with text that cannot be one.
    if is_id(ticket_id):
        ticket = await session.get(Ticket, ticket_id, with_for_update=locked or None)
        if ticket is not None:
            return ticket
    raise TicketNotFound


async def find_with_sale(session: AsyncSession, ticket_id: str) -> OnSale | None:
    """Return the ticket and whether its sale is open, or None."""
    found = await session.execute(
        select(Ticket, Ticket.sale_ends_at > utc_now()).where(Ticket.id == ticket_id)
    )
    row = found.one_or_none()
    return None if row is None else OnSale(row[0], bool(row[1]))


async def save(session: AsyncSession) -> None:
    """Write what changed.

    Raises:
        TicketChanged: another transaction changed a ticket since it was read.
    """
    try:
        await session.flush()
    except StaleDataError as error:
        raise TicketChanged from error


async def find_seen_order(session: AsyncSession, order_id: str) -> SeenOrder | None:
    """Return what we have heard of the order, if anything."""
    return await session.get(SeenOrder, order_id)


async def add_seen_order(session: AsyncSession, seen: SeenOrder) -> None:
    """Store what we heard of an order for the first time.

    Raises:
        OrderInHand: another transaction has heard of it meanwhile.
    """
    session.add(seen)
    try:
        await session.flush()
    except IntegrityError as error:
        raise OrderInHand from error


async def search_on_sale(session: AsyncSession, search: Search) -> Page:
    """Return one page of what is on sale now."""
    # Left to itself, the optimizer reads a deep page from the first one on.
    index = "ix_tickets_seller" if search.seller else _SORT_INDEXES[search.sort]
    query = (
        select(Ticket)
        .with_hint(Ticket, f"FORCE INDEX ({index})", "mysql")
        .where(
            Ticket.status == TicketStatus.AVAILABLE,
            Ticket.sale_ends_at > utc_now(),
            *_filters(search),
        )
    )
    query = _behind(query, search.sort, search.after)
    return await _page(session, query, search.limit)


async def list_by_seller(
    session: AsyncSession, seller_id: str, *, after: str | None, limit: int
) -> Page:
    """Return one page of a seller's listings in any state, newest first."""
    query = select(Ticket).where(Ticket.seller_id == seller_id)
    if after is not None:
        query = query.where(Ticket.id < after)
    return await _page(session, query.order_by(Ticket.id.desc()), limit)


async def _page(session: AsyncSession, query: Select[Ticket], limit: int) -> Page:
    """Ask for one more than ``limit``: it tells whether there is a next page."""
    found = (await session.scalars(query.limit(limit + 1))).all()
    return Page(found[:limit], has_next=len(found) > limit)


def _filters(search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        Ticket.search_text.contains(word, autoescape=True) for word in search.words
    ]
    if search.city is not None:
        conditions.append(Ticket.city_key == search.city)
    if search.seller is not None:
        conditions.append(Ticket.seller_id == search.seller)
    bounds = (
        (Ticket.starts_at, ge, search.starts_from),
        (Ticket.starts_at, lt, search.starts_before),
        (Ticket.price, ge, search.min_price),
        (Ticket.price, le, search.max_price),
    )
    conditions += [
        compare(column, bound) for column, compare, bound in bounds if bound is not None
    ]
    return conditions


def _behind(
    query: Select[Ticket], sort: Sort, after: Position | None
) -> Select[Ticket]:
    """Order ``query`` and start behind ``after``: a keyset, never an offset.

    All columns go the same way, so that an index can be read in this order. Ids
    rise with time, and so are both the newest-first order and the tie-breaker.
    """
    falling = sort in {Sort.NEWEST, Sort.PRICE_DESC}
    column = _SORT_COLUMNS.get(sort)
    if after is not None:
        beyond = lt if falling else gt
        behind: ColumnElement[bool] = beyond(Ticket.id, literal(after.ticket_id))
        if column is not None:
            value = literal(after.value, column.type)
            behind = or_(beyond(column, value), and_(column == value, behind))
        query = query.where(behind)
    columns = [Ticket.id] if column is None else [column, Ticket.id]
    return query.order_by(*(one.desc() if falling else one.asc() for one in columns))
