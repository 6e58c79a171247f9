"""Payment methods: cards as the API shows them, never with their number."""

import datetime

from stripe_double import cards
from stripe_double.account import Account
from stripe_double.cards import Card
from stripe_double.errors import (
    JsonObject,
    StripeError,
    invalid_parameter,
    invalid_request,
    resource_missing,
)
from stripe_double.forms import Params
from stripe_double.ids import created_now, new_id

CREATE_PARAMS = frozenset({"type", "card", "billing_details", "metadata", "expand"})


def create(account: Account, params: Params, *, publishable: bool) -> JsonObject:
    """A payment method from typed card details.

    Card numbers are taken with the publishable key only, that is from the
    browser: a server that sends one is refused, as by Stripe.
    """
    if params.required_text("type") != "card":
        raise invalid_parameter("Only cards are supported here.", "type")
    details = {name: str(value) for name, value in params.mapping("card").items()}
    return typed_card(account, details, publishable=publishable)


def typed_card(
    account: Account, details: dict[str, str], *, publishable: bool
) -> JsonObject:
    """Check number, expiry and CVC, and store the method without the number."""
    if not publishable:
        raise invalid_request(
            "Sending credit card numbers directly to the Stripe API is generally "
            "unsafe. Use Stripe.js in the browser.",
            status=402,
        )
    number = "".join(details.get("number", "").split())
    if not cards.is_number_valid(number):
        raise _card_error("incorrect_number", "Your card number is incorrect.")
    _check_expiry(details)
    _check_cvc(details.get("cvc", ""))
    method = card_method(cards.by_number(number), new_id("pm"))
    method["card"]["exp_month"] = int(details["exp_month"])
    method["card"]["exp_year"] = _full_year(details["exp_year"])
    account.store.put(method)
    return method


def named(account: Account, method_id: str) -> JsonObject:
    """A stored method, or a fresh one for a predefined name (`pm_card_visa`)."""
    stored = account.store.find("payment_method", method_id)
    if stored is not None:
        return stored
    card = cards.find_by_name(method_id)
    if card is None:
        raise resource_missing("PaymentMethod", method_id, "payment_method")
    method = card_method(card, new_id("pm"))
    account.store.put(method)
    return method


def card_of(method: JsonObject) -> Card:
    """The test card behind a payment method."""
    return cards.by_number(str(method["_test_card"]))


def card_method(card: Card, method_id: str) -> JsonObject:
    """The payment method object of a test card."""
    # Every number kept is one of the documented test numbers; any other, which
    # could be a person's own card, is kept as the stand-in for "declined".
    is_known = bool(card.names)
    return {
        "id": method_id,
        "object": "payment_method",
        "billing_details": {"address": None, "email": None, "name": None},
        "card": {
            "brand": card.brand,
            "country": "US",
            "exp_month": 12,
            "exp_year": 2040,
            "funding": "credit",
            "last4": card.last4,
        },
        "created": created_now(),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_test_card": card.number if is_known else "live",
    }


def _check_expiry(details: dict[str, str]) -> None:
    month, year = details.get("exp_month", ""), details.get("exp_year", "")
    if not (month.isdigit() and 1 <= int(month) <= 12):
        raise _card_error(
            "invalid_expiry_month", "Your card's expiration month is invalid."
        )
    today = datetime.datetime.now(datetime.UTC).date()
    if not year.isdigit() or (_full_year(year), int(month)) < (today.year, today.month):
        raise _card_error(
            "invalid_expiry_year", "Your card's expiration year is invalid."
        )


def _full_year(year: str) -> int:
    return int(year) if len(year) == 4 else 2000 + int(year)


def _check_cvc(cvc: str) -> None:
    if not (cvc.isdigit() and len(cvc) in (3, 4)):
        raise _card_error("invalid_cvc", "Your card's security code is invalid.")


def _card_error(code: str, message: str) -> StripeError:
    return StripeError(402, {"type": "card_error", "code": code, "message": message})
