"""Changes that happen to an intent without anybody asking through the API.

A person in Stripe's dashboard, a hold that lapses, a defect elsewhere: the state
of an intent can change behind the back of the service that made it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stripe_double import cards, charges, intents, methods
from stripe_double.account import Account
from stripe_double.errors import JsonObject
from stripe_double.ids import new_id


class Force(BaseModel):
    """What to make of the intent; fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    # succeeded takes the money (with a Visa if no charge is there), canceled
    # lets the hold lapse (reason "expired"), requires_capture holds the
    # money, processing leaves the intent undecided. Each but processing sends
    # its event.
    status: (
        Literal["succeeded", "canceled", "requires_capture", "processing"] | None
    ) = None
    # Minor units and currency, set without any check and without an event.
    amount: int | None = Field(default=None, ge=1)
    currency: str | None = None
    metadata: dict[str, str] | None = None


def force(account: Account, intent: JsonObject, wanted: Force) -> None:
    """Apply the change; no state rule is asked."""
    for name in ("currency", "metadata"):
        if getattr(wanted, name) is not None:
            intent[name] = getattr(wanted, name)
    if wanted.amount is not None:
        intent["amount"] = wanted.amount
        if intent["status"] == "requires_capture":
            intent["amount_capturable"] = wanted.amount
    account.store.put(intent)
    if wanted.status == "canceled":
        intents.mark_canceled(account, intent, "expired")
    elif wanted.status == "processing":
        intent |= {"status": "processing", "next_action": None}
        account.store.put(intent)
    elif wanted.status is not None:
        _pay(account, intent, wanted.status)


def _pay(account: Account, intent: JsonObject, status: str) -> None:
    if intent["status"] == "requires_capture" and status == "succeeded":
        held = account.get("charge", str(intent["latest_charge"]))
        charges.take(account, intent, held, int(intent["amount"]))
        return
    asked = intent["capture_method"]
    method = methods.card_method(cards.by_number("4242424242424242"), new_id("pm"))
    account.store.put(method)
    intent |= {
        "payment_method": method["id"],
        "capture_method": "automatic" if status == "succeeded" else "manual",
        "canceled_at": None,
        "cancellation_reason": None,
    }
    charges.charge(account, intent, method)
    intent["capture_method"] = asked
    account.store.put(intent)
