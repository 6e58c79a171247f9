"""Every order state, every state of the intent: what is done about the money."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import OrderStatus
from payments.decision import (
    CALLS,
    MAX_FAILED_REFUNDS,
    Action,
    OrderFacts,
    PaymentFacts,
    Step,
    decide,
)
from payments.intents import Intent, IntentStatus, Refund, RefundStatus
from payments.settling import _RECORDS
from payments.states import MAY_FOLLOW, PaymentStatus

TOTAL = 2_200

CREATED = OrderFacts(
    id="o",
    status=OrderStatus.CREATED,
    is_claimed=False,
    total=TOTAL,
    currency="usd",
)
OPEN = replace(CREATED, status=OrderStatus.AWAITING_PAYMENT)
CLAIMED = replace(OPEN, is_claimed=True)
COMPLETE = replace(CLAIMED, status=OrderStatus.COMPLETE)
CANCELLED = replace(OPEN, status=OrderStatus.CANCELLED)
ORDERS = {
    "created": CREATED,
    "open": OPEN,
    "claimed": CLAIMED,
    "complete": COMPLETE,
    "cancelled": CANCELLED,
}

UNPAID = (
    IntentStatus.REQUIRES_PAYMENT_METHOD,
    IntentStatus.REQUIRES_CONFIRMATION,
    IntentStatus.REQUIRES_ACTION,
)
UNDECIDED = (IntentStatus.PROCESSING, IntentStatus.UNKNOWN)


def intent_in(status: IntentStatus, **changes: object) -> Intent:
    """Return an intent for the order, in ``status``."""
    intent = Intent(
        id="pi_1",
        status=status,
        amount=TOTAL,
        currency="usd",
        order_id="o",
        held=TOTAL if status is IntentStatus.REQUIRES_CAPTURE else 0,
        received=TOTAL if status is IntentStatus.SUCCEEDED else 0,
    )
    return replace(intent, **changes)  # type: ignore[arg-type]


def steps(order: OrderFacts, payment: PaymentFacts, intent: Intent | None) -> list[str]:
    """Return what is recorded in a row, and at last the call or the wait."""
    taken: list[str] = []
    while True:
        action = decide(order, payment, intent)
        taken.append(action.step.value)
        if action.step not in _RECORDS:
            return taken
        status = _RECORDS[action.step][0]
        assert status in MAY_FOLLOW[payment.status], (payment.status, status)
        payment = PaymentFacts(status, action.decline_code)
        assert len(taken) < 5


OPENED = PaymentFacts(PaymentStatus.INTENT)
HELD = PaymentFacts(PaymentStatus.AUTHORIZED)

TABLE: list[tuple[str, PaymentFacts, IntentStatus, list[str]]] = [
    # A live order, not claimed: follow the buyer.
    ("open", OPENED, IntentStatus.REQUIRES_PAYMENT_METHOD, ["wait"]),
    ("open", OPENED, IntentStatus.REQUIRES_CONFIRMATION, ["wait"]),
    (
        "open",
        OPENED,
        IntentStatus.REQUIRES_ACTION,
        ["record_requires_action", "wait"],
    ),
    ("open", OPENED, IntentStatus.PROCESSING, ["wait"]),
    ("open", OPENED, IntentStatus.UNKNOWN, ["wait"]),
    ("open", OPENED, IntentStatus.REQUIRES_CAPTURE, ["record_authorized", "wait"]),
    ("open", HELD, IntentStatus.REQUIRES_CAPTURE, ["wait"]),
    ("open", OPENED, IntentStatus.SUCCEEDED, ["record_authorized", "wait"]),
    ("open", OPENED, IntentStatus.CANCELED, ["record_voided", "wait"]),
    ("open", HELD, IntentStatus.CANCELED, ["record_voided", "wait"]),
    ("created", OPENED, IntentStatus.REQUIRES_CAPTURE, ["record_authorized", "wait"]),
    # Claimed: take the money, or be certain that it is gone.
    ("claimed", HELD, IntentStatus.REQUIRES_CAPTURE, ["capture"]),
    ("claimed", HELD, IntentStatus.SUCCEEDED, ["record_captured", "wait"]),
    ("claimed", HELD, IntentStatus.CANCELED, ["record_failed", "wait"]),
    ("claimed", HELD, IntentStatus.PROCESSING, ["wait"]),
    ("claimed", HELD, IntentStatus.UNKNOWN, ["wait"]),
    ("claimed", OPENED, IntentStatus.REQUIRES_PAYMENT_METHOD, ["void"]),
    ("claimed", OPENED, IntentStatus.REQUIRES_ACTION, ["void"]),
    ("complete", HELD, IntentStatus.SUCCEEDED, ["record_captured", "wait"]),
    # Cancelled: nobody pays.
    *(("cancelled", OPENED, status, ["void"]) for status in UNPAID),
    ("cancelled", HELD, IntentStatus.REQUIRES_CAPTURE, ["void"]),
    ("cancelled", HELD, IntentStatus.CANCELED, ["record_voided", "wait"]),
    ("cancelled", HELD, IntentStatus.SUCCEEDED, ["record_captured", "refund"]),
    *(("cancelled", HELD, status, ["wait"]) for status in UNDECIDED),
]


@pytest.mark.parametrize(("order", "payment", "status", "expected"), TABLE)
def test_the_table_of_decisions(
    order: str, payment: PaymentFacts, status: IntentStatus, expected: list[str]
) -> None:
    assert steps(ORDERS[order], payment, intent_in(status)) == expected


@pytest.mark.parametrize("order", ORDERS)
def test_a_new_payment_gets_its_intent_whatever_the_order(order: str) -> None:
    # Of a cancelled order too: with the key of a call whose answer was lost, this
    # is how the intent is found that has to be voided (R29, I11).
    new = PaymentFacts(PaymentStatus.NEW)
    assert decide(ORDERS[order], new, None).step is Step.CREATE


def test_r35_a_decline_is_recorded_once_and_each_new_one_again() -> None:
    declined = intent_in(
        IntentStatus.REQUIRES_PAYMENT_METHOD, decline_code="insufficient_funds"
    )
    first = decide(OPEN, OPENED, declined)
    assert first == Action(Step.RECORD_DECLINED, decline_code="insufficient_funds")
    known = PaymentFacts(PaymentStatus.DECLINED, "insufficient_funds")
    assert decide(OPEN, known, declined).step is Step.WAIT
    other = replace(declined, decline_code="expired_card")
    assert decide(OPEN, known, other).decline_code == "expired_card"


@pytest.mark.parametrize(
    "tampering", [{"amount": 1}, {"currency": "eur"}, {"order_id": "x"}, {"held": 1}]
)
@pytest.mark.parametrize("order", ["open", "claimed"])
def test_r38_what_differs_from_the_order_is_voided_with_an_alert(
    order: str, tampering: dict[str, object]
) -> None:
    intent = intent_in(IntentStatus.REQUIRES_CAPTURE, **tampering)
    action = decide(ORDERS[order], OPENED, intent)
    assert action.step is Step.VOID
    assert action.alert is not None


@pytest.mark.parametrize("order", ["open", "claimed", "cancelled"])
def test_r38_a_wrong_amount_that_was_taken_is_given_back(order: str) -> None:
    intent = intent_in(IntentStatus.SUCCEEDED, amount=9_900, received=9_900)
    action = decide(ORDERS[order], OPENED, intent)
    assert (action.step, action.alert is not None) == (Step.REFUND, True)
    refund = Refund("re_1", RefundStatus.SUCCEEDED, 9_900)
    over = replace(intent, refunds=(refund,))
    ends = steps(ORDERS[order], OPENED, over)
    assert ends[0] == "record_refunded"
    assert ("record_failed" in ends) == (order == "claimed")


def test_r22_a_pending_refund_is_waited_for_and_a_failed_one_repeated() -> None:
    taken = PaymentFacts(PaymentStatus.CAPTURED)
    intent = intent_in(IntentStatus.SUCCEEDED)
    failed = Refund("re_1", RefundStatus.FAILED, TOTAL)
    pending = Refund("re_2", RefundStatus.PENDING, TOTAL)
    returned = Refund("re_2", RefundStatus.SUCCEEDED, TOTAL)

    def step(*refunds: Refund) -> Step:
        return decide(CANCELLED, taken, replace(intent, refunds=refunds)).step

    assert step() is Step.REFUND
    assert step(pending) is Step.WAIT
    assert step(failed) is Step.REFUND
    assert step(failed, pending) is Step.WAIT
    assert step(failed, returned) is Step.RECORD_REFUNDED
    assert step(*[failed] * MAX_FAILED_REFUNDS) is Step.WAIT


def test_a_refund_that_fails_later_puts_the_money_back_with_us() -> None:
    failed = Refund("re_1", RefundStatus.FAILED, TOTAL)
    intent = intent_in(IntentStatus.SUCCEEDED, refunds=(failed,))
    refunded = PaymentFacts(PaymentStatus.REFUNDED)
    action = decide(CANCELLED, refunded, intent)
    assert (action.step, action.alert is not None) == (Step.RECORD_REFUND_FAILED, True)
    assert steps(CANCELLED, refunded, intent) == ["record_refund_failed", "refund"]


refunds = st.lists(
    st.builds(
        Refund,
        id=st.sampled_from(["re_1", "re_2", "re_3"]),
        status=st.sampled_from(RefundStatus),
        amount=st.sampled_from([1, TOTAL]),
    ),
    max_size=3,
).map(tuple)
intents = st.builds(
    lambda status, wrong, code, back: intent_in(
        status, **wrong, decline_code=code, refunds=back
    ),
    st.sampled_from(IntentStatus),
    st.sampled_from(
        [{}, {"amount": 1}, {"currency": "eur"}, {"held": 7}, {"received": 7}]
    ),
    st.sampled_from([None, "insufficient_funds"]),
    refunds,
)
payments = st.builds(
    PaymentFacts, st.sampled_from(PaymentStatus), st.sampled_from([None, "lost_card"])
)
orders = st.sampled_from(list(ORDERS.values()))


@given(order=orders, payment=payments, intent=intents)
def test_records_are_legal_and_come_to_an_end(
    order: OrderFacts, payment: PaymentFacts, intent: Intent
) -> None:
    last = Step(steps(order, payment, intent)[-1])
    assert last is Step.WAIT or last in CALLS


@given(order=orders, payment=payments, intent=intents)
def test_money_moves_only_the_way_the_order_wants(
    order: OrderFacts, payment: PaymentFacts, intent: Intent
) -> None:
    step = decide(order, payment, intent).step
    if step is Step.CAPTURE:
        wanted = order.is_claimed or order.status is OrderStatus.COMPLETE
        assert wanted
        assert intent.status is IntentStatus.REQUIRES_CAPTURE
        assert intent.held == intent.amount == order.total
        assert payment.status is not PaymentStatus.FAILED
    if step in {Step.VOID, Step.REFUND, Step.RECORD_FAILED}:
        assert intent.status not in UNDECIDED
    if step is Step.REFUND:
        assert intent.status is IntentStatus.SUCCEEDED
        assert intent.returned < intent.received
        assert not intent.has_pending_refund


@given(payment=payments, intent=intents)
def test_i11_a_cancelled_order_never_leaves_a_hold(
    payment: PaymentFacts, intent: Intent
) -> None:
    if payment.status in {PaymentStatus.CAPTURED, PaymentStatus.REFUNDED}:
        return  # What was taken is no hold; Stripe cannot answer with one.
    if intent.status in {*UNPAID, IntentStatus.REQUIRES_CAPTURE}:
        assert decide(CANCELLED, payment, intent).step is Step.VOID


@given(
    order=st.sampled_from([OPEN, CLAIMED, CANCELLED]),
    start=st.sampled_from([s for s in IntentStatus if s not in UNDECIDED]),
    wrong=st.booleans(),
)
def test_calls_come_to_an_end_and_money_is_where_it_belongs(
    order: OrderFacts, start: IntentStatus, *, wrong: bool
) -> None:
    amount = 9_900 if wrong else TOTAL
    intent = intent_in(start, amount=amount)
    intent = replace(
        intent,
        held=amount if intent.held else 0,
        received=amount if intent.received else 0,
    )
    payment = OPENED
    for _ in range(6):
        payment, call = _record(order, payment, intent)
        if call is Step.WAIT:
            break
        intent = _carry_out(intent, call)
    else:
        pytest.fail("it does not come to rest")
    kept = intent.received - intent.returned
    if order is CANCELLED or wrong:
        assert kept == 0
    if order is CLAIMED:
        assert payment.status in {PaymentStatus.CAPTURED, PaymentStatus.FAILED}
        assert kept == (TOTAL if payment.status is PaymentStatus.CAPTURED else 0)


def _record(
    order: OrderFacts, payment: PaymentFacts, intent: Intent
) -> tuple[PaymentFacts, Step]:
    while (action := decide(order, payment, intent)).step in _RECORDS:
        payment = PaymentFacts(_RECORDS[action.step][0], action.decline_code)
    return payment, action.step


def _carry_out(intent: Intent, call: Step) -> Intent:
    """Do to the intent what Stripe would."""
    if call is Step.VOID:
        return replace(intent, status=IntentStatus.CANCELED, held=0)
    if call is Step.CAPTURE:
        taken = IntentStatus.SUCCEEDED
        return replace(intent, status=taken, held=0, received=intent.held)
    assert call is Step.REFUND
    refund = Refund("re_1", RefundStatus.SUCCEEDED, intent.received)
    return replace(intent, refunds=(refund,))


def test_every_order_and_intent_state_has_an_answer() -> None:
    answers = {
        (name, status): decide(order, OPENED, intent_in(status)).step
        for (name, order), status in product(ORDERS.items(), IntentStatus)
    }
    assert len(answers) == len(ORDERS) * len(IntentStatus)
    assert set(answers.values()) >= {Step.CAPTURE, Step.VOID, Step.WAIT}
