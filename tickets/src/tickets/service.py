"""Use cases of the tickets service: one function each.

All run in the caller's transaction and put their events into its outbox.
"""

from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderState,
    RejectionReason,
    ReservationRejected,
    TicketCreated,
    TicketState,
    TicketUpdated,
)
from common.outbox import add_events
from tickets import repository
from tickets.errors import TicketChanged, TicketNotFound
from tickets.listing import Listing
from tickets.models import SeenOrder, Ticket
from tickets.search import Search

E = TypeVar("E", bound=TicketState)


async def list_ticket(
    session: AsyncSession, seller_id: str, listing: Listing
) -> Ticket:
    """Put a ticket on sale."""
    ticket = Ticket.list_for_sale(seller_id, listing)
    session.add(ticket)
    await repository.save(session)
    await add_events(session, _event(TicketCreated, ticket))
    return ticket


async def get_ticket(session: AsyncSession, ticket_id: str) -> Ticket:
    """Return a ticket in any state."""
    return await repository.get_ticket(session, ticket_id)


async def search_tickets(session: AsyncSession, search: Search) -> repository.Page:
    """Return one page of what can be bought now."""
    return await repository.search_on_sale(session, search)


async def list_own_tickets(
    session: AsyncSession, seller_id: str, *, after: str | None, limit: int
) -> repository.Page:
    """Return one page of the seller's own listings, whatever became of them."""
    return await repository.list_by_seller(session, seller_id, after=after, limit=limit)


async def edit_ticket(
    session: AsyncSession,
    seller_id: str,
    ticket_id: str,
    *,
    version: int | None,
    listing: Listing,
) -> Ticket:
    """Replace an offer, unless it changed meanwhile or somebody holds it (R6).

    ``version`` is the one that the seller saw; None accepts whatever there is. A
    lock is named before a stale version: editing anew would not help against it.
    """
    ticket = await _own_ticket(session, seller_id, ticket_id)
    ticket.require_available()
    if version is not None and version != ticket.version:
        raise TicketChanged(ticket.version)
    ticket.edit(listing)
    await _save_and_announce(session, ticket)
    return ticket


async def withdraw_ticket(
    session: AsyncSession, seller_id: str, ticket_id: str
) -> None:
    """Take a ticket from sale, unless somebody holds it (R6)."""
    ticket = await _own_ticket(session, seller_id, ticket_id)
    ticket.withdraw()
    await _save_and_announce(session, ticket)


async def hold_ticket(session: AsyncSession, order: OrderCreated) -> None:
    """Reserve the ticket for a new order, or answer why not.

    An order that is already known, above all a cancelled one, reserves nothing
    (R9); what the buyer saw must be what is offered now (R5).
    """
    if not await _is_news(session, order):
        return
    found = await repository.find_with_sale(session, order.ticket.id)
    refusal = _refusal(found, order)
    if found is None or refusal is not None:
        await add_events(
            session,
            ReservationRejected(
                ticket_id=order.ticket.id,
                order_id=order.id,
                reason=refusal or RejectionReason.UNKNOWN_TICKET,
            ),
        )
        return
    found.ticket.hold(order.id)
    await _save_and_announce(session, found.ticket)


async def release_ticket(session: AsyncSession, order: OrderCancelled) -> None:
    """Put the ticket back on sale, if it is this order that holds it (I7, R18)."""
    if not await _is_news(session, order):
        return
    found = await repository.find_with_sale(session, order.ticket.id)
    relist = order.cancel_reason is not CancelReason.REFUNDED
    if found is not None and found.ticket.release(order.id, relist=relist):
        await _save_and_announce(session, found.ticket)


async def sell_ticket(session: AsyncSession, order: OrderCompleted) -> None:
    """Mark the ticket as sold to the order that holds it (I4)."""
    if not await _is_news(session, order):
        return
    ticket = await repository.get_ticket(session, order.ticket.id)
    if ticket.sell(order.id):
        await _save_and_announce(session, ticket)


async def _own_ticket(session: AsyncSession, seller_id: str, ticket_id: str) -> Ticket:
    ticket = await repository.lock_ticket(session, ticket_id)
    if ticket.seller_id != seller_id:
        raise TicketNotFound
    return ticket


async def _is_news(session: AsyncSession, order: OrderState) -> bool:
    """Remember the order's version; tell whether it is newer than what we knew."""
    seen = await repository.find_seen_order(session, order.id)
    if seen is not None and seen.version >= order.version:
        return False
    if seen is not None:
        seen.version = order.version
        await session.flush()
        return True
    seen = SeenOrder(
        order_id=order.id, version=order.version, ticket_id=order.ticket.id
    )
    await repository.add_seen_order(session, seen)
    return True


def _refusal(
    found: repository.OnSale | None, order: OrderCreated
) -> RejectionReason | None:
    if found is None:
        return RejectionReason.UNKNOWN_TICKET
    refusal = found.ticket.refusal(
        version=order.ticket.version, buyer_id=order.buyer_id
    )
    if refusal is None and not found.is_open:
        return RejectionReason.SALE_CLOSED
    return refusal


async def _save_and_announce(session: AsyncSession, ticket: Ticket) -> None:
    """Write ``ticket`` and announce its new state, if there is a new one."""
    before = ticket.version
    await repository.save(session)
    if ticket.version != before:
        await add_events(session, _event(TicketUpdated, ticket))


def _event(event_type: type[E], ticket: Ticket) -> E:
    return event_type.model_validate(ticket, from_attributes=True)
