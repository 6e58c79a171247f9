"""Idempotency keys: one key, one answer."""

import uuid
from collections.abc import Awaitable, Callable

import pytest
import stripe
from stripe.params import PaymentIntentCreateParams

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]
PARAMS: PaymentIntentCreateParams = {
    "amount": 5000,
    "currency": "usd",
    "capture_method": "manual",
    "allowed_payment_method_types": ["card"],
}


@pytest.fixture
def key() -> str:
    return f"contract-{uuid.uuid4()}"


async def test_r29_the_same_key_gives_the_same_intent(
    client: stripe.StripeClient, key: str
) -> None:
    first = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key}
    )
    again = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key}
    )
    other = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key + "-2"}
    )
    assert again.id == first.id
    assert other.id != first.id


async def test_a_repeated_answer_says_so(client: stripe.StripeClient, key: str) -> None:
    answers = [
        await client.raw_request_async(
            "post",
            "/v1/payment_intents",
            amount=5000,
            currency="usd",
            idempotency_key=key,
        )
        for _ in range(2)
    ]
    headers = [dict(answer.headers).get("idempotent-replayed") for answer in answers]
    assert headers == [None, "true"]


async def test_a_repeated_answer_is_the_first_one_even_when_the_state_moved_on(
    client: stripe.StripeClient, key: str
) -> None:
    first = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key}
    )
    await client.v1.payment_intents.cancel_async(first.id)
    again = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key}
    )
    assert again.status == "requires_payment_method"


async def test_a_key_used_with_other_parameters_is_refused(
    client: stripe.StripeClient, key: str
) -> None:
    await client.v1.payment_intents.create_async(PARAMS, {"idempotency_key": key})
    with pytest.raises(stripe.IdempotencyError) as refused:
        await client.v1.payment_intents.create_async(
            {**PARAMS, "amount": 6000}, {"idempotency_key": key}
        )
    assert refused.value.http_status == 400


async def test_a_key_used_on_another_endpoint_is_refused(
    client: stripe.StripeClient, key: str
) -> None:
    intent = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key}
    )
    with pytest.raises(stripe.IdempotencyError):
        await client.v1.payment_intents.cancel_async(
            intent.id, options={"idempotency_key": key}
        )


async def test_r35_a_key_repeats_the_decline_it_once_had(
    client: stripe.StripeClient, make_intent: MakeIntent, key: str
) -> None:
    intent = await make_intent()
    method = "pm_card_visa_chargeDeclinedInsufficientFunds"
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            await client.v1.payment_intents.confirm_async(
                intent.id, {"payment_method": method}, {"idempotency_key": key}
            )
        assert declined.value.code == "card_declined"
    read = await client.v1.payment_intents.retrieve_async(
        intent.id, {"expand": ["latest_charge"]}
    )
    assert isinstance(read.latest_charge, stripe.Charge)
    charges = await client.v1.charges.list_async({"payment_intent": intent.id})
    assert len(charges.data) == 1


async def test_r31_a_capture_with_the_same_key_answers_again(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    key = f"capture:{held.id}"
    for _ in range(2):
        paid = await client.v1.payment_intents.capture_async(
            held.id, options={"idempotency_key": key}
        )
        assert (paid.status, paid.amount_received) == ("succeeded", 5000)


async def test_a_refused_state_is_stored_under_its_key(
    client: stripe.StripeClient, make_intent: MakeIntent, key: str
) -> None:
    intent = await make_intent()
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.payment_intents.capture_async(
                intent.id, options={"idempotency_key": key}
            )
        assert refused.value.code == "payment_intent_unexpected_state"
        await client.v1.payment_intents.update_async(
            intent.id, {"metadata": {"moved": "on"}}
        )


async def test_wrong_parameters_do_not_use_up_a_key(
    client: stripe.StripeClient, key: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_intents.create_async(
            {**PARAMS, "surprise": "1"},  # type: ignore[typeddict-unknown-key]
            {"idempotency_key": key},
        )
    made = await client.v1.payment_intents.create_async(
        PARAMS, {"idempotency_key": key}
    )
    assert made.status == "requires_payment_method"


async def test_r41_one_refund_per_key(
    client: stripe.StripeClient, make_held: MakeIntent, key: str
) -> None:
    paid = await make_held(capture_method="automatic")
    ids = {
        (
            await client.v1.refunds.create_async(
                {"payment_intent": paid.id}, {"idempotency_key": key}
            )
        ).id
        for _ in range(2)
    }
    assert len(ids) == 1
