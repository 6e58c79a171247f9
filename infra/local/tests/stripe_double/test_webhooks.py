"""Webhooks: signed, tried again, and as unreliable as a test wants them."""

from collections.abc import Awaitable, Callable

import pytest
import stripe

from stripe_double.testing import Double, WebhookReceiver, stripe_client
from stripe_double.webhooks import sign

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]


async def test_the_official_client_verifies_the_signature(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    intent = await make_intent(metadata={"order": "7"})
    [hook] = await receiver.wait_for(1)
    event = stripe.Webhook.construct_event(
        hook.payload, hook.signature, double.webhook_secret
    )
    assert event.type == "payment_intent.created"
    assert event.data.object["id"] == intent.id
    assert event.data.object["metadata"]["order"] == "7"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(hook.payload, hook.signature, "whsec_other")


async def test_r28_a_signature_made_long_ago_is_stale() -> None:
    header = sign('{"object": "event"}', "whsec_double", timestamp=1_000_000)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event('{"object": "event"}', header, "whsec_double")


async def test_a_webhook_carries_the_object_as_it_was(
    client: stripe.StripeClient, receiver: WebhookReceiver, make_paid: MakeIntent
) -> None:
    held = await make_paid(capture_method="manual")
    await client.v1.payment_intents.capture_async(held.id)
    hooks = await receiver.wait_for(3)
    statuses = {h.event["type"]: h.event["data"]["object"]["status"] for h in hooks}
    assert statuses == {
        "payment_intent.created": "requires_confirmation",
        "payment_intent.amount_capturable_updated": "requires_capture",
        "payment_intent.succeeded": "succeeded",
    }


async def test_nothing_that_only_the_double_knows_is_sent(
    receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    await make_intent(confirm="true", payment_method="pm_card_threeDSecure2Required")
    hooks = await receiver.wait_for(2)
    for hook in hooks:
        assert not [k for k in hook.event["data"]["object"] if k.startswith("_")]
        assert b"4000000000003220" not in hook.payload


async def test_a_refused_webhook_is_tried_again_until_it_is_taken(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    receiver.answers = [500, 404]
    await make_intent()
    hooks = await receiver.wait_for(3)
    assert len({hook.event["id"] for hook in hooks}) == 1
    [delivery] = await double.control.wait_until_delivered()
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)


async def test_the_wait_grows_from_try_to_try(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    receiver.answers = [500] * 100
    await make_intent()
    waits = []
    for tries in (1, 2, 3):
        await receiver.wait_for(tries)
        [delivery] = await double.control.deliveries()
        waits.append(delivery["due_at"])
    assert waits == sorted(waits)


async def test_an_unreachable_endpoint_is_tried_again_later(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    await double.control.send_webhooks_to("http://127.0.0.1:1/hook")
    await make_intent()
    await double.control.send_webhooks_to(receiver.url)
    await receiver.wait_for(1)
    assert receiver.types == ["payment_intent.created"]


async def test_r24_duplicates(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    await double.control.set_chaos(duplicate=4)
    await make_intent()
    hooks = await receiver.wait_for(5)
    await double.control.wait_until_delivered()
    assert len(hooks) == 5
    assert len({hook.event["id"] for hook in hooks}) == 1


@pytest.mark.parametrize(
    "knobs",
    [{"drop_all": True}, {"drop_next": 1}, {"drop_types": ["payment_intent.*"]}],
)
async def test_r27_a_dropped_webhook_is_still_in_the_event_list(
    double: Double,
    client: stripe.StripeClient,
    receiver: WebhookReceiver,
    make_intent: MakeIntent,
    knobs: dict[str, object],
) -> None:
    await double.control.set_chaos(**knobs)
    intent = await make_intent()
    [delivery] = await double.control.deliveries()
    assert delivery["state"] == "dropped"
    events = await client.v1.events.list_async({"type": "payment_intent.created"})
    assert [event.data.object["id"] for event in events.data] == [intent.id]
    await double.control.redeliver(events.data[0].id)
    await receiver.wait_for(1)
    assert receiver.types == ["payment_intent.created"]


async def test_dropping_the_next_one_drops_only_that(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    await double.control.set_chaos(drop_next=1)
    await make_intent()
    second = await make_intent()
    [hook] = await receiver.wait_for(1)
    assert hook.event["data"]["object"]["id"] == second.id


async def test_r20_a_delayed_webhook_waits_until_it_is_hurried(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    await double.control.set_chaos(delay_seconds=1200)
    await make_intent()
    [delivery] = await double.control.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("pending", 0)
    await double.control.hurry()
    await receiver.wait_for(1)
    assert receiver.types == ["payment_intent.created"]


async def test_r25_reordered_webhooks_come_newest_first(
    double: Double,
    client: stripe.StripeClient,
    receiver: WebhookReceiver,
    make_paid: MakeIntent,
) -> None:
    await double.control.set_chaos(reorder=3)
    held = await make_paid(capture_method="manual")
    assert receiver.types == []
    await client.v1.payment_intents.capture_async(held.id)
    await receiver.wait_for(3)
    assert receiver.types == [
        "payment_intent.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.created",
    ]


async def test_held_webhooks_can_be_released_early(
    double: Double, receiver: WebhookReceiver, make_paid: MakeIntent
) -> None:
    await double.control.set_chaos(reorder=50)
    await make_paid()
    await double.control.release()
    await receiver.wait_for(2)
    assert receiver.types == ["payment_intent.succeeded", "payment_intent.created"]


async def test_r26_a_webhook_can_come_before_the_answer_of_its_call(
    double: Double, receiver: WebhookReceiver, make_intent: MakeIntent
) -> None:
    await double.control.add_fault(
        "payment_intents.create", when="after", how="delay", delay_seconds=30
    )
    async with stripe_client(double.url, patience_seconds=0.3) as impatient:
        with pytest.raises(stripe.APIConnectionError):
            await impatient.v1.payment_intents.create_async(
                {"amount": 5000, "currency": "usd"}
            )
    await receiver.wait_for(1)
    assert receiver.types == ["payment_intent.created"]


async def test_without_an_endpoint_events_are_only_listed(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    await double.control.send_webhooks_to("")
    await make_intent()
    assert await double.control.deliveries() == []
    assert len((await client.v1.events.list_async()).data) == 1


async def test_r43_disputes_are_announced_and_block_refunds(
    double: Double,
    client: stripe.StripeClient,
    receiver: WebhookReceiver,
    make_paid: MakeIntent,
) -> None:
    paid = await make_paid()
    dispute = await double.control.open_dispute(paid.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    await double.control.close_dispute(dispute["id"], "won")
    await client.v1.refunds.create_async({"payment_intent": paid.id})
    await receiver.wait_for(5)
    assert set(receiver.types) >= {"charge.dispute.created", "charge.dispute.closed"}


async def test_the_dispute_card_disputes_itself(
    receiver: WebhookReceiver, make_paid: MakeIntent
) -> None:
    await make_paid(payment_method="pm_card_createDispute")
    await receiver.wait_for(3)
    assert "charge.dispute.created" in receiver.types
