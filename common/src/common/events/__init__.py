"""Event schemas: one module for each publishing service.

The catalogue with every field is generated from here into `docs/events.md`.
"""

from common.events._base import EVENT_TYPES, Event
from common.events.expiration import ExpirationCompleted
from common.events.orders import (
    CancelReason,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderClaimed,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderState,
    OrderStatus,
)
from common.events.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentState,
    PaymentVoided,
)
from common.events.tickets import (
    RejectionReason,
    ReservationRejected,
    TicketCreated,
    TicketState,
    TicketStatus,
    TicketUpdated,
)
from common.events.users import SessionsRevoked, UserSignedUp

__all__ = [
    "EVENT_TYPES",
    "CancelReason",
    "Event",
    "ExpirationCompleted",
    "OrderAwaitingPayment",
    "OrderCancelled",
    "OrderClaimed",
    "OrderCompleted",
    "OrderCreated",
    "OrderState",
    "OrderStatus",
    "OrderedTicket",
    "PaymentAuthorized",
    "PaymentCaptured",
    "PaymentFailed",
    "PaymentRefunded",
    "PaymentState",
    "PaymentVoided",
    "RejectionReason",
    "ReservationRejected",
    "SessionsRevoked",
    "TicketCreated",
    "TicketState",
    "TicketStatus",
    "TicketUpdated",
    "UserSignedUp",
]
