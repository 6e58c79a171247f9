"""Use cases that run in the caller's transaction: one function each."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.events import OrderState, OrderStatus
from payments import repository
from payments.errors import UnknownIntent
from payments.gateway import Hint
from payments.models import Order, Payment, StripeEvent
from payments.states import PaymentStatus

Wake = Callable[[], None]
"""Tells the worker that a payment is due."""


async def get_payment(session: AsyncSession, buyer_id: str, order_id: str) -> Payment:
    """Return the payment of the buyer's own order."""
    return await repository.get_own_payment(session, buyer_id, order_id)


async def follow_order(session: AsyncSession, state: OrderState, wake: Wake) -> None:
    """Keep our copy of an order, and act on what is news for its money.

    Claimed: the money is taken. Cancelled: the hold is released (I11).
    """
    order = await repository.find_order_locked(session, state.id)
    if order is not None and order.version >= state.version:
        return
    if order is None:
        order = Order(order_id=state.id)
        session.add(order)
    order.follow(state)
    await session.flush()
    payment = await repository.find_payment(session, state.id)
    if payment is not None and _concerns(order, payment):
        await look_again(session, payment.id, wake)


async def take_webhook(session: AsyncSession, hint: Hint, wake: Wake) -> str:
    """Store a webhook durably and have its payment looked at (R24, R25).

    It is a hint: nothing is believed of what it says. Returns what became of it:
    taken, ignored or duplicate.

    Raises:
        UnknownIntent: it is about a payment that we do not know yet (R26).
    """
    if await repository.is_stripe_event_known(session, hint.event_id):
        return "duplicate"
    payment_id = None
    if hint.intent_id is not None:
        payment_id = await repository.find_payment_of(
            session, hint.intent_id, hint.order_id
        )
        if payment_id is None:
            raise UnknownIntent
    session.add(
        StripeEvent(
            id=hint.event_id,
            type=hint.type,
            payment_id=payment_id,
            received_at=now(),
        )
    )
    await session.flush()
    if payment_id is None:
        return "ignored"
    await look_again(session, payment_id, wake)
    return "taken"


async def look_again(session: AsyncSession, payment_id: str, wake: Wake) -> None:
    """Have the payment looked at as soon as this transaction has committed."""
    await repository.mark_due(session, payment_id)
    event.listen(session.sync_session, "after_commit", lambda _: wake(), once=True)


def _concerns(order: Order, payment: Payment) -> bool:
    """Tell whether the order's new state can change anything for the payment."""
    if order.status == OrderStatus.CANCELLED:
        return payment.status not in {
            PaymentStatus.VOIDED,
            PaymentStatus.FAILED,
            PaymentStatus.REFUNDED,
        }
    if order.claimed_payment or order.status == OrderStatus.COMPLETE:
        return payment.status not in {PaymentStatus.CAPTURED, PaymentStatus.FAILED}
    return False
