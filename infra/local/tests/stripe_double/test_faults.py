"""Calls that fail before or after their effect, and keys in use."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import stripe

from stripe_double.testing import Double, stripe_client

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]
CAPTURE = "payment_intents.capture"


@pytest.mark.parametrize("how", ["error", "disconnect"])
async def test_a_fault_before_the_effect_changes_nothing(
    double: Double, client: stripe.StripeClient, make_paid: MakeIntent, how: str
) -> None:
    held = await make_paid(capture_method="manual")
    await double.control.add_fault(CAPTURE, when="before", how=how)
    with pytest.raises(stripe.StripeError):
        await client.v1.payment_intents.capture_async(held.id)
    read = await client.v1.payment_intents.retrieve_async(held.id)
    assert read.status == "requires_capture"


@pytest.mark.parametrize(
    ("how", "error"),
    [("error", stripe.APIError), ("disconnect", stripe.APIConnectionError)],
)
async def test_r32_a_fault_after_the_effect_loses_only_the_answer(
    double: Double,
    client: stripe.StripeClient,
    make_paid: MakeIntent,
    how: str,
    error: type[stripe.StripeError],
) -> None:
    held = await make_paid(capture_method="manual")
    await double.control.add_fault(CAPTURE, when="after", how=how)
    options: stripe.RequestOptions = {"idempotency_key": f"capture:{held.id}"}
    with pytest.raises(error):
        await client.v1.payment_intents.capture_async(held.id, options=options)
    read = await client.v1.payment_intents.retrieve_async(held.id)
    assert read.status == "succeeded"
    again = await client.v1.payment_intents.capture_async(held.id, options=options)
    assert again.status == "succeeded"


async def test_r29_the_client_retries_with_its_key_and_makes_one_intent(
    double: Double,
) -> None:
    await double.control.add_fault(
        "payment_intents.create", when="after", how="disconnect"
    )
    async with stripe_client(double.url, retries=2) as patient:
        made = await patient.v1.payment_intents.create_async(
            {"amount": 5000, "currency": "usd"}
        )
        listed = await patient.v1.payment_intents.list_async()
    assert [intent.id for intent in listed.data] == [made.id]
    first, second = await double.control.requests("payment_intents.create")
    assert first["idempotency_key"] == second["idempotency_key"]
    assert (first["replayed"], second["replayed"]) == (False, True)


async def test_a_fault_without_an_end_lasts_until_the_chaos_is_calmed(
    double: Double, client: stripe.StripeClient
) -> None:
    await double.control.add_fault("payment_intents.*", times=None, status=503)
    for _ in range(3):
        with pytest.raises(stripe.APIError) as failed:
            await client.v1.payment_intents.list_async()
        assert failed.value.http_status == 503
    await double.control.calm()
    assert (await client.v1.payment_intents.list_async()).data == []


async def test_a_timeout_is_a_delay_longer_than_the_client_waits(
    double: Double, make_paid: MakeIntent
) -> None:
    held = await make_paid(capture_method="manual")
    await double.control.add_fault(CAPTURE, when="after", how="delay", delay_seconds=60)
    async with stripe_client(double.url, patience_seconds=0.3) as impatient:
        with pytest.raises(stripe.APIConnectionError):
            await impatient.v1.payment_intents.capture_async(held.id)
        read = await impatient.v1.payment_intents.retrieve_async(held.id)
    assert read.status == "succeeded"


async def test_a_key_in_use_is_a_conflict(
    double: Double, client: stripe.StripeClient
) -> None:
    await double.control.add_fault(
        "payment_intents.create", how="delay", delay_seconds=0.3
    )
    calls = [
        client.v1.payment_intents.create_async(
            {"amount": 5000, "currency": "usd"}, {"idempotency_key": "one-key"}
        )
        for _ in range(2)
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [a for a in answers if isinstance(a, stripe.StripeError)]
    assert [error.http_status for error in refused] == [409]
    assert "idempotency_key_in_use" in str(refused[0].http_body)
    assert len((await client.v1.payment_intents.list_async()).data) == 1


async def test_a_fault_before_the_effect_leaves_the_key_free(
    double: Double, client: stripe.StripeClient
) -> None:
    await double.control.add_fault("payment_intents.create", when="before")
    options: stripe.RequestOptions = {"idempotency_key": "one-key"}
    with pytest.raises(stripe.APIError):
        await client.v1.payment_intents.create_async(
            {"amount": 5000, "currency": "usd"}, options
        )
    made = await client.v1.payment_intents.create_async(
        {"amount": 5000, "currency": "usd"}, options
    )
    assert made.status == "requires_payment_method"


async def test_r37_of_a_capture_and_a_void_at_once_one_wins(
    client: stripe.StripeClient, make_paid: MakeIntent
) -> None:
    held = await make_paid(capture_method="manual")
    answers = await asyncio.gather(
        client.v1.payment_intents.capture_async(held.id),
        client.v1.payment_intents.cancel_async(held.id),
        return_exceptions=True,
    )
    won = [one for one in answers if isinstance(one, stripe.PaymentIntent)]
    lost = [one for one in answers if isinstance(one, stripe.InvalidRequestError)]
    assert (len(won), len(lost)) == (1, 1)
    assert lost[0].code == "payment_intent_unexpected_state"
    read = await client.v1.payment_intents.retrieve_async(held.id)
    assert read.status == won[0].status
    assert read.amount_received == (5000 if read.status == "succeeded" else 0)
