"""Refunds: never more than was taken."""

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
import stripe

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]


@pytest_asyncio.fixture
async def paid(make_held: MakeIntent) -> stripe.PaymentIntent:
    return await make_held(capture_method="automatic")


async def test_a_refund_gives_back_everything_by_default(
    client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    refund = await client.v1.refunds.create_async(
        {
            "payment_intent": paid.id,
            "reason": "requested_by_customer",
            "metadata": {"order": "7"},
        }
    )
    assert refund.status in ("succeeded", "pending")
    assert (refund.amount, refund.currency) == (5000, "usd")
    assert refund.payment_intent == paid.id
    assert refund.charge == paid.latest_charge
    assert refund.metadata is not None
    assert refund.metadata.to_dict() == {"order": "7"}
    read = await client.v1.refunds.retrieve_async(refund.id)
    assert read.id == refund.id


async def test_r41_a_refunded_charge_cannot_be_refunded_again(
    client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    await client.v1.refunds.create_async({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert refused.value.http_status == 400
    assert refused.value.code == "charge_already_refunded"


async def test_parts_add_up_to_at_most_the_captured_amount(
    client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    await client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 3000})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async(
            {"payment_intent": paid.id, "amount": 2001}
        )
    assert refused.value.http_status == 400
    rest = await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert rest.amount == 2000


async def test_the_rest_of_a_partial_capture_cannot_be_refunded(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    await client.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 2000})
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.refunds.create_async(
            {"payment_intent": held.id, "amount": 2001}
        )
    refund = await client.v1.refunds.create_async({"payment_intent": held.id})
    assert refund.amount == 2000


async def test_an_intent_that_was_never_paid_cannot_be_refunded(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refused.value.http_status == 400


async def test_a_refund_of_an_unknown_intent_is_missing(
    client: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await client.v1.refunds.create_async({"payment_intent": "pi_nobodyhasthis"})
    assert missing.value.code == "resource_missing"


async def test_refunds_are_listed_by_intent(
    client: stripe.StripeClient, paid: stripe.PaymentIntent, make_held: MakeIntent
) -> None:
    other = await make_held(capture_method="automatic")
    await client.v1.refunds.create_async({"payment_intent": other.id})
    refund = await client.v1.refunds.create_async({"payment_intent": paid.id})
    listed = await client.v1.refunds.list_async({"payment_intent": paid.id})
    assert [one.id for one in listed.data] == [refund.id]


async def test_a_refund_shows_on_the_charge(
    client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    await client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 3000})
    charge = await client.v1.charges.retrieve_async(str(paid.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (3000, False)
    assert (charge.amount_captured, charge.captured) == (5000, True)
