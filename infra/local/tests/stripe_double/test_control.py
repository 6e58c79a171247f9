"""Changes behind one's back, and the control API's own manners."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
import stripe

from stripe_double.testing import Double, WebhookReceiver

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]


async def test_r22_an_intent_succeeds_behind_ones_back(
    double: Double,
    client: stripe.StripeClient,
    receiver: WebhookReceiver,
    make_intent: MakeIntent,
) -> None:
    intent = await make_intent()
    await client.v1.payment_intents.cancel_async(intent.id)
    await double.control.force(intent.id, status="succeeded")
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert (read.status, read.amount_received) == ("succeeded", 5000)
    assert read.capture_method == "manual"
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.amount == 5000
    await receiver.wait_for(4)
    assert "payment_intent.succeeded" in receiver.types


async def test_r33_a_hold_lapses_behind_ones_back(
    double: Double,
    client: stripe.StripeClient,
    receiver: WebhookReceiver,
    make_paid: MakeIntent,
) -> None:
    held = await make_paid(capture_method="manual")
    await double.control.force(held.id, status="canceled")
    read = await client.v1.payment_intents.retrieve_async(held.id)
    assert (read.status, read.cancellation_reason) == ("canceled", "expired")
    await receiver.wait_for(3)
    assert "payment_intent.canceled" in receiver.types


async def test_r37_an_intent_in_processing_cannot_be_cancelled_yet(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await double.control.force(intent.id, status="processing")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.cancel_async(intent.id)
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "processing"


async def test_r38_amount_and_currency_change_behind_ones_back(
    double: Double, client: stripe.StripeClient, make_paid: MakeIntent
) -> None:
    held = await make_paid(capture_method="manual")
    await double.control.force(held.id, amount=4900, currency="eur")
    read = await client.v1.payment_intents.retrieve_async(held.id)
    assert (read.amount, read.amount_capturable, read.currency) == (4900, 4900, "eur")


async def test_money_can_be_held_without_a_browser(
    double: Double, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    held = await double.control.force(intent.id, status="requires_capture")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 5000)


async def test_reset_forgets_everything(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    await double.control.set_chaos(drop_all=True)
    await make_intent()
    await double.control.reset()
    assert (await client.v1.payment_intents.list_async()).data == []
    assert await double.control.deliveries() == []
    assert (await double.control.set_chaos())["drop_all"] is False


async def test_knobs_not_named_stay_as_they_are(double: Double) -> None:
    await double.control.set_chaos(duplicate=2)
    chaos = await double.control.set_chaos(drop_next=1)
    assert (chaos["duplicate"], chaos["drop_next"]) == (2, 1)


@pytest.mark.parametrize("knobs", [{"duplicates": 2}, {"delay_seconds": -1}])
async def test_a_knob_that_does_not_exist_is_422(
    double: Double, knobs: dict[str, object]
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await double.control.set_chaos(**knobs)
    assert refused.value.response.status_code == 422


async def test_forcing_an_unknown_intent_is_404(double: Double) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await double.control.force("pi_unknown", status="succeeded")
    assert refused.value.response.status_code == 404


async def test_an_unknown_address_is_404_in_stripes_form(double: Double) -> None:
    async with httpx.AsyncClient(base_url=double.url) as browser:
        answer = await browser.get("/v1/nothing")
        alive = await browser.get("/livez")
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert alive.status_code == 200


async def test_a_web_page_cannot_turn_the_knobs(double: Double) -> None:
    page = {"Origin": "https://elsewhere.example", "Content-Type": "text/plain"}
    async with httpx.AsyncClient(base_url=double.url) as browser:
        answer = await browser.put(
            "/_double/chaos", content='{"drop_all": true}', headers=page
        )
    assert answer.status_code == 403
    assert (await double.control.set_chaos())["drop_all"] is False
