"""Requests and responses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payments.models import Payment
from payments.states import PaymentStatus
from payments.wording import explain


class PaymentIn(BaseModel):
    """Which order is to be paid."""

    model_config = ConfigDict(extra="forbid")

    order_id: Annotated[str, Field(min_length=1, max_length=64)]


class OpenPaymentOut(BaseModel):
    """What the buyer's browser needs. ``id`` is the client secret, for it alone."""

    id: Annotated[str, Field(repr=False)]
    payment_id: str
    order_id: str
    amount: int
    currency: str
    status: PaymentStatus


class PaymentOut(BaseModel):
    """The state of a payment, for its buyer. ``amount`` in minor units."""

    payment_id: str
    order_id: str
    amount: int
    currency: str
    status: PaymentStatus
    decline_code: str | None
    message: str | None

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOut":
        """Return what may be said of ``payment``, in plain words."""
        return cls(
            payment_id=payment.id,
            order_id=payment.order_id,
            amount=payment.amount,
            currency=payment.currency,
            status=PaymentStatus(payment.status),
            decline_code=payment.decline_code,
            message=explain(payment.status, payment.decline_code),
        )


class Received(BaseModel):
    """The answer to a webhook."""

    received: bool = True
