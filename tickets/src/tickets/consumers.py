"""Which event calls which use case."""

from collections.abc import Mapping
from typing import Final

from common.events import Event, OrderCancelled, OrderCompleted, OrderCreated
from common.inbox import Handler
from tickets import service

HANDLERS: Final[Mapping[type[Event], Handler]] = {
    OrderCreated: service.hold_ticket,
    OrderCancelled: service.release_ticket,
    OrderCompleted: service.sell_ticket,
}
