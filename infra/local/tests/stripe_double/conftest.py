"""A running double, a client for it, and a place that receives its webhooks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
import pytest_asyncio
import stripe
from stripe.params import PaymentIntentCreateParams

from stripe_double.testing import (
    Double,
    WebhookReceiver,
    receiving_webhooks,
    running_double,
    stripe_client,
)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with receiving_webhooks() as taker:
        yield taker


@pytest_asyncio.fixture
async def double(receiver: WebhookReceiver) -> AsyncIterator[Double]:
    async with running_double(webhook_url=receiver.url) as running:
        yield running


@pytest_asyncio.fixture
async def client(double: Double) -> AsyncIterator[stripe.StripeClient]:
    async with stripe_client(double.url) as connected:
        yield connected


@pytest.fixture
def make_intent(
    client: stripe.StripeClient,
) -> Callable[..., Awaitable[stripe.PaymentIntent]]:
    async def make(**overrides: object) -> stripe.PaymentIntent:
        params = {
            "amount": 5000,
            "currency": "usd",
            "capture_method": "manual",
            "allowed_payment_method_types": ["card"],
            **overrides,
        }
        return await client.v1.payment_intents.create_async(
            cast("PaymentIntentCreateParams", params)
        )

    return make


@pytest.fixture
def make_paid(
    make_intent: Callable[..., Awaitable[stripe.PaymentIntent]],
) -> Callable[..., Awaitable[stripe.PaymentIntent]]:
    async def make(**overrides: object) -> stripe.PaymentIntent:
        paying = {"confirm": "true", "payment_method": "pm_card_visa"}
        return await make_intent(
            **{**paying, "capture_method": "automatic", **overrides}
        )

    return make
