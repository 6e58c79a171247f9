"""Requests and responses of the orders API."""

from datetime import datetime
from math import ceil
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from common.events import CancelReason, OrderStatus
from common.ids import is_id
from orders.repository import TimedOrder

_DEFAULT_LIMIT: Final = 20
_MAX_LIMIT: Final = 100


def _known_form(identifier: str) -> str:
    if not is_id(identifier):
        raise ValueError("is not an id of ours")
    return identifier


class OrderIn(BaseModel):
    """A wish to buy. ``ticket_version`` is that of the offer the buyer saw."""

    model_config = ConfigDict(extra="forbid")

    ticket_id: Annotated[str, Field(min_length=1, max_length=36)]
    ticket_version: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] | None = None


class OrderQuery(BaseModel):
    """Query parameters of the order list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=_MAX_LIMIT)] = _DEFAULT_LIMIT
    cursor: Annotated[str, AfterValidator(_known_form)] | None = None


class OrderedTicketOut(BaseModel):
    """The ticket as it was when the order was made."""

    id: str
    version: int
    user_id: str
    title: str
    price: int
    currency: str
    venue: str | None
    city: str | None
    starts_at: datetime | None
    timezone: str | None
    section: str | None
    row: str | None
    seat: str | None


class OrderOut(BaseModel):
    """An order, for its buyer. ``seconds_left`` is by the database's clock."""

    id: str
    version: int
    status: OrderStatus
    user_id: str
    ticket: OrderedTicketOut
    price: int
    fee: int
    total: int
    currency: str
    expires_at: datetime
    seconds_left: int
    claimed: bool
    cancel_reason: CancelReason | None
    created_at: datetime

    @classmethod
    def of(cls, timed: TimedOrder) -> Self:
        """Return what the buyer sees of an order."""
        order = timed.order
        ticket = order.ticket.model_dump()
        ticket |= {
            "user_id": ticket.pop("seller_id"),
            "price": order.price,
            "currency": order.currency,
        }
        return cls(
            id=order.id,
            version=order.version,
            status=OrderStatus(order.status),
            user_id=order.buyer_id,
            ticket=OrderedTicketOut(**ticket),
            price=order.price,
            fee=order.fee,
            total=order.total,
            currency=order.currency,
            expires_at=order.expires_at,
            seconds_left=max(0, ceil(timed.seconds_left)),
            claimed=order.claimed_payment is not None,
            cancel_reason=(
                CancelReason(order.cancel_reason) if order.cancel_reason else None
            ),
            created_at=order.created_at,
        )
