"""Reserving: a list of requests in, a list of outcomes out, one transaction.

One request is a list of one. That it takes a list lets requests of many buyers
share one commit, which on a hot ticket is worth an order of magnitude.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncSession

from common import money
from common.errors import TicketingError
from common.events import OrderCreated, OrderStatus, TicketStatus
from common.ids import new_id
from common.outbox import add_events
from orders import repository
from orders.errors import (
    AlreadyYours,
    IdempotencyKeyReused,
    OwnTicket,
    PriceChanged,
    SaleClosed,
    TicketCatchingUp,
    TicketNotFound,
    TicketNotOnSale,
    TicketTaken,
)
from orders.events import order_event
from orders.models import Order, Ticket


@dataclass(frozen=True, kw_only=True)
class ReserveRequest:
    """One buyer's wish. ``ticket_version`` is the one he saw, if he says so."""

    buyer_id: str
    ticket_id: str
    ticket_version: int | None = None
    idempotency_key: str | None = None

    @property
    def fingerprint(self) -> str:
        """What must be the same when an idempotency key comes again."""
        text = f"{self.ticket_id}\n{self.ticket_version}"
        return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SaleRules:
    """How long a buyer has, and when before the event the sale closes."""

    window: timedelta
    closes_before: timedelta


Outcome = Order | TicketingError
"""The order, new or (for a repeated key) the one made before; or why not."""


async def reserve_tickets(
    session: AsyncSession, requests: Sequence[ReserveRequest], rules: SaleRules
) -> list[Outcome]:
    """Make an order for each request that can have its ticket.

    The unique key on the live ticket decides who gets it (I1, R1): what is read
    before only turns the evident losers away without writing.
    """
    view = await _look(session, requests, rules)
    # Read after the view: an order that the view shows was made with a key that is
    # seen here, so a request repeated at once finds its own order, not a conflict.
    repeated = await _find_repeated(session, requests)
    outcomes: dict[int, Outcome] = {}
    wanted: dict[int, Order] = {}
    for index, request in enumerate(requests):
        known = repeated.get(_key(request))
        if known is not None:
            outcomes[index] = _same_order(request, known)
            continue
        refusal = view.refusal(request)
        if refusal is not None:
            outcomes[index] = refusal
            continue
        wanted[index] = view.make_order(request)
    outcomes |= await _insert(session, requests, wanted)
    # A loser's outcome may be an order too, the one it repeats: announced already.
    made = [order for index, order in wanted.items() if outcomes[index] is order]
    await add_events(session, *(order_event(OrderCreated, order) for order in made))
    return [outcomes[index] for index in range(len(requests))]


@dataclass
class _View:
    """What the database said before anything was written."""

    now: datetime
    rules: SaleRules
    tickets: dict[str, Ticket]
    live: dict[str, Order]

    def refusal(self, request: ReserveRequest) -> TicketingError | None:
        """Say why ``request`` cannot have its ticket, as far as can be seen."""
        ticket = self.tickets.get(request.ticket_id)
        if ticket is None:
            return TicketNotFound()
        if ticket.seller_id == request.buyer_id:
            return OwnTicket()
        holder = self.live.get(ticket.id)
        if holder is not None and holder.buyer_id == request.buyer_id:
            return AlreadyYours(holder.id)
        if ticket.status == TicketStatus.WITHDRAWN:
            return TicketNotOnSale()
        if holder is not None or ticket.status != TicketStatus.AVAILABLE:
            return TicketTaken()
        if self._closes_at(ticket) <= self.now:
            return SaleClosed()
        return _version_refusal(ticket, request.ticket_version)

    def make_order(self, request: ReserveRequest) -> Order:
        """Return the order; price and fee are fixed here for good (I10).

        The deadline is the window's end, or the end of the sale if that is
        sooner (R11).
        """
        ticket = self.tickets[request.ticket_id]
        return Order(
            id=new_id(),
            version=1,
            buyer_id=request.buyer_id,
            ticket_id=ticket.id,
            live_ticket_id=ticket.id,
            status=OrderStatus.CREATED,
            price=ticket.price,
            fee=money.fee(ticket.price),
            total=money.total(ticket.price),
            currency=ticket.currency,
            ticket_snapshot=ticket.snapshot().model_dump_json(),
            expires_at=min(self.now + self.rules.window, self._closes_at(ticket)),
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
        )

    def _closes_at(self, ticket: Ticket) -> datetime:
        if ticket.starts_at is None:
            return self.now + 2 * self.rules.window
        return ticket.starts_at - self.rules.closes_before


async def _look(
    session: AsyncSession, requests: Sequence[ReserveRequest], rules: SaleRules
) -> _View:
    ticket_ids = list({request.ticket_id for request in requests})
    return _View(
        now=await repository.database_now(session),
        rules=rules,
        tickets=await repository.find_tickets(session, ticket_ids),
        live=await repository.find_live_orders(session, ticket_ids),
    )


async def _find_repeated(
    session: AsyncSession, requests: Sequence[ReserveRequest]
) -> dict[tuple[str, str], Order]:
    keys = [_key(request) for request in requests if request.idempotency_key]
    return await repository.find_by_keys(session, keys)


async def _insert(
    session: AsyncSession,
    requests: Sequence[ReserveRequest],
    wanted: dict[int, Order],
) -> dict[int, Outcome]:
    """Insert all at once; where a unique key objects, one by one, first come first.

    All at once goes by the tickets' order, so that two batches do not wait for each
    other in a circle.
    """
    if not wanted:
        return {}
    together = sorted(wanted.values(), key=lambda order: order.ticket_id)
    distinct = len({order.ticket_id for order in together}) == len(together)
    if distinct and await repository.insert(session, together):
        return {**wanted}
    outcomes: dict[int, Outcome] = {}
    for index, order in wanted.items():
        made = await repository.insert(session, [order])
        outcomes[index] = order if made else await _lost(session, requests[index])
    return outcomes


async def _lost(session: AsyncSession, request: ReserveRequest) -> Outcome:
    """Say who was faster: the buyer's own other request, or somebody else."""
    live = await repository.find_live_orders(session, [request.ticket_id])
    repeated = await _find_repeated(session, [request])
    if repeated:
        return _same_order(request, repeated[_key(request)])
    holder = live.get(request.ticket_id)
    if holder is not None and holder.buyer_id == request.buyer_id:
        return AlreadyYours(holder.id)
    return TicketTaken()


def _same_order(request: ReserveRequest, order: Order) -> Outcome:
    if order.fingerprint != request.fingerprint:
        return IdempotencyKeyReused()
    return order


def _key(request: ReserveRequest) -> tuple[str, str]:
    return request.buyer_id, request.idempotency_key or ""


def _version_refusal(ticket: Ticket, seen: int | None) -> TicketingError | None:
    if seen is None:
        return None
    if seen > ticket.version:
        return TicketCatchingUp()
    if seen < ticket.offer_version:
        offer = {
            "id": ticket.id,
            "version": ticket.version,
            "title": ticket.title,
            "price": ticket.price,
            "fee": money.fee(ticket.price),
            "total": money.total(ticket.price),
            "currency": ticket.currency,
        }
        return PriceChanged(offer, money.total(ticket.price), ticket.currency)
    return None
