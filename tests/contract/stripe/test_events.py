"""Events: every change of an intent or refund has its event in the list."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import stripe

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]
# Stripe's own list lags a little behind; the double's does not.
TRIES, PAUSE_SECONDS = 20, 0.5


async def types_of(
    client: stripe.StripeClient, object_id: str, awaited: str
) -> set[str]:
    """The event types of one object, once `awaited` is among them."""
    types: set[str] = set()
    for _ in range(TRIES):
        events = await client.v1.events.list_async({"limit": 100})
        types = {
            event.type for event in events.data if event.data.object["id"] == object_id
        }
        if awaited in types:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    return types


async def test_a_hold_and_its_capture_are_announced(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    await client.v1.payment_intents.capture_async(held.id)
    types = await types_of(client, held.id, "payment_intent.succeeded")
    assert types >= {
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    }


async def test_a_decline_is_announced(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.CardError):
        await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_visa_chargeDeclined"}
        )
    types = await types_of(client, intent.id, "payment_intent.payment_failed")
    assert "payment_intent.payment_failed" in types
    assert "payment_intent.succeeded" not in types


async def test_a_challenge_is_announced(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    asked = await make_held(payment_method="pm_card_threeDSecure2Required")
    types = await types_of(client, asked.id, "payment_intent.requires_action")
    assert "payment_intent.requires_action" in types


async def test_a_void_is_announced(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    await client.v1.payment_intents.cancel_async(held.id)
    types = await types_of(client, held.id, "payment_intent.canceled")
    assert "payment_intent.canceled" in types


async def test_a_refund_is_announced(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    paid = await make_held(capture_method="automatic")
    refund = await client.v1.refunds.create_async({"payment_intent": paid.id})
    types = await types_of(client, refund.id, "refund.created")
    assert "refund.created" in types


async def test_an_event_is_read_by_its_id_and_filtered_by_type(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await types_of(client, intent.id, "payment_intent.created")
    created = await client.v1.events.list_async({"type": "payment_intent.created"})
    event = next(e for e in created.data if e.data.object["id"] == intent.id)
    read = await client.v1.events.retrieve_async(event.id)
    assert read.type == "payment_intent.created"
    assert read.data.object["amount"] == 5000
    assert read.livemode is False
