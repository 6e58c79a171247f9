"""Use cases of the orders service: one function each.

All run in the caller's transaction and put their events into its outbox. Which
order may change, and when, is written in the conditions of `orders.transitions`.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from common.errors import TicketingError, TooEarly
from common.events import (
    CancelReason,
    ExpirationCompleted,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderClaimed,
    OrderCompleted,
    OrderStatus,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentState,
    RejectionReason,
    ReservationRejected,
    TicketState,
    TicketStatus,
)
from common.outbox import add_events
from orders import metrics, repository, transitions
from orders.errors import (
    OrderNotCancellable,
    OrderNotFound,
    RefundBeforeCapture,
    WrongAmountCaptured,
)
from orders.events import order_event
from orders.models import Order
from orders.repository import Page, TimedOrder
from orders.reserving import ReserveRequest, SaleRules, reserve_tickets


async def place_order(
    session: AsyncSession, request: ReserveRequest, rules: SaleRules
) -> TimedOrder:
    """Reserve a ticket for a buyer, or raise why not."""
    (outcome,) = await reserve_tickets(session, [request], rules)
    if isinstance(outcome, TicketingError):
        raise outcome
    return await repository.get_own_order(session, request.buyer_id, outcome.id)


async def list_orders(
    session: AsyncSession, buyer_id: str, *, after: str | None, limit: int
) -> Page:
    """Return one page of the buyer's orders, newest first."""
    return await repository.list_own_orders(session, buyer_id, after=after, limit=limit)


async def get_order(session: AsyncSession, buyer_id: str, order_id: str) -> TimedOrder:
    """Return an order of the buyer's own."""
    return await repository.get_own_order(session, buyer_id, order_id)


async def cancel_order(session: AsyncSession, buyer_id: str, order_id: str) -> None:
    """Give up an order before money is taken; doing it twice is fine (R23)."""
    order = (await repository.get_own_order(session, buyer_id, order_id)).order
    if order.status == OrderStatus.CANCELLED:
        return
    cancelled = await transitions.cancel(session, order_id, CancelReason.BUYER)
    if cancelled is not None:
        await _announce_cancelled(session, cancelled)
        return
    now = await repository.find_order(session, order_id)
    if now is None or now.status != OrderStatus.CANCELLED:
        raise OrderNotCancellable


async def copy_ticket(session: AsyncSession, ticket: TicketState) -> None:
    """Keep our copy of a listing current; confirm the order that now holds it.

    Whether the copy was newer already does not matter to the order: that the
    hold happened is a fact, and confirming takes effect once.
    """
    await repository.store_ticket(session, ticket)
    if ticket.status is TicketStatus.RESERVED and ticket.order_id is not None:
        order = await transitions.confirm(session, ticket.order_id)
        if order is not None:
            await add_events(session, order_event(OrderAwaitingPayment, order))


async def reject_order(session: AsyncSession, refused: ReservationRejected) -> None:
    """Cancel an order whose ticket could not be held (R5)."""
    changed = refused.reason is RejectionReason.PRICE_CHANGED
    reason = CancelReason.PRICE_CHANGED if changed else CancelReason.REJECTED
    order = await transitions.reject(session, refused.order_id, reason)
    if order is not None:
        await _announce_cancelled(session, order)


async def claim_order(session: AsyncSession, payment: PaymentAuthorized) -> None:
    """Claim the order for money authorised in time, or make sure it is over.

    A claim after the deadline is refused even if nobody has expired the order
    yet (R14, R20, R40), and one for another amount in any case (R38). The order
    is then cancelled, and payments gives the money back.
    """
    order = await transitions.claim(
        session,
        payment.order_id,
        payment.id,
        amount=payment.amount,
        currency=payment.currency,
    )
    if order is not None:
        await add_events(session, order_event(OrderClaimed, order))
        return
    refused = await repository.find_order(session, payment.order_id)
    if refused is None:
        raise OrderNotFound
    over = await transitions.expire(session, refused.id)
    if over is None and not _is_for(refused, payment):
        over = await transitions.cancel(
            session, refused.id, CancelReason.PAYMENT_FAILED
        )
    if over is not None:
        await _announce_cancelled(session, over)


async def complete_order(session: AsyncSession, payment: PaymentCaptured) -> None:
    """Complete the order for which the money was taken.

    Raises:
        WrongAmountCaptured: another amount than the total was (I3). The order
            stays claimed and the message is parked, for a person to decide.
    """
    order = await transitions.complete(
        session,
        payment.order_id,
        payment.id,
        amount=payment.amount,
        currency=payment.currency,
    )
    if order is not None:
        await add_events(session, order_event(OrderCompleted, order))
    elif await _is_being_paid(session, payment):
        raise WrongAmountCaptured


async def fail_order(session: AsyncSession, payment: PaymentFailed) -> None:
    """Cancel a claimed order whose money can definitely not be taken (R33)."""
    order = await transitions.fail(session, payment.order_id, payment.id)
    if order is not None:
        await _announce_cancelled(session, order)


async def refund_order(session: AsyncSession, payment: PaymentRefunded) -> None:
    """Cancel a complete order whose money was given back in full.

    Raises:
        RefundBeforeCapture: the order is still claimed. Taking no notice would let
            the capture, heard late, complete what was refunded (I2).
    """
    order = await transitions.refund(session, payment.order_id, payment.id)
    if order is not None:
        await _announce_cancelled(session, order)
    elif await _is_being_paid(session, payment):
        raise RefundBeforeCapture


async def expire_order(session: AsyncSession, due: ExpirationCompleted) -> None:
    """Cancel an order past its deadline; never a claimed one (I6, R15).

    Raises:
        TooEarly: the timer's clock runs ahead of the database's (R13); the
            message comes again when it is due.
    """
    order = await transitions.expire(session, due.order_id)
    if order is not None:
        metrics.EXPIRED.labels("timer").inc()
        await _announce_cancelled(session, order)
        return
    seconds = await transitions.seconds_to_expiry(session, due.order_id)
    if seconds is not None:
        raise TooEarly("the deadline has not passed yet", retry_after=seconds)


async def expire_overdue(session: AsyncSession, limit: int) -> int:
    """Cancel up to ``limit`` orders past their deadline; return how many.

    Runs whether or not the timer works: Redis may lose a deadline, this table
    does not (R14).
    """
    expired = await transitions.expire_overdue(session, limit)
    await add_events(
        session, *(order_event(OrderCancelled, order) for order in expired)
    )
    return len(expired)


async def _announce_cancelled(session: AsyncSession, order: Order) -> None:
    await add_events(session, order_event(OrderCancelled, order))


async def _is_being_paid(session: AsyncSession, payment: PaymentState) -> bool:
    order = await repository.find_order(session, payment.order_id)
    if order is None or order.status != OrderStatus.AWAITING_PAYMENT:
        return False
    return order.claimed_payment == payment.id


def _is_for(order: Order, payment: PaymentAuthorized) -> bool:
    return (order.total, order.currency) == (payment.amount, payment.currency)
