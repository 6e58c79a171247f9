"""What orders publishes."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from common.events._base import Currency, Event, Id, MinorUnits, Version


class OrderStatus(StrEnum):
    """State of an order; a claim is a column beside it, not a status."""

    CREATED = "created"
    AWAITING_PAYMENT = "awaiting:payment"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why an order ended without a sale."""

    BUYER = "buyer"
    EXPIRED = "expired"
    REJECTED = "rejected"
    PRICE_CHANGED = "price_changed"
    PAYMENT_FAILED = "payment_failed"
    HIDDEN = "hidden"
    REFUNDED = "refunded"


class OrderedTicket(BaseModel):
    """The ticket as it was when the order was made."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Id
    version: Version
    seller_id: Id
    title: str
    venue: str | None = None
    city: str | None = None
    starts_at: AwareDatetime | None = None
    timezone: str | None = None
    section: str | None = None
    row: str | None = None
    seat: str | None = None


class OrderState(Event):
    """The whole order. Price, fee, total and currency never change (I10).

    ``claimed_payment`` is the id of the payment for which the order was claimed:
    from then on it can no longer expire.
    """

    id: Id
    version: Version
    buyer_id: Id
    ticket: OrderedTicket
    price: MinorUnits
    fee: MinorUnits
    total: MinorUnits
    currency: Currency
    status: OrderStatus
    expires_at: AwareDatetime
    claimed_payment: Id | None = None
    cancel_reason: CancelReason | None = None


class OrderCreated(OrderState):
    """A buyer reserved a ticket; tickets has not confirmed the hold yet."""

    subject = "orders.created"


class OrderAwaitingPayment(OrderState):
    """tickets confirmed the hold: the order can be paid."""

    subject = "orders.awaiting_payment"


class OrderClaimed(OrderState):
    """Money was authorised in time: the order can no longer expire."""

    subject = "orders.claimed"


class OrderCompleted(OrderState):
    """The money was captured and the ticket is sold."""

    subject = "orders.completed"


class OrderCancelled(OrderState):
    """The order is over without a sale; ``cancel_reason`` says why."""

    subject = "orders.cancelled"
