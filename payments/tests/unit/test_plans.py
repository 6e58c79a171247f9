"""The keys that make a call safe to repeat, and when a new one is needed."""

from datetime import timedelta

from common.clock import now
from common.events import OrderStatus
from payments.decision import Step
from payments.models import Order, Payment
from payments.plans import Plan


def make_payment(**changes: object) -> Payment:
    """Return a payment whose intent is known."""
    order = Order(
        order_id="order",
        buyer_id="buyer",
        status=OrderStatus.AWAITING_PAYMENT,
        total=2_200,
        currency="usd",
    )
    payment = Payment.begin(order)
    payment.intent_id = "pi_1"
    for name, value in changes.items():
        setattr(payment, name, value)
    return payment


def test_keys_name_the_thing_and_stay_the_same() -> None:
    payment = make_payment()
    keys = [
        Plan.of(payment, step).key
        for step in (Step.CREATE, Step.CAPTURE, Step.VOID, Step.REFUND)
    ]
    assert keys == ["intent:order:1", "capture:pi_1", "void:pi_1", "refund:order"]
    assert Plan.of(make_payment(attempt=2), Step.CREATE).key == "intent:order:2"


def test_an_error_answer_uses_up_a_key() -> None:
    # Stripe repeats the stored error for a day: https://docs.stripe.com/api/idempotent_requests
    refused = make_payment(refusals=2)
    assert Plan.of(refused, Step.VOID).key == "void:pi_1:2"
    assert Plan.of(refused, Step.CREATE).searches


def test_each_failed_refund_makes_room_for_another() -> None:
    assert Plan.of(make_payment(), Step.REFUND, 1).key == "refund:order:1"


def test_after_a_day_an_intent_is_searched_for_before_it_is_made() -> None:
    assert not Plan.of(make_payment(), Step.CREATE).searches
    old = make_payment(created_at=now() - timedelta(days=1))
    assert Plan.of(old, Step.CREATE).searches
