"""Every way an order may change: `docs/orders.md` has the table.

Each is one conditional update: what may change is in the WHERE, by the database's
own clock (R54), and a row count of nought means that somebody else was first.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import seconds_until, utc_now
from common.events import CancelReason, OrderStatus
from orders.models import Order
from orders.repository import find_order

_LIVE: Final = (OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT)


async def confirm(session: AsyncSession, order_id: str) -> Order | None:
    """created -> awaiting:payment, before the deadline."""
    return await _change(
        session,
        order_id,
        Order.status == OrderStatus.CREATED,
        Order.expires_at > utc_now(),
        status=OrderStatus.AWAITING_PAYMENT,
    )


async def claim(
    session: AsyncSession, order_id: str, payment_id: str, *, amount: int, currency: str
) -> Order | None:
    """awaiting:payment -> the same, claimed; before the deadline, for the total.

    From here on it cannot expire: R19 is decided by this row alone.
    """
    return await _change(
        session,
        order_id,
        Order.status == OrderStatus.AWAITING_PAYMENT,
        Order.claimed_payment.is_(None),
        Order.expires_at > utc_now(),
        Order.total == amount,
        Order.currency == currency,
        claimed_payment=payment_id,
    )


async def complete(
    session: AsyncSession, order_id: str, payment_id: str, *, amount: int, currency: str
) -> Order | None:
    """claimed -> complete, by the payment that claimed it, for the total (I3)."""
    return await _change(
        session,
        order_id,
        Order.status == OrderStatus.AWAITING_PAYMENT,
        Order.claimed_payment == payment_id,
        Order.total == amount,
        Order.currency == currency,
        status=OrderStatus.COMPLETE,
    )


async def cancel(
    session: AsyncSession, order_id: str, reason: CancelReason
) -> Order | None:
    """created or awaiting:payment, unclaimed -> cancelled."""
    return await _cancel(session, order_id, reason, *_unclaimed())


async def reject(
    session: AsyncSession, order_id: str, reason: CancelReason
) -> Order | None:
    """created -> cancelled: tickets refused the hold."""
    return await _cancel(session, order_id, reason, Order.status == OrderStatus.CREATED)


async def expire(session: AsyncSession, order_id: str) -> Order | None:
    """created or awaiting:payment, unclaimed, past the deadline -> cancelled."""
    return await _cancel(session, order_id, CancelReason.EXPIRED, *_expirable())


async def fail(session: AsyncSession, order_id: str, payment_id: str) -> Order | None:
    """claimed -> cancelled: the hold on the card is definitely gone (R33)."""
    return await _cancel(
        session,
        order_id,
        CancelReason.PAYMENT_FAILED,
        Order.status == OrderStatus.AWAITING_PAYMENT,
        Order.claimed_payment == payment_id,
    )


async def refund(session: AsyncSession, order_id: str, payment_id: str) -> Order | None:
    """complete -> cancelled: everything was given back."""
    return await _cancel(
        session,
        order_id,
        CancelReason.REFUNDED,
        Order.status == OrderStatus.COMPLETE,
        Order.claimed_payment == payment_id,
    )


async def expire_overdue(session: AsyncSession, limit: int) -> Sequence[Order]:
    """As `expire`, for up to ``limit`` orders that nobody else is changing.

    They are locked first, so those that are cancelled afterwards are those that
    this transaction cancelled.
    """
    found = await session.scalars(
        select(Order.id)
        .where(*_expirable())
        .order_by(Order.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    overdue = found.all()
    if not overdue:
        return []
    locked = Order.id.in_(overdue)
    await session.execute(
        update(Order)
        .where(locked, *_expirable())
        .values(**_cancelled(CancelReason.EXPIRED), version=Order.version + 1)
        .execution_options(synchronize_session=False)
    )
    expired = await session.scalars(
        select(Order)
        .where(locked, Order.status == OrderStatus.CANCELLED)
        .order_by(Order.expires_at)
        .execution_options(populate_existing=True)
    )
    return expired.all()


async def seconds_to_expiry(session: AsyncSession, order_id: str) -> float | None:
    """Return the seconds until an order may be expired; None if it never may."""
    seconds = await session.scalar(
        select(seconds_until(Order.expires_at)).where(
            Order.id == order_id, *_unclaimed()
        )
    )
    return None if seconds is None else max(float(seconds), 0.01)


def _unclaimed() -> tuple[ColumnElement[bool], ...]:
    return Order.status.in_(_LIVE), Order.claimed_payment.is_(None)


def _expirable() -> tuple[ColumnElement[bool], ...]:
    return *_unclaimed(), Order.expires_at <= utc_now()


def _cancelled(reason: CancelReason) -> dict[str, Any]:
    return {
        "status": OrderStatus.CANCELLED,
        "cancel_reason": reason,
        "live_ticket_id": None,
    }


async def _cancel(
    session: AsyncSession,
    order_id: str,
    reason: CancelReason,
    *conditions: ColumnElement[bool],
) -> Order | None:
    return await _change(session, order_id, *conditions, **_cancelled(reason))


async def _change(
    session: AsyncSession,
    order_id: str,
    *conditions: ColumnElement[bool],
    **values: Any,  # noqa: ANN401 - column values
) -> Order | None:
    """Update the order if ``conditions`` hold; return it changed, else None."""
    changed = await session.execute(
        update(Order)
        .where(Order.id == order_id, *conditions)
        .values(**values, version=Order.version + 1)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        return None
    return await find_order(session, order_id)
