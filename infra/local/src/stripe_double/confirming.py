"""Confirming: one try to pay an intent with a card."""

from stripe_double import challenges, methods
from stripe_double.account import Account, shown
from stripe_double.cards import Decline
from stripe_double.charges import charge, refuse
from stripe_double.errors import JsonObject, unexpected_state
from stripe_double.events import emit
from stripe_double.forms import Params
from stripe_double.intents import check_method_types

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def confirm(
    account: Account, intent: JsonObject, params: Params, *, publishable: bool
) -> JsonObject:
    """Try to pay with a card.

    The same intent can be confirmed again after a decline or instead of a
    pending 3-D Secure step, never once it is held, taken or cancelled.
    """
    check_method_types(params)
    _require_confirmable(intent)
    method = _method_for(account, intent, params, publishable=publishable)
    intent |= {
        "payment_method": method["id"],
        "last_payment_error": None,
        "next_action": None,
    }
    if methods.card_of(method).challenge:
        return _ask_for_authentication(account, intent, method, params)
    return charge(account, intent, method)


def _require_confirmable(intent: JsonObject) -> None:
    if intent["status"] in ("succeeded", "requires_capture"):
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded "
            "after being previously confirmed.",
            shown(intent),
        )
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following "
            f"statuses may be confirmed: {', '.join(CONFIRMABLE)}.",
            shown(intent),
        )


def _method_for(
    account: Account, intent: JsonObject, params: Params, *, publishable: bool
) -> JsonObject:
    data = params.mapping("payment_method_data")
    if data:
        card = {name: str(value) for name, value in data.get("card", {}).items()}
        return methods.typed_card(account, card, publishable=publishable)
    method_id = params.text("payment_method") or intent["payment_method"]
    if method_id is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment "
            "method. You can either update the PaymentIntent with a payment method "
            "and then confirm it again, or confirm it again directly with a payment "
            "method or ConfirmationToken.",
            shown(intent),
        )
    return methods.named(account, method_id)


def _ask_for_authentication(
    account: Account, intent: JsonObject, method: JsonObject, params: Params
) -> JsonObject:
    if params.flag("error_on_requires_action") or params.flag("off_session"):
        decline = Decline(
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
        )
        raise refuse(account, intent, method, decline)
    intent["status"] = "requires_action"
    intent["next_action"] = challenges.start(
        account,
        intent,
        method,
        return_url=params.text("return_url"),
        in_page=params.flag("use_stripe_sdk"),
    )
    account.store.put(intent)
    emit(account, "payment_intent.requires_action", intent)
    return intent
