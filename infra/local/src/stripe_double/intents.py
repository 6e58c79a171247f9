"""PaymentIntents: made, shown, listed, changed and cancelled.

States: https://docs.stripe.com/payments/paymentintents/lifecycle. What happens
when one is confirmed or captured is in `charges`.
"""

from stripe_double.account import Account, shown
from stripe_double.currencies import check_amount, checked_currency
from stripe_double.errors import (
    JsonObject,
    invalid_parameter,
    invalid_request,
    resource_missing,
    unexpected_state,
)
from stripe_double.events import emit
from stripe_double.forms import Params, names
from stripe_double.ids import created_now, new_id, random_text
from stripe_double.methods import named

KIND = "payment_intent"
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
CANCELLATION_REASONS = (
    "duplicate", "fraudulent", "requested_by_customer", "abandoned",
)  # fmt: skip
CANCELABLE = (
    "requires_payment_method", "requires_capture", "requires_confirmation",
    "requires_action",
)  # fmt: skip
EDITABLE = ("requires_payment_method", "requires_confirmation", "requires_action")

DESCRIPTIVE = names(
    "metadata description receipt_email statement_descriptor "
    "statement_descriptor_suffix transfer_group expand shipping"
)
CONFIRM_PARAMS = names(
    "payment_method payment_method_data payment_method_options "
    "payment_method_types allowed_payment_method_types return_url use_stripe_sdk "
    "off_session error_on_requires_action receipt_email shipping setup_future_usage "
    "capture_method expand client_secret key expected_payment_method_type "
    "mandate_data"
)
CREATE_PARAMS = (
    DESCRIPTIVE
    | (CONFIRM_PARAMS - {"client_secret", "key"})
    | names(
        "amount currency automatic_payment_methods confirm confirmation_method customer"
    )
)
UPDATE_PARAMS = DESCRIPTIVE | names(
    "amount currency payment_method customer setup_future_usage "
    "payment_method_types allowed_payment_method_types"
)
CANCEL_PARAMS = frozenset({"cancellation_reason", "expand"})

# What the publishable key may see: neither metadata nor charges.
PUBLIC_FIELDS = names(
    "id object amount canceled_at cancellation_reason capture_method client_secret "
    "confirmation_method created currency description last_payment_error livemode "
    "next_action payment_method payment_method_types processing receipt_email "
    "setup_future_usage shipping status"
)


def create(account: Account, params: Params) -> JsonObject:
    """A new intent; `confirm` is left to the caller."""
    amount = params.required_integer("amount")
    currency = checked_currency(params.required_text("currency"))
    check_amount(amount, currency)
    check_method_types(params)
    intent = _blank(amount, currency)
    allowed = params.texts("allowed_payment_method_types")
    intent["allowed_payment_method_types"] = allowed or None
    intent["capture_method"] = (
        params.choice("capture_method", CAPTURE_METHODS) or "automatic_async"
    )
    _describe(intent, params)
    method_id = params.text("payment_method")
    if method_id is not None:
        intent["payment_method"] = named(account, method_id)["id"]
        intent["status"] = "requires_confirmation"
    account.store.put(intent)
    emit(account, "payment_intent.created", intent)
    return intent


def _blank(amount: int, currency: str) -> JsonObject:
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": KIND,
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{random_text(25)}",
        "confirmation_method": "automatic",
        "created": created_now(),
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def check_method_types(params: Params) -> None:
    """Cards must be among the allowed types, the only ones the double knows.

    Since 2026-09-30.endive `payment_method_types` is refused; its successor
    silently leaves out the types that do not fit.
    """
    if "payment_method_types" in params:
        raise invalid_parameter(
            "The parameter payment_method_types is no longer supported. Use "
            "allowed_payment_method_types to limit the payment methods.",
            "payment_method_types",
            "payment_method_types_no_longer_supported",
        )
    allowed = params.texts("allowed_payment_method_types")
    if allowed and "card" not in allowed:
        raise invalid_parameter(
            "None of the allowed payment method types can be used: this account "
            "accepts cards only.",
            "allowed_payment_method_types",
        )


def _describe(intent: JsonObject, params: Params) -> None:
    intent["metadata"] = params.metadata(intent["metadata"])
    for name in (
        "description", "receipt_email", "statement_descriptor",
        "statement_descriptor_suffix", "transfer_group", "customer",
        "setup_future_usage",
    ):  # fmt: skip
        if name in params:
            intent[name] = params.text(name)
    if "shipping" in params:
        intent["shipping"] = params.mapping("shipping") or None


def update(account: Account, intent: JsonObject, params: Params) -> JsonObject:
    """Change an intent: descriptive fields always, money only before it moves."""
    if "amount" in params or "currency" in params:
        _reprice(intent, params)
    check_method_types(params)
    method_id = params.text("payment_method")
    if method_id is not None:
        _require_editable(intent, "payment_method")
        intent["payment_method"] = named(account, method_id)["id"]
        intent["status"] = "requires_confirmation"
        intent["next_action"] = None
    _describe(intent, params)
    account.store.put(intent)
    return intent


def _reprice(intent: JsonObject, params: Params) -> None:
    _require_editable(intent, "amount")
    amount = params.integer("amount") or intent["amount"]
    currency = checked_currency(params.text("currency") or intent["currency"])
    check_amount(amount, currency)
    intent["amount"], intent["currency"] = amount, currency


def _require_editable(intent: JsonObject, param: str) -> None:
    if intent["status"] not in EDITABLE:
        raise unexpected_state(
            f"This PaymentIntent's {param} could not be updated because it has a "
            f"status of {intent['status']}. You may only update the {param} of a "
            "PaymentIntent with one of the following statuses: "
            f"{', '.join(EDITABLE)}.",
            shown(intent),
        )


def cancel(account: Account, intent: JsonObject, params: Params) -> JsonObject:
    """Cancel; in requires_capture it releases the hold on the card.

    One in `processing` is refused: Stripe allows it in rare cases only, and
    whoever relies on that would be wrong on most days.
    """
    reason = params.choice("cancellation_reason", CANCELLATION_REASONS)
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(
            "You cannot cancel this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following "
            f"statuses may be canceled: {', '.join(CANCELABLE)}.",
            shown(intent),
        )
    return mark_canceled(account, intent, reason)


def mark_canceled(
    account: Account, intent: JsonObject, reason: str | None
) -> JsonObject:
    """The state change itself, with its event."""
    intent |= {
        "status": "canceled",
        "canceled_at": created_now(),
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    account.store.put(intent)
    emit(account, "payment_intent.canceled", intent)
    return intent


def public_view(intent: JsonObject) -> JsonObject:
    """The fields a browser gets."""
    return {name: intent[name] for name in PUBLIC_FIELDS}


def get_for_browser(
    account: Account, intent_id: str, client_secret: str | None
) -> JsonObject:
    """The intent, to one who knows its client secret."""
    intent = account.store.find(KIND, intent_id)
    if intent is None:
        raise resource_missing(KIND, intent_id, "intent")
    if client_secret != intent["client_secret"]:
        raise invalid_request(
            "The client_secret provided does not match the client_secret associated "
            "with the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )
    return intent
