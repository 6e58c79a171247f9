"""What the buyer is told, in plain words.

For a lost, stolen or suspected card the bank wants the shop to say no more than
that the card was declined (docs.stripe.com/declines/codes).
"""

from collections.abc import Mapping
from typing import Final

from payments.states import PaymentStatus

DECLINED: Final = "Your card was declined. Try another card, or ask your bank why."

_DECLINES: Final[Mapping[str, str]] = {
    "insufficient_funds": "Your card has insufficient funds. Try another card.",
    "expired_card": "Your card has expired. Try another card.",
    "invalid_expiry_month": "The expiry date of your card is not right.",
    "invalid_expiry_year": "The expiry date of your card is not right.",
    "incorrect_cvc": "The security code of your card is not right.",
    "invalid_cvc": "The security code of your card is not right.",
    "incorrect_number": "The number of your card is not right.",
    "invalid_number": "The number of your card is not right.",
    "incorrect_zip": "The postal code does not belong to your card.",
    "processing_error": (
        "Your bank could not process the payment. Try again in a moment."
    ),
    "issuer_not_available": "Your bank did not answer. Try again in a moment.",
    "try_again_later": "Your bank did not answer. Try again in a moment.",
    "authentication_required": (
        "Your bank asks you to confirm this payment. Try again and confirm it."
    ),
    "payment_intent_authentication_failure": (
        "Your bank could not confirm that it is you. Try again, or another card."
    ),
    "card_velocity_exceeded": (
        "Your card has reached its limit. Try another card, or ask your bank."
    ),
    "withdrawal_count_limit_exceeded": (
        "Your card has reached its limit. Try another card, or ask your bank."
    ),
    "card_not_supported": "Your card cannot be used here. Try another card.",
    "currency_not_supported": "Your card cannot pay in this currency.",
    "test_mode_live_card": "Only test cards work here, such as 4242 4242 4242 4242.",
}

_STATES: Final[Mapping[str, str]] = {
    PaymentStatus.REQUIRES_ACTION: "Your bank asks you to confirm this payment.",
    PaymentStatus.AUTHORIZED: "Your bank holds the money; nothing is charged yet.",
    PaymentStatus.VOIDED: (
        "You were not charged. Your bank may show the hold for a few days."
    ),
    PaymentStatus.FAILED: "The payment did not go through. You were not charged.",
    PaymentStatus.REFUNDED: (
        "The money is on its way back to your card. It can take up to 10 days."
    ),
}


def explain(status: str, decline_code: str | None) -> str | None:
    """Return the sentence for a payment in this state, None if none is needed."""
    if status == PaymentStatus.DECLINED:
        return _DECLINES.get(decline_code or "", DECLINED)
    return _STATES.get(status)
