"""Every query of the payments service."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import seconds_until, utc_in, utc_now
from common.events import OrderStatus, PaymentCaptured, PaymentFailed, PaymentRefunded
from common.outbox import Unanswered
from common.telemetry import trace_headers
from payments.errors import OrderNotFound, PaymentNotFound
from payments.models import LedgerEntry, Order, Payment, PaymentRequest, StripeEvent
from payments.states import PaymentStatus

_UNANSWERED_AT_ONCE: Final = 100
_ENDS: Final = (PaymentStatus.CAPTURED, PaymentStatus.FAILED, PaymentStatus.REFUNDED)
_END_SUBJECTS: Final = (
    PaymentCaptured.subject, PaymentFailed.subject, PaymentRefunded.subject
)  # fmt: skip


class Timed(NamedTuple):
    """An order, and the seconds until its deadline by the database's clock."""

    order: Order
    seconds_left: float


async def get_own_order(session: AsyncSession, buyer_id: str, order_id: str) -> Timed:
    """Return the buyer's order.

    Raises:
        OrderNotFound: there is none, or it is somebody else's.
    """
    found = await session.execute(
        select(Order, seconds_until(Order.expires_at)).where(
            Order.order_id == order_id, Order.buyer_id == buyer_id
        )
    )
    row = found.one_or_none()
    if row is None:
        raise OrderNotFound
    return Timed(row[0], float(row[1]))


async def find_order_locked(session: AsyncSession, order_id: str) -> Order | None:
    """Return the order with its row locked, if we have heard of it."""
    return await session.get(Order, order_id, with_for_update=True)


async def find_payment(session: AsyncSession, order_id: str) -> Payment | None:
    """Return the payment of an order, if there is one."""
    return await session.scalar(select(Payment).where(Payment.order_id == order_id))


async def get_own_payment(
    session: AsyncSession, buyer_id: str, order_id: str
) -> Payment:
    """Return the payment of the buyer's order.

    Raises:
        PaymentNotFound: there is none, or it is somebody else's.
    """
    payment = await find_payment(session, order_id)
    if payment is None or payment.buyer_id != buyer_id:
        raise PaymentNotFound
    return payment


async def lock_payment(session: AsyncSession, payment_id: str) -> Payment | None:
    """Return the payment with its row locked until the transaction ends."""
    return await session.get(
        Payment, payment_id, with_for_update=True, populate_existing=True
    )


async def lock_due_payment(session: AsyncSession, payment_id: str) -> Payment | None:
    """Return the payment, locked, if it is due and nobody else has it."""
    return await session.scalar(
        select(Payment)
        .where(Payment.id == payment_id, Payment.due_at <= utc_now())
        .with_for_update(skip_locked=True)
    )


async def get_order(session: AsyncSession, order_id: str) -> Order:
    """Return the order as it is committed now.

    Raises:
        OrderNotFound: there is none, which the foreign key rules out.
    """
    order = await session.get(Order, order_id, populate_existing=True)
    if order is None:
        raise OrderNotFound
    return order


async def find_due(session: AsyncSession, limit: int) -> Sequence[str]:
    """Return ids of payments that want to be looked at, longest waiting first."""
    return (
        await session.scalars(
            select(Payment.id)
            .where(Payment.due_at <= utc_now())
            .order_by(Payment.due_at)
            .limit(limit)
        )
    ).all()


async def mark_due(session: AsyncSession, payment_id: str) -> None:
    """Have the payment looked at now; a look in progress is outdated by this."""
    await _schedule(
        session,
        payment_id,
        due_at=utc_now(),
        lease=None,
        looks=0,
        trace=trace_headers().get("traceparent"),
    )


async def lease(
    session: AsyncSession, payment_id: str, name: str, *, seconds: int
) -> None:
    """Let the look ``name`` have the payment; after ``seconds`` anyone may."""
    await _schedule(session, payment_id, due_at=utc_in(seconds), lease=name)


async def end_look(
    session: AsyncSession, payment_id: str, *, next_in: int | None, looks: int
) -> None:
    """Have the payment looked at again in ``next_in`` seconds; None: never."""
    due_at = None if next_in is None else utc_in(next_in)
    await _schedule(
        session, payment_id, due_at=due_at, lease=None, looks=looks, trace=None
    )


async def _schedule(session: AsyncSession, payment_id: str, **values: object) -> None:
    await session.execute(
        update(Payment)
        .where(Payment.id == payment_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def find_payment_of(
    session: AsyncSession, intent_id: str | None, order_id: str | None
) -> str | None:
    """Return the id of the payment that has this intent or belongs to this order."""
    if intent_id is not None:
        found = await session.scalar(
            select(Payment.id).where(Payment.intent_id == intent_id)
        )
        if found is not None:
            return found
    if order_id is None:
        return None
    return await session.scalar(select(Payment.id).where(Payment.order_id == order_id))


async def is_stripe_event_known(session: AsyncSession, event_id: str) -> bool:
    """Tell whether this webhook was taken before."""
    return await session.get(StripeEvent, event_id) is not None


async def find_request(
    session: AsyncSession, buyer_id: str, idempotency_key: str
) -> PaymentRequest | None:
    """Return what the buyer used this key for, if anything."""
    return await session.get(PaymentRequest, (buyer_id, idempotency_key))


async def list_ledger(session: AsyncSession, payment_id: str) -> Sequence[LedgerEntry]:
    """Return all that moved for a payment, oldest first."""
    return (
        await session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.payment_id == payment_id)
            .order_by(LedgerEntry.id)
        )
    ).all()


async def count_alerts(session: AsyncSession) -> int:
    """Count payments that a person has to look at."""
    return (
        await session.scalar(
            select(func.count()).where(Payment.alerted_at.is_not(None))
        )
    ) or 0


async def find_unanswered(
    session: AsyncSession, until: datetime
) -> Sequence[Unanswered]:
    """Return what became of claimed orders' money until then, unheard by orders."""
    found = await session.execute(
        select(Payment.order_id, Payment.created_at)
        .join(Order, Order.order_id == Payment.order_id)
        .where(
            Order.status == OrderStatus.AWAITING_PAYMENT,
            Order.claimed_payment.is_not(None),
            Payment.status.in_(_ENDS),
            Payment.updated_at <= until,
        )
        .limit(_UNANSWERED_AT_ONCE)
    )
    return [
        Unanswered(_END_SUBJECTS, f'"order_id":"{row.order_id}"', row.created_at)
        for row in found
    ]
