"""Charges: where the money of an intent is held, taken or refused."""

from stripe_double import methods
from stripe_double.account import Account, shown
from stripe_double.cards import Decline
from stripe_double.disputes import open_dispute
from stripe_double.errors import (
    DOC_URL,
    JsonObject,
    StripeError,
    invalid_request,
    unexpected_state,
)
from stripe_double.events import emit
from stripe_double.forms import Params, names
from stripe_double.ids import created_now, new_id

CAPTURE_PARAMS = names(
    "amount_to_capture metadata statement_descriptor statement_descriptor_suffix "
    "final_capture expand"
)
# A card hold lasts about this long: 7 days for online card payments.
HOLD_SECONDS = 7 * 24 * 3600


def charge(account: Account, intent: JsonObject, method: JsonObject) -> JsonObject:
    """Ask the card for the money: held or taken by the capture method."""
    card = methods.card_of(method)
    if card.decline is not None:
        raise refuse(account, intent, method, card.decline)
    made = _new_charge(intent, method)
    intent["latest_charge"] = made["id"]
    account.store.put(made)
    if intent["capture_method"] == "manual":
        intent |= {
            "status": "requires_capture",
            "amount_capturable": intent["amount"],
        }
        account.store.put(intent)
        emit(account, "payment_intent.amount_capturable_updated", intent)
        return intent
    return take(account, intent, made, intent["amount"])


def refuse(
    account: Account, intent: JsonObject, method: JsonObject, decline: Decline
) -> StripeError:
    """Record the decline on the intent; the error to raise for it."""
    failed = _new_charge(intent, method)
    failed |= {
        "status": "failed",
        "paid": False,
        "failure_code": decline.code,
        "failure_message": decline.message,
    }
    account.store.put(failed)
    error: JsonObject = {
        "charge": failed["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": DOC_URL + decline.code.replace("_", "-"),
        "message": decline.message,
        "payment_method": shown(method),
        "type": "card_error",
    }
    intent["latest_charge"] = failed["id"]
    return_to_start(account, intent, error)
    return StripeError(
        402, {**error, "payment_intent": shown(intent)}, keeps_changes=True
    )


def return_to_start(account: Account, intent: JsonObject, error: JsonObject) -> None:
    """Back to requires_payment_method, with the reason and the event."""
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    account.store.put(intent)
    emit(account, "payment_intent.payment_failed", intent)


def capture(account: Account, intent: JsonObject, params: Params) -> JsonObject:
    """Take what is held, or less of it; the rest of the hold is released."""
    if intent["status"] == "succeeded":
        raise unexpected_state(
            "This PaymentIntent could not be captured because it has already been "
            "captured.",
            shown(intent),
        )
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following "
            "statuses may be captured: requires_capture.",
            shown(intent),
        )
    amount = params.integer("amount_to_capture") or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise invalid_request(
            "The provided amount_to_capture is greater than the authorized amount.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    intent["metadata"] = params.metadata(intent["metadata"])
    held = account.get("charge", str(intent["latest_charge"]))
    return take(account, intent, held, amount)


def take(
    account: Account, intent: JsonObject, held: JsonObject, amount: int
) -> JsonObject:
    """Move the money: the charge is captured and the intent has succeeded."""
    held |= {"captured": True, "amount_captured": amount}
    account.store.put(held)
    intent |= {
        "status": "succeeded",
        "amount_capturable": 0,
        "amount_received": amount,
        "next_action": None,
    }
    account.store.put(intent)
    emit(account, "payment_intent.succeeded", intent)
    if held["_disputed"]:
        open_dispute(account, held, reason="fraudulent")
    return intent


def _new_charge(intent: JsonObject, method: JsonObject) -> JsonObject:
    card, created = methods.card_of(method), created_now()
    shown_card = {
        **method["card"],
        "capture_before": created + HOLD_SECONDS,
        "network": method["card"]["brand"],
    }
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "created": created,
        "currency": intent["currency"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": shown_card, "type": "card"},
        "refunded": False,
        "status": "succeeded",
        "_refund": card.refund,
        "_disputed": card.disputed,
    }
