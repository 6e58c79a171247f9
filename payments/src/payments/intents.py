"""A PaymentIntent in our own words; what Stripe calls things stays in the gateway."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class IntentStatus(StrEnum):
    """Where an intent is in its life.

    https://docs.stripe.com/payments/paymentintents/lifecycle
    """

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    """A word we do not know; nothing may be concluded from it."""


class RefundStatus(StrEnum):
    """What became of a refund; a succeeded one can still fail days later."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Refund:
    """Money on its way back. ``amount`` in minor units."""

    id: str
    status: RefundStatus
    amount: int


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One intent as Stripe tells it now. Amounts in minor units.

    ``held`` is what can still be captured, ``received`` what was taken. The client
    secret is for the buyer's browser alone and never shown in a repr (I13).
    """

    id: str
    status: IntentStatus
    amount: int
    currency: str
    held: int = 0
    received: int = 0
    order_id: str | None = None
    decline_code: str | None = None
    refunds: tuple[Refund, ...] = ()
    client_secret: str = field(default="", repr=False)

    @property
    def returned(self) -> int:
        """What has been given back for good, as far as anyone knows today."""
        return sum(r.amount for r in self.refunds if r.status is RefundStatus.SUCCEEDED)

    @property
    def has_pending_refund(self) -> bool:
        """Whether money is on its way back."""
        return any(r.status is RefundStatus.PENDING for r in self.refunds)

    @property
    def failed_refunds(self) -> int:
        """How many refunds came back to us."""
        return sum(r.status is RefundStatus.FAILED for r in self.refunds)


@dataclass(frozen=True, kw_only=True)
class IntentRequest:
    """An intent to be made, first asked for at ``since``. ``amount`` in minor units."""

    payment_id: str
    order_id: str
    attempt: int
    amount: int
    currency: str
    since: datetime

    @property
    def metadata(self) -> dict[str, str]:
        """What Stripe keeps for us, and what we find the intent by."""
        return {
            "order_id": self.order_id,
            "payment_id": self.payment_id,
            "attempt": str(self.attempt),
        }
