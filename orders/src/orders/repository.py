"""Queries of the orders service; those that change an order are in `transitions`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import seconds_until, utc_now
from common.events import OrderClaimed, OrderStatus, TicketState
from common.ids import is_id
from common.outbox import Unanswered
from orders.errors import OrderNotFound
from orders.models import Order, Ticket

_UNANSWERED_AT_ONCE: Final = 100
_COPIED: Final = tuple(column.key for column in Ticket.__mapper__.column_attrs)


class TimedOrder(NamedTuple):
    """An order, and the seconds until its deadline (negative once it passed)."""

    order: Order
    seconds_left: float


class Page(NamedTuple):
    """Some orders of a list, and whether more follow."""

    orders: list[TimedOrder]
    has_next: bool


async def database_now(session: AsyncSession) -> datetime:
    """Return the instant by the clock that decides."""
    found: datetime | None = await session.scalar(select(utc_now()))
    assert found is not None  # noqa: S101 - a clock always answers
    return found


async def find_tickets(
    session: AsyncSession, ticket_ids: Sequence[str]
) -> dict[str, Ticket]:
    """Return our copies of ``ticket_ids``, those that we have."""
    # A database may refuse to compare its ids with text that cannot be one.
    possible = [ticket_id for ticket_id in ticket_ids if is_id(ticket_id)]
    found = await session.scalars(select(Ticket).where(Ticket.id.in_(possible)))
    return {ticket.id: ticket for ticket in found}


async def find_live_orders(
    session: AsyncSession, ticket_ids: Sequence[str]
) -> dict[str, Order]:
    """Return the live order of each of ``ticket_ids`` that has one."""
    possible = [ticket_id for ticket_id in ticket_ids if is_id(ticket_id)]
    found = await session.scalars(
        select(Order).where(Order.live_ticket_id.in_(possible))
    )
    return {order.ticket_id: order for order in found}


async def find_by_keys(
    session: AsyncSession, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Order]:
    """Return orders by (buyer, idempotency key)."""
    if not keys:
        return {}
    found = await session.scalars(
        select(Order).where(tuple_(Order.buyer_id, Order.idempotency_key).in_(keys))
    )
    return {(o.buyer_id, o.idempotency_key or ""): o for o in found}


async def insert(session: AsyncSession, orders: Sequence[Order]) -> bool:
    """Insert ``orders``, or none; tell whether the unique keys allowed it."""
    try:
        async with session.begin_nested():
            session.add_all(orders)
            await session.flush()
    except IntegrityError:
        return False
    return True


async def find_order(session: AsyncSession, order_id: str) -> Order | None:
    """Return the order, as the database has it now, or None."""
    return await session.get(Order, order_id, populate_existing=True)


async def get_own_order(
    session: AsyncSession, buyer_id: str, order_id: str
) -> TimedOrder:
    """Return an order of ``buyer_id``.

    Raises:
        OrderNotFound: there is none, or it is somebody else's.
    """
    if not is_id(order_id):
        raise OrderNotFound
    found = await session.execute(
        select(Order, seconds_until(Order.expires_at)).where(
            Order.id == order_id, Order.buyer_id == buyer_id
        )
    )
    row = found.one_or_none()
    if row is None:
        raise OrderNotFound
    return TimedOrder(row[0], float(row[1]))


async def list_own_orders(
    session: AsyncSession, buyer_id: str, *, after: str | None, limit: int
) -> Page:
    """Return one page of the buyer's orders, newest first."""
    # Left to itself, MariaDB walks the primary key past everybody's orders.
    query = (
        select(Order, seconds_until(Order.expires_at))
        .with_hint(Order, "USE INDEX (ix_orders_buyer)", "mysql")
        .where(Order.buyer_id == buyer_id)
    )
    if after is not None:
        query = query.where(Order.id < after)
    # One more than asked for tells whether there is a next page.
    found = await session.execute(query.order_by(Order.id.desc()).limit(limit + 1))
    orders = [TimedOrder(row[0], float(row[1])) for row in found]
    return Page(orders[:limit], has_next=len(orders) > limit)


async def store_ticket(session: AsyncSession, state: TicketState) -> None:
    """Bring our copy of a ticket to ``state``, unless it is as new already."""
    values = {name: getattr(state, name) for name in _COPIED}
    changed = await session.execute(
        update(Ticket)
        .where(Ticket.id == state.id, Ticket.version < state.version)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:  # type: ignore[attr-defined]
        return
    known = await session.scalar(select(Ticket.version).where(Ticket.id == state.id))
    # Another replica of this service may be first, and with an older state: between
    # our two looks, or between the second and our insert.
    if known is None and await _add_ticket(session, Ticket(**values)):
        return
    if known is None or known < state.version:
        await store_ticket(session, state)


async def _add_ticket(session: AsyncSession, ticket: Ticket) -> bool:
    try:
        async with session.begin_nested():
            session.add(ticket)
    except IntegrityError:
        return False
    return True


async def find_unanswered_claims(
    session: AsyncSession, until: datetime
) -> Sequence[Unanswered]:
    """Return orders claimed until then whose capture we have not heard of."""
    found = await session.execute(
        select(Order.id, Order.updated_at)
        .where(
            Order.status == OrderStatus.AWAITING_PAYMENT,
            Order.claimed_payment.is_not(None),
            Order.updated_at <= until,
        )
        .limit(_UNANSWERED_AT_ONCE)
    )
    return [
        Unanswered([OrderClaimed.subject], f'"id":"{row.id}"', row.updated_at)
        for row in found
    ]
