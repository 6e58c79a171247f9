"""Disputes: a buyer's bank takes a charge back, rightly or not."""

from stripe_double.account import Account
from stripe_double.errors import JsonObject, invalid_request
from stripe_double.events import emit
from stripe_double.ids import created_now, new_id


def open_dispute(
    account: Account, charge: JsonObject, *, reason: str = "fraudulent"
) -> JsonObject:
    """Dispute a captured charge in full."""
    if not charge["captured"]:
        raise invalid_request(f"Charge {charge['id']} has not been captured.")
    dispute: JsonObject = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charge["amount_captured"],
        "charge": charge["id"],
        "created": created_now(),
        "currency": charge["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    account.store.put(dispute)
    account.store.put({**charge, "disputed": True})
    emit(account, "charge.dispute.created", dispute)
    return dispute


def close_dispute(account: Account, dispute: JsonObject, status: str) -> JsonObject:
    """End a dispute as `won` (the money comes back) or `lost`."""
    if dispute["status"] in ("won", "lost"):
        raise invalid_request(f"Dispute {dispute['id']} is closed.")
    dispute["status"] = status
    account.store.put(dispute)
    emit(account, "charge.dispute.closed", dispute)
    return dispute
