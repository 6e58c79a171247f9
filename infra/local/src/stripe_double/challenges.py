"""3-D Secure: the step where the buyer proves the card is theirs.

A challenge is known by a random token, and belongs to one try to pay: a newer
try, a cancellation or its own outcome makes it void.
"""

from stripe_double import charges, methods
from stripe_double.account import Account, shown
from stripe_double.cards import PROCESSING_ERROR
from stripe_double.errors import JsonObject, StripeError, resource_missing
from stripe_double.ids import created_now, new_id

FAILURE = {
    "code": "payment_intent_authentication_failure",
    "doc_url": "https://stripe.com/docs/error-codes/"
    "payment-intent-authentication-failure",
    "message": "The provided PaymentMethod has failed authentication. You can provide "
    "payment_method_data or a new PaymentMethod to attempt to fulfill this "
    "PaymentIntent again.",
    "type": "invalid_request_error",
}


def start(
    account: Account,
    intent: JsonObject,
    method: JsonObject,
    *,
    return_url: str | None,
    in_page: bool,
) -> JsonObject:
    """Open a challenge; the `next_action` that leads the buyer to it."""
    challenge: JsonObject = {
        "id": new_id("src"),
        "object": "challenge",
        "created": created_now(),
        "intent": intent["id"],
        "method": method["id"],
        "return_url": None if in_page else return_url,
    }
    account.store.put(challenge)
    intent["_challenge"] = challenge["id"]
    url = f"{account.base_url}/3ds/{challenge['id']}"
    if return_url is not None and not in_page:
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": url},
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "type": "three_d_secure_redirect",
            "source": challenge["id"],
            "stripe_js": url,
        },
    }


def find(account: Account, token: str) -> tuple[JsonObject, JsonObject]:
    """The challenge and its intent, or 404."""
    challenge = account.store.find("challenge", token)
    if challenge is None:
        raise resource_missing("challenge", token, "token")
    return challenge, account.get("payment_intent", str(challenge["intent"]))


def is_open(challenge: JsonObject, intent: JsonObject) -> bool:
    """Whether its outcome would still change anything."""
    waits = intent["status"] == "requires_action"
    return waits and bool(intent.get("_challenge") == challenge["id"])


def finish(account: Account, token: str, *, authenticated: bool) -> JsonObject:
    """Apply what the buyer did; the intent afterwards.

    Nothing happens when the challenge is no longer open.
    """
    challenge, intent = find(account, token)
    if not is_open(challenge, intent):
        return intent
    method = account.get("payment_method", str(challenge["method"]))
    try:
        _apply(account, intent, method, authenticated=authenticated)
    except StripeError as error:
        # A card declined after its challenge is an outcome for the buyer's
        # page to show, not a failure of the page.
        if not error.keeps_changes:
            raise
    return account.get("payment_intent", str(challenge["intent"]))


def _apply(
    account: Account, intent: JsonObject, method: JsonObject, *, authenticated: bool
) -> None:
    if not authenticated:
        error = {**FAILURE, "payment_method": shown(method)}
        charges.return_to_start(account, intent, error)
    elif methods.card_of(method).challenge_breaks:
        raise charges.refuse(account, intent, method, PROCESSING_ERROR)
    else:
        intent["next_action"] = None
        charges.charge(account, intent, method)
