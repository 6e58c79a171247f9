"""A buyer begins, or goes on, to pay: record, call Stripe, record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.events import OrderStatus
from payments import repository, service
from payments.decision import Step
from payments.errors import (
    GatewayRefused,
    GatewayUnavailable,
    IntentStateConflict,
    KeyReused,
    OrderNotPayable,
)
from payments.gateway import Gateway
from payments.intents import Intent, IntentStatus
from payments.models import Order, Payment, PaymentRequest
from payments.plans import Plan
from payments.service import Wake
from payments.settling import count_refusal
from payments.states import PaymentStatus

CONFIRMATION_SECONDS: Final = 1.0
"""How soon an order that is being reserved may be asked for again."""

_TAKE_OVER_SECONDS: Final = 30
"""After this the worker makes the intent that a request began and never recorded."""

_WHY_NOT: Final[Mapping[str, str]] = {
    OrderStatus.CREATED: "The ticket is still being secured for you",
    OrderStatus.COMPLETE: "This order is paid",
    OrderStatus.CANCELLED: "This order is over",
}


@dataclass(frozen=True)
class Till:
    """What paying needs."""

    database: Database
    gateway: Gateway
    wake: Wake
    first_look_seconds: int


@dataclass(frozen=True)
class PayOrder:
    """A buyer's wish to pay, and the key that says when it is the same wish."""

    buyer_id: str
    order_id: str
    idempotency_key: str | None = None


class OpenPayment(NamedTuple):
    """A payment, and the secret with which its buyer's browser confirms it."""

    payment: Payment
    client_secret: str


async def open_payment(till: Till, wish: PayOrder) -> OpenPayment:
    """Return the one intent of an order, made now if there is none (I5, R34).

    Our row is committed before Stripe is called, so no webhook comes for a payment
    that we do not know (R26), and no crash leaves an intent that nobody finds (R29).

    Raises:
        OrderNotFound: there is none, or it is somebody else's.
        OrderNotPayable: it is not to be paid now.
        GatewayUnavailable: Stripe does not answer; the same again will do.
    """
    payment = await _begin(till.database, wish)
    intent = await _intent(till, payment)
    async with till.database.transaction() as session:
        recorded = await _record(session, till, payment, intent)
    if recorded is None:
        raise OrderNotPayable("This order is over", retry_after=CONFIRMATION_SECONDS)
    return OpenPayment(recorded, intent.client_secret)


async def _begin(database: Database, wish: PayOrder) -> Payment:
    try:
        async with database.transaction() as session:
            return await _payment_to_pay(session, wish)
    except IntegrityError:
        # Two tabs at once: the other one's row is there now.
        async with database.transaction() as session:
            return await _payment_to_pay(session, wish)


async def _payment_to_pay(session: AsyncSession, wish: PayOrder) -> Payment:
    await _remember_key(session, wish)
    order = await _payable_order(session, wish)
    payment = await repository.find_payment(session, wish.order_id)
    if payment is None:
        payment = Payment.begin(order)
        session.add(payment)
        await session.flush()
        # Should we end here, the worker goes on (R29).
        await repository.end_look(
            session, payment.id, next_in=_TAKE_OVER_SECONDS, looks=0
        )
    elif payment.status == PaymentStatus.VOIDED:
        await _begin_again(session, payment.id)
    return payment


async def _begin_again(session: AsyncSession, payment_id: str) -> None:
    """Prepare for another intent, unless another tab has just done so (I5)."""
    payment = await repository.lock_payment(session, payment_id)
    if payment is None or payment.status != PaymentStatus.VOIDED:
        return
    payment.begin_again()
    await session.flush()
    # A look in progress has read the old intent, so its lease ends here.
    await repository.end_look(session, payment.id, next_in=_TAKE_OVER_SECONDS, looks=0)


async def _remember_key(session: AsyncSession, wish: PayOrder) -> None:
    if wish.idempotency_key is None:
        return
    known = await repository.find_request(session, wish.buyer_id, wish.idempotency_key)
    if known is None:
        session.add(
            PaymentRequest(
                buyer_id=wish.buyer_id,
                idempotency_key=wish.idempotency_key,
                order_id=wish.order_id,
                created_at=now(),
            )
        )
    elif known.order_id != wish.order_id:
        raise KeyReused


async def _payable_order(session: AsyncSession, wish: PayOrder) -> Order:
    """Return the order if it waits for money and its time is not over.

    Raises:
        OrderNotFound: there is none, or it is somebody else's.
        OrderNotPayable: it is not to be paid now.
    """
    order, seconds_left = await repository.get_own_order(
        session, wish.buyer_id, wish.order_id
    )
    if order.is_open and seconds_left > 0:
        return order
    why = _WHY_NOT.get(order.status)
    if why is None:
        why = (
            "The payment of this order is already being taken"
            if order.claimed_payment
            else "The time to pay for this order is over"
        )
    raise OrderNotPayable(
        why,
        retry_after=(
            CONFIRMATION_SECONDS if order.status == OrderStatus.CREATED else None
        ),
        order_status=order.status,
    )


async def _intent(till: Till, payment: Payment) -> Intent:
    """Return the payment's intent from Stripe, making it if there is none."""
    plan = Plan.of(payment, Step.CREATE if payment.intent_id is None else None)
    try:
        intent = await plan.carry_out(till.gateway)
    except (GatewayRefused, IntentStateConflict) as error:
        await count_refusal(till.database, plan)
        raise _no_intent() from error
    if intent is None:
        raise _no_intent()
    return intent


def _no_intent() -> GatewayUnavailable:
    return GatewayUnavailable("The card service refused", retry_after=2.0)


async def _record(
    session: AsyncSession, till: Till, begun: Payment, intent: Intent
) -> Payment | None:
    """Store the intent's id; return None if it is not to be paid after all.

    The payment is locked before the order is read: an event of the order either
    is seen here, or finds the payment afterwards and has it looked at (I11).
    """
    payment = await repository.lock_payment(session, begun.id)
    if payment is None or payment.attempt != begun.attempt:
        return None
    order = await repository.get_order(session, payment.order_id)
    is_payable = order.is_open and intent.status is not IntentStatus.CANCELED
    if payment.intent_id is None:
        payment.intent_id = intent.id
        payment.move(PaymentStatus.INTENT)
        await session.flush()
        await repository.end_look(
            session, payment.id, next_in=till.first_look_seconds, looks=0
        )
    if not is_payable:
        await service.look_again(session, payment.id, till.wake)
    return payment if is_payable else None
