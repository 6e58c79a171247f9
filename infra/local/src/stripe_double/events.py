"""Events: what happened to an object, kept in the list and sent by webhook."""

import time

from stripe_double.account import Account, shown
from stripe_double.errors import JsonObject
from stripe_double.ids import created_now, new_id

API_VERSION = "2026-10-28.endive"


def emit(account: Account, event_type: str, subject: JsonObject) -> JsonObject:
    """Record the event with the object as it is now, and queue its webhooks.

    It belongs to the transaction of the change itself: an event without its
    change, or a change without its event, cannot be seen.
    """
    event: JsonObject = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": created_now(),
        "data": {"object": shown(subject)},
        "livemode": False,
        "pending_webhooks": 1 if account.endpoint.url else 0,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }
    account.store.put(event)
    if account.endpoint.url:
        queue(account, event)
    return event


def queue(account: Account, event: JsonObject) -> None:
    """Queue the deliveries of an event as the chaos has it."""
    chaos = account.chaos
    event_id, event_type = str(event["id"]), str(event["type"])
    if chaos.takes_drop(event_type):
        account.deliveries.add(event_id, event_type, "dropped", time.time())
        return
    state = "held" if chaos.reorder else "pending"
    due_at = time.time() + chaos.delay_seconds
    for _ in range(1 + chaos.duplicate):
        account.deliveries.add(event_id, event_type, state, due_at)
    if chaos.reorder and account.deliveries.held() >= chaos.reorder:
        account.deliveries.release()
    account.wake.set()


def redeliver(account: Account, event_id: str) -> None:
    """Queue one more copy of an event, past all chaos."""
    event = account.get("event", event_id)
    account.deliveries.add(event_id, str(event["type"]), "pending", time.time())
    account.wake.set()
