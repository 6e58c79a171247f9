"""Refunds: never more than was captured, and sometimes failing later.

Source: https://docs.stripe.com/refunds.
"""

import time

from stripe_double.account import Account
from stripe_double.currencies import written
from stripe_double.errors import JsonObject, invalid_parameter, invalid_request
from stripe_double.events import emit
from stripe_double.forms import Params, names
from stripe_double.ids import created_now, new_id

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
CREATE_PARAMS = names("payment_intent charge amount reason metadata expand")
UPDATE_PARAMS = frozenset({"metadata", "expand"})


def create(account: Account, params: Params) -> JsonObject:
    """Give back what was captured, or a part of it."""
    charge = _charge_to_refund(account, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise invalid_request(
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
        )
    amount = params.integer("amount") or left
    if amount > left:
        raise invalid_request(
            f"Refund amount ({written(amount, charge['currency'])}) is greater than "
            f"unrefunded amount on charge ({written(left, charge['currency'])})",
            param="amount",
        )
    refund = _new_refund(charge, amount, params)
    _plan_outcome(account, refund, str(charge["_refund"]))
    account.store.put(refund)
    _add_refunded(account, charge, amount)
    emit(account, "refund.created", refund)
    return refund


def _charge_to_refund(account: Account, params: Params) -> JsonObject:
    charge_id, intent_id = params.text("charge"), params.text("payment_intent")
    if intent_id is not None:
        intent = account.get("payment_intent", intent_id, "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid_request(
                f"This PaymentIntent ({intent_id}) does not have a successful charge "
                "to refund.",
                param="payment_intent",
            )
        charge_id = str(intent["latest_charge"])
    if charge_id is None:
        raise invalid_parameter(
            "One of the following params should be provided for this request: "
            "payment_intent or charge.",
            "payment_intent",
            "parameter_missing",
        )
    charge = account.get("charge", charge_id, "charge")
    if not charge["captured"]:
        raise invalid_request(
            f"Charge {charge_id} has not been captured.", param="charge"
        )
    _check_disputes(account, charge)
    return charge


def _check_disputes(account: Account, charge: JsonObject) -> None:
    """Money a bank has taken back, or may yet, is not given back twice."""
    dispute = account.store.find_where("dispute", "charge", str(charge["id"]))
    if dispute is not None and dispute["status"] != "won":
        raise invalid_request(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )


def _new_refund(charge: JsonObject, amount: int, params: Params) -> JsonObject:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": created_now(),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "failure_reason": None,
        "metadata": params.metadata({}),
        "payment_intent": charge["payment_intent"],
        "reason": params.choice("reason", REASONS),
        "receipt_number": None,
        "status": "succeeded",
        "_settle_at": None,
        "_settle_to": None,
    }


def _plan_outcome(account: Account, refund: JsonObject, of_card: str) -> None:
    """Decide now what the refund becomes later.

    A pending refund of a card succeeds after a while; one the chaos made
    pending waits for a person. A failing one looks good first, as at Stripe.
    """
    outcome = account.chaos.refund_outcome or of_card
    due = time.time() + account.settings.refund_settle_seconds
    if outcome == "pending":
        refund["status"] = "pending"
        if account.chaos.refund_outcome is None:
            refund |= {"_settle_at": due, "_settle_to": "succeeded"}
    elif outcome == "failed":
        refund |= {"_settle_at": due, "_settle_to": "failed"}
    account.wake.set()


def settle_due(account: Account) -> None:
    """Settle every refund whose time has come."""
    for refund in account.store.due_settlements(time.time()):
        settle(account, refund, str(refund["_settle_to"]))


def settle(account: Account, refund: JsonObject, outcome: str) -> JsonObject:
    """Make a refund succeed or fail; a failed one gives the money back to us."""
    if refund["status"] == "failed":
        raise invalid_request(f"Refund {refund['id']} has failed already.")
    refund |= {"status": outcome, "_settle_at": None, "_settle_to": None}
    if outcome == "failed":
        refund["failure_reason"] = "expired_or_canceled_card"
        charge = account.get("charge", str(refund["charge"]))
        _add_refunded(account, charge, -int(refund["amount"]))
    account.store.put(refund)
    emit(account, "refund.updated", refund)
    if outcome == "failed":
        emit(account, "refund.failed", refund)
    return refund


def _add_refunded(account: Account, charge: JsonObject, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    account.store.put(charge)


def update(account: Account, refund: JsonObject, params: Params) -> JsonObject:
    """Only the metadata of a refund can change."""
    refund["metadata"] = params.metadata(refund["metadata"])
    account.store.put(refund)
    return refund
