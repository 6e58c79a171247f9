"""The one loop that brings a payment to rest, whoever asked for it.

Record, call, record: the database and Stripe are never waited for together. What
the loop knows it reads anew each time, so it can be ended at any point and taken
up by anyone (R29 to R32).

A look takes a lease on the payment and then reads the intent. Whatever makes that
reading outdated (an event of the order, a webhook) clears the lease; the look then
takes a new one and reads again. So under the row's lock, with the lease still its
own, the intent is never older than the order beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.events import (
    OrderStatus,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentState,
    PaymentVoided,
)
from common.ids import new_id
from common.outbox import add_events
from common.telemetry import logger, span
from payments import ledger, metrics, repository
from payments.decision import CALLS, Action, Step, decide
from payments.errors import GatewayRefused, GatewayUnavailable, IntentStateConflict
from payments.gateway import Gateway
from payments.intents import Intent
from payments.models import Order, Payment
from payments.plans import Plan
from payments.settings import Settings
from payments.states import PaymentStatus

log = logger(__name__)

MAX_CALLS: Final = 8
"""Calls in one look; more of them would mean that we and Stripe disagree."""

ALERT_AFTER_REFUSALS: Final = 5
_LATE_FAILURES: Final = timedelta(days=35)
_DAY_SECONDS: Final = 86_400

_RECORDS: Final[Mapping[Step, tuple[PaymentStatus, type[PaymentState] | None]]] = {
    Step.RECORD_INTENT: (PaymentStatus.INTENT, None),
    Step.RECORD_REQUIRES_ACTION: (PaymentStatus.REQUIRES_ACTION, None),
    Step.RECORD_DECLINED: (PaymentStatus.DECLINED, None),
    Step.RECORD_AUTHORIZED: (PaymentStatus.AUTHORIZED, PaymentAuthorized),
    Step.RECORD_CAPTURED: (PaymentStatus.CAPTURED, PaymentCaptured),
    Step.RECORD_VOIDED: (PaymentStatus.VOIDED, PaymentVoided),
    Step.RECORD_FAILED: (PaymentStatus.FAILED, PaymentFailed),
    Step.RECORD_REFUNDED: (PaymentStatus.REFUNDED, PaymentRefunded),
    Step.RECORD_REFUND_FAILED: (PaymentStatus.CAPTURED, None),
}


@dataclass(frozen=True)
class _Look:
    """One turn at one payment."""

    payment_id: str
    lease: str = field(default_factory=new_id)


class Settler:
    """Looks at payments and does what is to be done."""

    def __init__(
        self, database: Database, gateway: Gateway, settings: Settings
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._settings = settings

    async def settle(self, payment_id: str) -> bool:
        """Do all that can be done for a payment now.

        Returns:
            Whether it was our turn: False if it is not due or somebody has it.

        Raises:
            DatabaseUnavailable: the look ended there; after its lease another
                one begins.
        """
        look = _Look(payment_id)
        begun = await self._begin(look)
        if begun is None:
            return False
        plan, trace = begun
        parent = {"traceparent": trace} if trace else None
        with span("settle payment", SpanKind.INTERNAL, parent=parent):
            try:
                await self._pursue(look, plan)
            except GatewayUnavailable as error:
                await self._put_off(look, error)
        return True

    async def _begin(self, look: _Look) -> tuple[Plan, str | None] | None:
        async with self._database.transaction() as session:
            payment = await repository.lock_due_payment(session, look.payment_id)
            if payment is None:
                return None
            await self._lease(session, look)
            return Plan.of(payment, None), payment.trace

    async def _pursue(self, look: _Look, plan: Plan) -> None:
        for _ in range(MAX_CALLS):
            intent = await self._carry_out(plan)
            decided = await self._advance(look, intent)
            if decided is None:
                return
            plan = decided
        await self._put_off(look, None)

    async def _carry_out(self, plan: Plan) -> Intent | None:
        """Make the call; what refuses it has used up its idempotency key."""
        try:
            return await plan.carry_out(self._gateway)
        except IntentStateConflict as error:
            log.info("intent_state_conflict", step=plan.step, reason=error.detail)
            await count_refusal(self._database, plan)
            return await self._gateway.read(str(plan.intent_id))
        except GatewayRefused:
            await count_refusal(self._database, plan)
            raise

    async def _advance(self, look: _Look, intent: Intent | None) -> Plan | None:
        """Record what is true now; return the next call, None when there is none."""
        async with self._database.transaction() as session:
            payment = await repository.lock_payment(session, look.payment_id)
            if payment is None or payment.lease not in {None, look.lease}:
                return None  # Our lease ran out and somebody else has it.
            if payment.lease is None or _is_of_another(payment, intent):
                await self._lease(session, look)
                return Plan.of(payment, None)
            order = await repository.get_order(session, payment.order_id)
            action = await record(session, order, payment, intent)
            if action.step in CALLS:
                failed = intent.failed_refunds if intent else 0
                return Plan.of(payment, action.step, failed)
            next_in = self._next_look(order, payment)
            looks = payment.looks + 1
            await session.flush()
            await repository.end_look(session, payment.id, next_in=next_in, looks=looks)
            return None

    async def _lease(self, session: AsyncSession, look: _Look) -> None:
        await repository.lease(
            session,
            look.payment_id,
            look.lease,
            seconds=self._settings.lease_seconds,
        )

    async def _put_off(self, look: _Look, error: GatewayUnavailable | None) -> None:
        """Try again later; nothing is concluded from an answer that did not come."""
        reason = type(error).__name__ if error else "TooManyCalls"
        metrics.GATEWAY_FAILURES.labels(reason).inc()
        log.warning(
            "payment_put_off",
            payment_id=look.payment_id,
            reason=reason,
            notes=getattr(error, "__notes__", None),
        )
        async with self._database.transaction() as session:
            payment = await repository.lock_payment(session, look.payment_id)
            if payment is None or payment.lease != look.lease:
                return
            seconds = _grown(1, payment.looks, self._settings.poll_max_seconds)
            await repository.end_look(
                session, payment.id, next_in=seconds, looks=payment.looks + 1
            )

    def _next_look(self, order: Order, payment: Payment) -> int | None:
        """Return seconds until the poll that finds what no webhook told (R27)."""
        if payment.status in {PaymentStatus.VOIDED, PaymentStatus.FAILED}:
            return None
        cancelled = order.status == OrderStatus.CANCELLED
        if payment.status == PaymentStatus.CAPTURED and not cancelled:
            return None
        if payment.status == PaymentStatus.REFUNDED:
            # A card can send a refund back weeks later.
            is_young = now() - payment.updated_at < _LATE_FAILURES
            return _DAY_SECONDS if is_young else None
        settings = self._settings
        return _grown(
            settings.poll_first_seconds, payment.looks, settings.poll_max_seconds
        )


async def count_refusal(database: Database, plan: Plan) -> None:
    """Use up the payment's idempotency keys: they would repeat the error answer."""
    if plan.step is None:
        return
    async with database.transaction() as session:
        payment = await repository.lock_payment(session, plan.request.payment_id)
        if payment is None:
            return
        payment.refusals += 1
        if payment.refusals >= ALERT_AFTER_REFUSALS:
            _alert(payment, f"Stripe keeps refusing to {plan.step}")


async def record(
    session: AsyncSession, order: Order, payment: Payment, intent: Intent | None
) -> Action:
    """Write down all that is true and new; return what is left to do.

    ``payment`` is locked, and ``intent`` is not older than ``order``. States,
    ledger and events are written together or not at all.
    """
    if intent is not None:
        payment.intent_id = payment.intent_id or intent.id
        await ledger.enter(session, payment, intent)
    action = decide(order.facts, payment.facts, intent)
    while action.step in _RECORDS:
        await _apply(session, payment, action)
        action = decide(order.facts, payment.facts, intent)
    if action.alert:
        _alert(payment, action.alert)
    return action


async def _apply(session: AsyncSession, payment: Payment, action: Action) -> None:
    status, event_type = _RECORDS[action.step]
    payment.move(status, action.decline_code)
    if action.alert:
        _alert(payment, action.alert)
    metrics.RESULTS.labels(status).inc()
    log.info(
        "payment_state",
        payment_id=payment.id,
        order_id=payment.order_id,
        status=status,
        decline_code=action.decline_code,
    )
    if event_type is not None:
        await add_events(session, _event(event_type, payment))


def _event(event_type: type[PaymentState], payment: Payment) -> PaymentState:
    return event_type(
        id=payment.id,
        version=payment.version,
        order_id=payment.order_id,
        amount=payment.amount,
        currency=payment.currency,
    )


def _is_of_another(payment: Payment, intent: Intent | None) -> bool:
    """Tell whether the intent was replaced while we read it."""
    return intent is not None and payment.intent_id not in {None, intent.id}


def _alert(payment: Payment, text: str) -> None:
    log.error("payment_alert", payment_id=payment.id, reason=text)
    payment.raise_alert(text)


def _grown(first: int, looks: int, most: int) -> int:
    return min(most, first << min(looks, 10))
