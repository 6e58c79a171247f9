"""Which event calls which use case."""

from collections.abc import Mapping
from typing import Final

from common.events import (
    Event,
    ExpirationCompleted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    ReservationRejected,
    TicketCreated,
    TicketUpdated,
)
from common.inbox import Handler
from orders import service

HANDLERS: Final[Mapping[type[Event], Handler]] = {
    TicketCreated: service.copy_ticket,
    TicketUpdated: service.copy_ticket,
    ReservationRejected: service.reject_order,
    PaymentAuthorized: service.claim_order,
    PaymentCaptured: service.complete_order,
    PaymentFailed: service.fail_order,
    PaymentRefunded: service.refund_order,
    ExpirationCompleted: service.expire_order,
}
