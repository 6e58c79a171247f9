"""What is read from a request, and what a buyer sees of an order."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from common.ids import new_id
from common.testing.events import ordered_ticket
from orders.models import Order
from orders.repository import TimedOrder
from orders.schemas import OrderIn, OrderOut, OrderQuery

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def _order(**overrides: Any) -> Order:  # noqa: ANN401 - any column
    fields = {
        "id": "order", "version": 2, "buyer_id": "buyer", "status": "awaiting:payment",
        "price": 5_000, "fee": 500, "total": 5_500, "currency": "usd",
        "expires_at": NOON, "created_at": NOON,
        "ticket_snapshot": ordered_ticket(id="ticket").model_dump_json(),
    }  # fmt: skip
    return Order(**{**fields, **overrides})


@pytest.mark.parametrize(
    ("exact", "shown"),
    [(900.0, 900), (899.2, 900), (0.001, 1), (0.0, 0), (-0.5, 0), (-86_400.0, 0)],
)
def test_seconds_left_are_whole_and_never_negative(exact: float, shown: int) -> None:
    assert OrderOut.of(TimedOrder(_order(), exact)).seconds_left == shown


def test_the_ticket_shows_its_seller_and_its_price_in_the_order() -> None:
    shown = OrderOut.of(TimedOrder(_order(), 1))
    assert (shown.ticket.id, shown.ticket.user_id) == ("ticket", "seller")
    assert (shown.ticket.price, shown.ticket.currency) == (5_000, "usd")
    assert (shown.user_id, shown.total) == ("buyer", 5_500)


def test_a_claim_is_shown_and_the_payment_is_not() -> None:
    shown = OrderOut.of(TimedOrder(_order(claimed_payment="secret payment"), 1))
    assert shown.claimed
    assert "secret payment" not in shown.model_dump_json()


def test_a_cancelled_order_says_why() -> None:
    order = _order(status="cancelled", cancel_reason="expired")
    shown = OrderOut.of(TimedOrder(order, -1))
    assert (shown.status, shown.cancel_reason) == ("cancelled", "expired")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ticket_id": ""},
        {"ticket_id": "x" * 37},
        {"ticket_id": 7},
        {"ticket_id": "t", "ticket_version": 0},
        {"ticket_id": "t", "ticket_version": 2**31},
        {"ticket_id": "t", "ticket_version": "1"},
        {"ticket_id": "t", "ticket_version": 1.0},
        {"ticket_id": "t", "ticket_version": True},
        {"ticket_id": "t", "price": 1},
        {"ticket_id": "t", "user_id": "somebody"},
    ],
)
def test_a_wish_that_is_none_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OrderIn.model_validate(body)


def test_a_cursor_is_the_id_of_an_order() -> None:
    order_id = new_id()
    assert OrderQuery(cursor=order_id).cursor == order_id
    with pytest.raises(ValidationError):
        OrderQuery(cursor=order_id.upper())
