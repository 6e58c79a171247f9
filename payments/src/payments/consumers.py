"""Which event calls which use case."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from common.events import (
    Event,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderClaimed,
    OrderCompleted,
    OrderCreated,
)
from common.inbox import Handler
from payments import service
from payments.service import Wake

FOLLOWED: Final[tuple[type[Event], ...]] = (
    OrderCreated,
    OrderAwaitingPayment,
    OrderClaimed,
    OrderCompleted,
    OrderCancelled,
)


def handlers(wake: Wake) -> Mapping[type[Event], Handler]:
    """Return the handlers: each event holds the whole order, so all are the same."""
    follow = partial(service.follow_order, wake=wake)
    return dict.fromkeys(FOLLOWED, follow)
