"""The documented test cards: what each of them does.

Source: https://docs.stripe.com/testing. Stripe spells some predefined payment
methods with and some without `visa_`; both spellings are known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a charge fails, in the words of the API."""

    code: str
    decline_code: str
    message: str


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


GENERIC = _declined("generic_decline")
INSUFFICIENT_FUNDS = _declined(
    "insufficient_funds", "Your card has insufficient funds."
)
LOST_CARD = _declined("lost_card")
STOLEN_CARD = _declined("stolen_card")
VELOCITY = _declined("card_velocity_exceeded")
FRAUDULENT = _declined("fraudulent")
LIVE_CARD = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test "
    "(live) card. For a list of valid test cards, visit: "
    "https://stripe.com/docs/testing.",
)
EXPIRED_CARD = Decline("expired_card", "expired_card", "Your card has expired.")
INCORRECT_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)


@dataclass(frozen=True)
class Card:
    """A test card. `challenge`: 3-D Secure is asked before the charge.

    `decline` is the answer to the charge, after the challenge if there is one.
    `challenge_breaks`: the authentication itself ends in a processing error.
    `refund`: "succeeded", "pending" (succeeds later) or "failed" (later).
    """

    number: str
    names: tuple[str, ...]
    brand: str = "visa"
    decline: Decline | None = None
    challenge: bool = False
    challenge_breaks: bool = False
    refund: str = "succeeded"
    disputed: bool = False

    @property
    def last4(self) -> str:
        """What a payment method shows of its number."""
        return self.number[-4:]


def _decliner(number: str, suffix: str, decline: Decline) -> Card:
    names = (f"pm_card_{suffix}", f"pm_card_visa_{suffix}")
    return Card(number, names, decline=decline)


CARDS = (
    Card("4242424242424242", ("pm_card_visa", "pm_card_threeDSecureNotRequired")),
    Card("4000056655665556", ("pm_card_visa_debit",)),
    Card("5555555555554444", ("pm_card_mastercard",), brand="mastercard"),
    Card("378282246310005", ("pm_card_amex",), brand="amex"),
    Card("6011111111111117", ("pm_card_discover",), brand="discover"),
    Card("3056930009020004", ("pm_card_diners",), brand="diners"),
    Card("3566002020360505", ("pm_card_jcb",), brand="jcb"),
    Card("6200000000000005", ("pm_card_unionpay",), brand="unionpay"),
    _decliner("4000000000000002", "chargeDeclined", GENERIC),
    _decliner(
        "4000000000009995", "chargeDeclinedInsufficientFunds", INSUFFICIENT_FUNDS
    ),
    _decliner("4000000000009987", "chargeDeclinedLostCard", LOST_CARD),
    _decliner("4000000000009979", "chargeDeclinedStolenCard", STOLEN_CARD),
    _decliner("4000000000000069", "chargeDeclinedExpiredCard", EXPIRED_CARD),
    _decliner("4000000000000127", "chargeDeclinedIncorrectCvc", INCORRECT_CVC),
    _decliner("4000000000000119", "chargeDeclinedProcessingError", PROCESSING_ERROR),
    _decliner("4000000000006975", "chargeDeclinedVelocityLimitExceeded", VELOCITY),
    _decliner("4100000000000019", "chargeDeclinedFraudulent", FRAUDULENT),
    _decliner("4000000000000341", "chargeCustomerFail", GENERIC),
    Card(
        "4000002500003155", ("pm_card_authenticationRequiredOnSetup",), challenge=True
    ),
    Card("4000002760003184", ("pm_card_authenticationRequired",), challenge=True),
    Card("4000000000003220", ("pm_card_threeDSecure2Required",), challenge=True),
    Card("4000000000003063", ("pm_card_threeDSecureRequired",), challenge=True),
    Card("4000000000003055", ("pm_card_threeDSecureOptional",)),
    Card(
        "4000008260003178",
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        challenge=True,
        decline=INSUFFICIENT_FUNDS,
    ),
    Card(
        "4000008400001629",
        ("pm_card_threeDSecureRequiredChargeDeclined",),
        challenge=True,
        decline=GENERIC,
    ),
    Card(
        "4000008400001280",
        ("pm_card_threeDSecureRequiredProcessingError",),
        challenge=True,
        challenge_breaks=True,
    ),
    Card("4000000000007726", ("pm_card_pendingRefund",), refund="pending"),
    Card("4000000000005126", ("pm_card_refundFail",), refund="failed"),
    Card("4000000000000259", ("pm_card_createDispute",), disputed=True),
)
_BY_NUMBER = {card.number: card for card in CARDS}
_BY_NAME = {name: card for card in CARDS for name in card.names}


def find_by_name(name: str) -> Card | None:
    """The card behind a predefined payment method such as `pm_card_visa`."""
    return _BY_NAME.get(name)


def by_number(number: str) -> Card:
    """The card of a typed number; one that is no test card is declined."""
    known = _BY_NUMBER.get(number)
    return known or Card(number, (), decline=LIVE_CARD)


def is_number_valid(number: str) -> bool:
    """Digits of a plausible length whose Luhn checksum is right."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    return sum(_luhn_digits(number)) % 10 == 0


def _luhn_digits(number: str) -> Iterable[int]:
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (1 + place % 2)
        yield doubled - 9 if doubled > 9 else doubled
