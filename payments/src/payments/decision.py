"""What to do next with one payment: a pure function of three facts.

The order says whether its money is wanted, the payment what we have recorded, the
intent what is true at Stripe. Whoever looks (a webhook, an event, the poll, a
restart) asks this one function, so the order in which news come does not matter.

The intent must have been read after the order was: see `settling`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.events import OrderStatus
from payments.intents import Intent, IntentStatus
from payments.states import PaymentStatus

MAX_FAILED_REFUNDS: Final = 5
"""After so many a person has to find another way to give the money back."""

AMOUNT_ALERT: Final = "amount, currency or order id of the intent is not the order's"
REFUND_ALERT: Final = "a refund failed"


class Step(StrEnum):
    """What comes next."""

    WAIT = "wait"
    # Calls to Stripe.
    CREATE = "create"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    # Records of what has become true.
    RECORD_INTENT = "record_intent"
    RECORD_REQUIRES_ACTION = "record_requires_action"
    RECORD_DECLINED = "record_declined"
    RECORD_AUTHORIZED = "record_authorized"
    RECORD_CAPTURED = "record_captured"
    RECORD_VOIDED = "record_voided"
    RECORD_FAILED = "record_failed"
    RECORD_REFUNDED = "record_refunded"
    RECORD_REFUND_FAILED = "record_refund_failed"


CALLS: Final = frozenset({Step.CREATE, Step.CAPTURE, Step.VOID, Step.REFUND})


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """The order as far as money is concerned. ``total`` in minor units."""

    id: str
    status: OrderStatus
    is_claimed: bool
    total: int
    currency: str


@dataclass(frozen=True)
class PaymentFacts:
    """What we have recorded of the payment."""

    status: PaymentStatus
    decline_code: str | None = None


@dataclass(frozen=True)
class Action:
    """A step, and what goes with it."""

    step: Step
    decline_code: str | None = None
    alert: str | None = None


WAIT: Final = Action(Step.WAIT)


def decide(order: OrderFacts, payment: PaymentFacts, intent: Intent | None) -> Action:
    """Return the one thing to do next, WAIT if there is nothing.

    Doing it and asking again, with what is true then, ends at WAIT.
    """
    if intent is None:
        new = payment.status is PaymentStatus.NEW
        return Action(Step.CREATE) if new else WAIT
    if payment.status in _TAKEN and intent.status is not IntentStatus.SUCCEEDED:
        return WAIT  # What was taken cannot be untaken, so this answer is wrong.
    if order.status is OrderStatus.CANCELLED:
        return _of_cancelled(order, payment, intent)
    if order.is_claimed or order.status is OrderStatus.COMPLETE:
        return _of_claimed(order, payment, intent)
    return _of_open(order, payment, intent)


def matches(order: OrderFacts, intent: Intent) -> bool:
    """Tell whether the intent is for exactly what the order costs (I3, R38)."""
    moved = {
        IntentStatus.REQUIRES_CAPTURE: intent.held,
        IntentStatus.SUCCEEDED: intent.received,
    }.get(intent.status, order.total)
    return (
        intent.amount == moved == order.total
        and intent.currency == order.currency
        and intent.order_id == order.id
    )


def _of_cancelled(order: OrderFacts, payment: PaymentFacts, intent: Intent) -> Action:
    """Nobody pays for a cancelled order: the hold is released, money given back."""
    alert = None if matches(order, intent) else AMOUNT_ALERT
    if intent.status is IntentStatus.SUCCEEDED and alert is None:
        kept = {PaymentStatus.CAPTURED, PaymentStatus.REFUNDED, PaymentStatus.FAILED}
        if payment.status not in kept:
            return Action(Step.RECORD_CAPTURED)
    return _undo(payment, intent, alert)


def _of_claimed(order: OrderFacts, payment: PaymentFacts, intent: Intent) -> Action:
    """The money is wanted: take it, or find out for certain that it is gone."""
    if payment.status is PaymentStatus.FAILED:
        return _undo(payment, intent, None)
    if intent.status is IntentStatus.CANCELED:
        return _once(payment, PaymentStatus.FAILED, Step.RECORD_FAILED)
    if not matches(order, intent):
        if payment.status is PaymentStatus.REFUNDED:
            return Action(Step.RECORD_FAILED)
        return _undo(payment, intent, AMOUNT_ALERT)
    if intent.status is IntentStatus.REQUIRES_CAPTURE:
        return Action(Step.CAPTURE)
    if intent.status is IntentStatus.SUCCEEDED:
        return _follow_taken(payment, intent)
    if intent.status in _UNDECIDED:
        return WAIT
    # Claimed for a hold that is gone, with a new intent not yet paid. The order
    # cannot expire any more, so this intent must end for the order to end.
    return Action(Step.VOID)


def _follow_taken(payment: PaymentFacts, intent: Intent) -> Action:
    """The sale stands until all its money is back, whoever gave it (R45).

    We do not give it back here. A refund that bounces is announced by then, so the
    order is about to be cancelled, and its money with it (R42).
    """
    is_returned = intent.returned >= intent.received
    if payment.status is PaymentStatus.REFUNDED:
        bounced = Action(Step.RECORD_REFUND_FAILED, alert=REFUND_ALERT)
        return WAIT if is_returned else bounced
    if payment.status is PaymentStatus.CAPTURED:
        return Action(Step.RECORD_REFUNDED) if is_returned else WAIT
    return Action(Step.RECORD_CAPTURED)


def _of_open(order: OrderFacts, payment: PaymentFacts, intent: Intent) -> Action:
    """The buyer may still pay: follow the intent."""
    over = {PaymentStatus.CAPTURED, PaymentStatus.REFUNDED, PaymentStatus.FAILED}
    if payment.status in over:
        return WAIT
    if not matches(order, intent):
        return _undo(payment, intent, AMOUNT_ALERT)
    if payment.status is PaymentStatus.AUTHORIZED and intent.status in _UNPAID:
        return WAIT  # A hold ends as canceled, never as unpaid: not a true answer.
    follow = _FOLLOW.get(intent.status)
    return follow(payment, intent) if follow else WAIT


def _follow_unpaid(payment: PaymentFacts, intent: Intent) -> Action:
    if intent.decline_code is None:
        return _once(payment, PaymentStatus.INTENT, Step.RECORD_INTENT)
    known = PaymentFacts(PaymentStatus.DECLINED, intent.decline_code)
    if payment == known:
        return WAIT
    return Action(Step.RECORD_DECLINED, decline_code=intent.decline_code)


def _undo(payment: PaymentFacts, intent: Intent, alert: str | None) -> Action:
    """Release the hold, or give back what was taken (R22, R37, R38)."""
    if intent.status is IntentStatus.SUCCEEDED:
        return _give_back(payment, intent, alert)
    if intent.status is IntentStatus.CANCELED:
        ended = {PaymentStatus.VOIDED, PaymentStatus.FAILED, PaymentStatus.REFUNDED}
        return WAIT if payment.status in ended else Action(Step.RECORD_VOIDED)
    if intent.status in _UNDECIDED:
        return WAIT
    return Action(Step.VOID, alert=alert)


def _give_back(payment: PaymentFacts, intent: Intent, alert: str | None) -> Action:
    if intent.returned >= intent.received:
        ended = {PaymentStatus.REFUNDED, PaymentStatus.FAILED}
        return WAIT if payment.status in ended else Action(Step.RECORD_REFUNDED)
    if payment.status is PaymentStatus.REFUNDED:
        return Action(Step.RECORD_REFUND_FAILED, alert=REFUND_ALERT)
    if intent.has_pending_refund or intent.failed_refunds >= MAX_FAILED_REFUNDS:
        return WAIT
    return Action(Step.REFUND, alert=REFUND_ALERT if intent.failed_refunds else alert)


def _once(payment: PaymentFacts, status: PaymentStatus, step: Step) -> Action:
    return WAIT if payment.status is status else Action(step)


_TAKEN: Final = frozenset({PaymentStatus.CAPTURED, PaymentStatus.REFUNDED})
_UNDECIDED: Final = frozenset({IntentStatus.PROCESSING, IntentStatus.UNKNOWN})
_UNPAID: Final = frozenset(
    {
        IntentStatus.REQUIRES_PAYMENT_METHOD,
        IntentStatus.REQUIRES_CONFIRMATION,
        IntentStatus.REQUIRES_ACTION,
    }
)

_FOLLOW: Final[dict[IntentStatus, Callable[[PaymentFacts, Intent], Action]]] = {
    IntentStatus.REQUIRES_PAYMENT_METHOD: _follow_unpaid,
    IntentStatus.REQUIRES_CONFIRMATION: _follow_unpaid,
    IntentStatus.REQUIRES_ACTION: lambda payment, _: _once(
        payment, PaymentStatus.REQUIRES_ACTION, Step.RECORD_REQUIRES_ACTION
    ),
    IntentStatus.REQUIRES_CAPTURE: lambda payment, _: _once(
        payment, PaymentStatus.AUTHORIZED, Step.RECORD_AUTHORIZED
    ),
    # Taken without our asking; claimed or cancelled, the order decides what next.
    IntentStatus.SUCCEEDED: lambda payment, _: _once(
        payment, PaymentStatus.AUTHORIZED, Step.RECORD_AUTHORIZED
    ),
    IntentStatus.CANCELED: lambda payment, _: _once(
        payment, PaymentStatus.VOIDED, Step.RECORD_VOIDED
    ),
}
