"""The answers of the services, as far as the pages read them."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

TicketStatus = Literal["available", "reserved", "sold", "withdrawn"]
OrderStatus = Literal["created", "awaiting:payment", "complete", "cancelled"]
CancelReason = Literal[
    "buyer",
    "expired",
    "rejected",
    "price_changed",
    "payment_failed",
    "hidden",
    "refunded",
]
PaymentStatus = Literal[
    "new",
    "intent",
    "requires_action",
    "declined",
    "authorized",
    "captured",
    "voided",
    "failed",
    "refunded",
]
Id = Annotated[str, BeforeValidator(str)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Answer):
    id: Id
    email: str


class Offer(_Answer):
    """What a listing and an order's snapshot of it have in common."""

    id: Id
    version: int
    user_id: Id
    title: str
    price: int
    currency: str
    venue: str | None = None
    city: str | None = None
    starts_at: AwareDatetime | None = None
    timezone: str | None = None
    section: str | None = None
    row: str | None = None
    seat: str | None = None


class Ticket(Offer):
    fee: int
    total: int
    status: TicketStatus
    face_value: int | None = None


class Order(_Answer):
    id: Id
    version: int
    status: OrderStatus
    ticket: Offer
    price: int
    fee: int
    total: int
    currency: str
    expires_at: AwareDatetime
    seconds_left: int
    claimed: bool = False
    cancel_reason: CancelReason | None = None
    created_at: AwareDatetime


class Payment(_Answer):
    status: PaymentStatus
    decline_code: str | None = None
    message: str | None = None


class Checkout(_Answer):
    """A payment the buyer can now confirm; `id` is Stripe's client secret."""

    id: str
    status: str


class FieldError(_Answer):
    field: str = ""
    message: str


class Problem(_Answer):
    """An error a service explained (RFC 9457), with the extras some codes carry."""

    status: int
    code: str = ""
    detail: str = ""
    errors: list[FieldError] = Field(default_factory=list)
    order_id: str | None = None
    retry_after: int | None = None


class ListingBody(BaseModel):
    """A listing as the seller described it, in the API's own terms."""

    title: str
    price: int
    currency: str
    venue: str | None = None
    city: str | None = None
    starts_at: AwareDatetime | None = None
    timezone: str | None = None
    section: str | None = None
    row: str | None = None
    seat: str | None = None
    face_value: int | None = None
