"""Every state, reason and refusal has plain words of its own."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from client.api_types import (
    CancelReason,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Problem,
    TicketStatus,
)
from client.wording import (
    TICKET_STATES,
    Stage,
    leaves_a_hold,
    order_stage,
    refusal_words,
    stage_words,
    throttled_words,
)
from common import events

Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("order", "paid", "stage"),
    [
        ({"status": "created"}, None, "securing"),
        ({"status": "created", "seconds_left": 0}, None, "expiring"),
        ({}, None, "pay"),
        ({}, "new", "pay"),
        ({}, "intent", "pay"),
        ({}, "requires_action", "pay"),
        ({}, "declined", "pay"),
        ({"seconds_left": 0}, "intent", "expiring"),
        ({}, "authorized", "confirming"),
        ({"seconds_left": 0}, "authorized", "confirming"),
        ({}, "captured", "confirming"),
        ({}, "voided", "pay"),
        ({}, "refunded", "releasing"),
        ({}, "failed", "releasing"),
        ({"claimed": True}, "authorized", "finishing"),
        ({"status": "complete", "claimed": True}, "captured", "complete"),
        ({"status": "cancelled", "cancel_reason": "buyer"}, "captured", "cancelled"),
    ],
)
def test_the_stage_follows_the_order_and_its_payment(
    make_order: Make, order: dict[str, object], paid: PaymentStatus | None, stage: Stage
) -> None:
    payment = Payment(status=paid) if paid else None
    found = Order.model_validate(make_order(**order))
    assert order_stage(found, payment) == stage


def test_a_payment_alone_never_makes_an_order_look_complete(make_order: Make) -> None:
    order = Order.model_validate(make_order())
    stages = {order_stage(order, Payment(status=s)) for s in get_args(PaymentStatus)}
    assert not stages & {"complete", "cancelled", "finishing"}


@pytest.mark.parametrize("stage", get_args(Stage))
def test_each_stage_has_words(make_order: Make, stage: Stage) -> None:
    words = stage_words(stage, Order.model_validate(make_order()))
    assert words.title
    assert words.lead
    assert words.label


@pytest.mark.parametrize("reason", get_args(CancelReason))
def test_each_reason_has_its_own_words_and_says_what_about_money(
    make_order: Make, reason: CancelReason
) -> None:
    cancelled = make_order(status="cancelled", cancel_reason=reason)
    words = stage_words("cancelled", Order.model_validate(cancelled))
    about_money = ("not charged", "back to your card", "returned in full")
    assert any(part in words.lead for part in about_money)


def test_the_vocabulary_is_that_of_the_events() -> None:
    assert set(get_args(CancelReason)) == {
        reason.value for reason in events.CancelReason
    }
    assert set(get_args(OrderStatus)) == {status.value for status in events.OrderStatus}
    assert set(get_args(TicketStatus)) == {one.value for one in events.TicketStatus}


def test_reasons_are_told_apart(make_order: Make) -> None:
    orders = [
        Order.model_validate(make_order(status="cancelled", cancel_reason=reason))
        for reason in get_args(CancelReason)
    ]
    titles = {stage_words("cancelled", order).title for order in orders}
    assert len(titles) == len(orders)


def test_each_ticket_status_has_words() -> None:
    assert set(TICKET_STATES) == set(get_args(TicketStatus))


def test_only_money_that_was_held_can_still_show_at_the_bank() -> None:
    assert leaves_a_hold(Payment(status="voided"))
    assert not leaves_a_hold(Payment(status="declined"))
    assert not leaves_a_hold(None)


def test_an_unknown_refusal_is_told_in_the_services_words() -> None:
    problem = Problem(status=409, code="new_rule", detail="Only two a day.")
    assert refusal_words(problem)[1] == "Only two a day."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (45, "45 seconds"), (60, "1 minute"), (61, "2 minutes")],
)
def test_a_throttled_person_hears_how_long_to_wait(seconds: int, words: str) -> None:
    problem = Problem(status=429, retry_after=seconds)
    assert throttled_words(problem).endswith(f"in {words}.")
