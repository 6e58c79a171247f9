"""Where the contract runs: on the double always, on Stripe with a test key.

One suite for both keeps the double honest. Without STRIPE_TEST_KEY only the
double is there to be asked, so only it appears; nothing is skipped.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import cast

import pytest
import pytest_asyncio
import stripe
from stripe.params import PaymentIntentCreateParams

from stripe_double.testing import running_double

TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")
TARGETS: list[object] = ["double"]
if TEST_KEY:
    TARGETS.append(pytest.param("stripe test mode", marks=pytest.mark.stripe))


@pytest_asyncio.fixture(params=TARGETS)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[stripe.StripeClient]:
    async with AsyncExitStack() as stack:
        http = stripe.HTTPXClient(timeout=20)
        stack.push_async_callback(http.close_async)
        if request.param != "double":
            yield stripe.StripeClient(TEST_KEY, http_client=http)
            return
        running = await stack.enter_async_context(running_double())
        yield stripe.StripeClient(
            running.secret_key,
            http_client=http,
            max_network_retries=0,
            base_addresses={"api": running.url},
        )


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
def make_held(
    make_intent: Callable[..., Awaitable[stripe.PaymentIntent]],
) -> Callable[..., Awaitable[stripe.PaymentIntent]]:
    """Intents whose money is held on a card."""

    async def make(**overrides: object) -> stripe.PaymentIntent:
        return await make_intent(
            **{"confirm": "true", "payment_method": "pm_card_visa", **overrides}
        )

    return make
