"""3-D Secure, completed, failed, abandoned and overtaken."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
import stripe

from stripe_double.testing import Double, WebhookReceiver

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]
CARD_3DS = "4000002760003184"


async def challenge_url(double: Double, intent: stripe.PaymentIntent) -> str:
    answer = await double.control.pay(str(intent.client_secret), CARD_3DS)
    assert answer["status"] == "requires_action"
    return str(answer["next_action"]["use_stripe_sdk"]["stripe_js"])


async def post(url: str, outcome: str) -> httpx.Response:
    async with httpx.AsyncClient() as browser:
        return await browser.post(url, data={"outcome": outcome})


async def test_completing_the_challenge_holds_the_money(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    url = await challenge_url(double, intent)
    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
    assert "Complete authentication" in page.text
    assert "$50.00 usd" in page.text
    assert "challenge-over" not in page.text
    over = await post(url, "complete")
    assert 'id="over"' in over.text
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert (read.status, read.amount_capturable) == ("requires_capture", 5000)


async def test_failing_it_returns_the_intent_with_the_reason(
    double: Double,
    client: stripe.StripeClient,
    receiver: WebhookReceiver,
    make_intent: MakeIntent,
) -> None:
    intent = await make_intent()
    await post(await challenge_url(double, intent), "fail")
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert read.status == "requires_payment_method"
    assert read.last_payment_error is not None
    code = "payment_intent_authentication_failure"
    assert read.last_payment_error.code == code
    await receiver.wait_for(3)
    assert set(receiver.types) == {
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.payment_failed",
    }


async def test_r36_an_abandoned_challenge_stays_open(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await challenge_url(double, intent)
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert read.status == "requires_action"


async def test_r23_a_challenge_completed_after_the_void_changes_nothing(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    url = await challenge_url(double, intent)
    await client.v1.payment_intents.cancel_async(intent.id)
    over = await post(url, "complete")
    assert over.status_code == 200
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert (read.status, read.amount_capturable) == ("canceled", 0)


async def test_r34_a_newer_try_overtakes_an_open_challenge(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    url = await challenge_url(double, intent)
    paid = await double.control.pay(str(intent.client_secret))
    assert paid["status"] == "requires_capture"
    await post(url, "fail")
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert read.status == "requires_capture"
    assert read.last_payment_error is None


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000008400001629", "card_declined"),
        ("4000008260003178", "card_declined"),
        ("4000008400001280", "processing_error"),
    ],
)
async def test_some_cards_fail_after_their_challenge(
    double: Double,
    client: stripe.StripeClient,
    make_intent: MakeIntent,
    number: str,
    code: str,
) -> None:
    intent = await make_intent()
    await double.control.pay(str(intent.client_secret), number)
    after = await double.control.authenticate(intent.id)
    assert after["status"] == "requires_payment_method"
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert read.last_payment_error is not None
    assert read.last_payment_error.code == code


@pytest.mark.parametrize(
    ("outcome", "status"), [("complete", "succeeded"), ("fail", "failed")]
)
async def test_a_redirected_buyer_comes_back_to_the_shop(
    client: stripe.StripeClient, make_intent: MakeIntent, outcome: str, status: str
) -> None:
    intent = await make_intent()
    asked = await client.v1.payment_intents.confirm_async(
        intent.id,
        {
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.example/orders/7?tab=pay",
        },
    )
    assert asked.next_action is not None
    assert asked.next_action.redirect_to_url is not None
    back = await post(str(asked.next_action.redirect_to_url.url), outcome)
    assert back.status_code == 303
    target = httpx.URL(back.headers["location"])
    assert target.host == "shop.example"
    assert dict(target.params) == {
        "tab": "pay",
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": status,
    }


async def test_an_unknown_challenge_is_404(double: Double) -> None:
    over = await post(f"{double.url}/3ds/src_unknown", "complete")
    assert over.status_code == 404


async def test_off_session_a_challenge_is_a_decline(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.confirm_async(
            intent.id,
            {
                "payment_method": "pm_card_authenticationRequired",
                "error_on_requires_action": True,
            },
        )
    assert declined.value.code == "authentication_required"
