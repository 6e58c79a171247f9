"""The states of a payment, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class PaymentStatus(StrEnum):
    """State of the one payment of an order."""

    NEW = "new"
    INTENT = "intent"
    REQUIRES_ACTION = "requires_action"
    DECLINED = "declined"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    FAILED = "failed"
    REFUNDED = "refunded"


OPEN: Final = frozenset(
    {
        PaymentStatus.NEW,
        PaymentStatus.INTENT,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.DECLINED,
    }
)
"""The buyer is still trying."""

_AFTER_OPEN: Final = frozenset(PaymentStatus) - {PaymentStatus.NEW}

MAY_FOLLOW: Final[Mapping[PaymentStatus, frozenset[PaymentStatus]]] = {
    **dict.fromkeys(OPEN, _AFTER_OPEN),
    PaymentStatus.AUTHORIZED: frozenset(
        {
            PaymentStatus.CAPTURED,
            PaymentStatus.VOIDED,
            PaymentStatus.FAILED,
            PaymentStatus.REFUNDED,
        }
    ),
    # A refund that failed later leaves the money with us again.
    PaymentStatus.CAPTURED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset({PaymentStatus.CAPTURED, PaymentStatus.FAILED}),
    # NEW: the intent is confirmed canceled and the order still open, so the buyer
    # gets another one (I5). The others: whatever Stripe says afterwards is true.
    PaymentStatus.VOIDED: frozenset(PaymentStatus) - {PaymentStatus.VOIDED},
    PaymentStatus.FAILED: frozenset(),
}
