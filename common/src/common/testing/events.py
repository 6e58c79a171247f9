"""Events as their publisher would write them, for the tests of who consumes them."""

from datetime import timedelta
from typing import Any, Final, TypeVar

from common import money
from common.clock import now
from common.events import (
    OrderAwaitingPayment,
    OrderCancelled,
    OrderClaimed,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderState,
    OrderStatus,
)
from common.ids import new_id

O = TypeVar("O", bound=OrderState)  # noqa: E741 - an order

_STEPS: Final[dict[type[OrderState], tuple[int, OrderStatus]]] = {
    OrderCreated: (1, OrderStatus.CREATED),
    OrderAwaitingPayment: (2, OrderStatus.AWAITING_PAYMENT),
    OrderClaimed: (3, OrderStatus.AWAITING_PAYMENT),
    OrderCompleted: (4, OrderStatus.COMPLETE),
    OrderCancelled: (5, OrderStatus.CANCELLED),
}


def ordered_ticket(**overrides: Any) -> OrderedTicket:  # noqa: ANN401 - any field
    """Return the snapshot of a ticket in an order."""
    fields = {"id": new_id(), "version": 1, "seller_id": "seller", "title": "Concert"}
    return OrderedTicket.model_validate({**fields, **overrides})


def order_event(event_type: type[O], **overrides: Any) -> O:  # noqa: ANN401 - as above
    """Return an event of an order, by default at the version of its usual course.

    Pass the same ``id`` for several events of one order. Every call makes a new
    ``event_id``.
    """
    version, status = _STEPS[event_type]
    price = overrides.get("price", 5_000)
    fields = {
        "id": new_id(),
        "version": version,
        "status": status,
        "buyer_id": "buyer",
        "ticket": ordered_ticket(),
        "price": price,
        "fee": money.fee(price),
        "total": money.total(price),
        "currency": "usd",
        "expires_at": now() + timedelta(minutes=15),
    }
    return event_type.model_validate({**fields, **overrides})
