"""What tickets publishes."""

from enum import StrEnum

from pydantic import AwareDatetime

from common.events._base import Currency, Event, Id, MinorUnits, Version


class TicketStatus(StrEnum):
    """State of a listing."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"
    WITHDRAWN = "withdrawn"


class RejectionReason(StrEnum):
    """Why a ticket could not be held for an order."""

    TAKEN = "taken"
    PRICE_CHANGED = "price_changed"
    WITHDRAWN = "withdrawn"
    SALE_CLOSED = "sale_closed"
    OWN_TICKET = "own_ticket"
    UNKNOWN_TICKET = "unknown_ticket"


class TicketState(Event):
    """The whole listing; ``order_id`` is set while it is reserved or sold.

    ``offer_version`` is the version at which the seller last changed the offer:
    who saw that version or a later one saw what is offered now.
    """

    id: Id
    version: Version
    offer_version: Version
    seller_id: Id
    title: str
    price: MinorUnits
    currency: Currency
    status: TicketStatus
    order_id: Id | None = None
    venue: str | None = None
    city: str | None = None
    starts_at: AwareDatetime | None = None
    timezone: str | None = None
    section: str | None = None
    row: str | None = None
    seat: str | None = None
    face_value: MinorUnits | None = None


class TicketCreated(TicketState):
    """A ticket was listed."""

    subject = "tickets.created"


class TicketUpdated(TicketState):
    """A listing was edited, reserved, released, sold or withdrawn."""

    subject = "tickets.updated"


class ReservationRejected(Event):
    """The ticket cannot be held for this order."""

    subject = "tickets.reservation_rejected"

    ticket_id: Id
    order_id: Id
    reason: RejectionReason
