"""From an order row to the event that carries its whole state."""

from typing import TypeVar

from common.events import OrderState
from orders.models import Order

E = TypeVar("E", bound=OrderState)


def order_event(event_type: type[E], order: Order) -> E:
    """Return the event of ``event_type`` with the present state of ``order``."""
    return event_type.model_validate(order, from_attributes=True)
