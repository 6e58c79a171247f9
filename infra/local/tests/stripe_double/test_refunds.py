"""Refunds that are pending, or fail after they looked good."""

from collections.abc import Awaitable, Callable

import pytest
import stripe

from stripe_double.testing import Double, WebhookReceiver

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]


async def refunded(client: stripe.StripeClient, paid: stripe.PaymentIntent) -> int:
    charge = await client.v1.charges.retrieve_async(str(paid.latest_charge))
    return charge.amount_refunded


async def test_r42_the_failing_card_refunds_and_then_fails(
    client: stripe.StripeClient, receiver: WebhookReceiver, make_paid: MakeIntent
) -> None:
    paid = await make_paid(payment_method="pm_card_refundFail")
    refund = await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert refund.status == "succeeded"
    await receiver.wait_for(5)
    assert set(receiver.types[2:]) == {
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
    read = await client.v1.refunds.retrieve_async(refund.id)
    assert read.status == "failed"
    assert read.failure_reason == "expired_or_canceled_card"
    assert await refunded(client, paid) == 0


async def test_the_pending_card_succeeds_later(
    client: stripe.StripeClient, receiver: WebhookReceiver, make_paid: MakeIntent
) -> None:
    paid = await make_paid(payment_method="pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert refund.status == "pending"
    await receiver.wait_for(4)
    assert set(receiver.types[2:]) == {"refund.created", "refund.updated"}
    read = await client.v1.refunds.retrieve_async(refund.id)
    assert read.status == "succeeded"


async def test_r42_a_refund_made_pending_by_chaos_waits_to_be_settled(
    double: Double, client: stripe.StripeClient, make_paid: MakeIntent
) -> None:
    paid = await make_paid()
    await double.control.set_chaos(refund_outcome="pending")
    refund = await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert refund.status == "pending"
    settled = await double.control.settle_refund(refund.id, "failed")
    assert settled["status"] == "failed"
    await double.control.calm()
    again = await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert again.status == "succeeded"
    assert await refunded(client, paid) == 5000


async def test_a_pending_refund_counts_against_the_captured_amount(
    double: Double, client: stripe.StripeClient, make_paid: MakeIntent
) -> None:
    paid = await make_paid()
    await double.control.set_chaos(refund_outcome="pending")
    await client.v1.refunds.create_async({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert refused.value.code == "charge_already_refunded"


async def test_only_metadata_of_a_refund_changes(
    client: stripe.StripeClient, make_paid: MakeIntent
) -> None:
    paid = await make_paid()
    refund = await client.v1.refunds.create_async({"payment_intent": paid.id})
    changed = await client.v1.refunds.update_async(
        refund.id, {"metadata": {"seen": "yes"}}
    )
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"seen": "yes"}
