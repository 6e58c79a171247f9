"""What the browser may do with its publishable key and a client secret."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
import stripe

from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]


async def get(double: Double, path: str, **params: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=double.url) as browser:
        return await browser.get(
            path, params=params, headers={"Origin": "https://shop.example"}
        )


async def test_a_typed_card_pays(
    double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    paid = await double.control.pay(str(intent.client_secret))
    assert paid["status"] == "requires_capture"
    read = await client.v1.payment_intents.retrieve_async(
        intent.id, {"expand": ["payment_method"]}
    )
    assert isinstance(read.payment_method, stripe.PaymentMethod)
    assert read.payment_method.card is not None
    assert read.payment_method.card.last4 == "4242"


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4000000000000341", "card_declined", "generic_decline"),
        ("4111111111111111", "card_declined", "test_mode_live_card"),
    ],
)
async def test_declines_by_number(
    double: Double,
    make_intent: MakeIntent,
    number: str,
    code: str,
    decline_code: str,
) -> None:
    intent = await make_intent()
    error = (await double.control.pay(str(intent.client_secret), number))["error"]
    assert error["type"] == "card_error"
    assert (error["code"], error["decline_code"]) == (code, decline_code)
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert "metadata" not in error["payment_intent"]


@pytest.mark.parametrize(
    ("number", "cvc", "code"),
    [("4242424242424241", "123", "incorrect_number"), ("4242424242424242", "1", "x")],
)
async def test_a_mistyped_card_is_refused_before_the_bank_is_asked(
    double: Double,
    client: stripe.StripeClient,
    make_intent: MakeIntent,
    number: str,
    cvc: str,
    code: str,
) -> None:
    intent = await make_intent()
    answer = await double.control.pay(str(intent.client_secret), number, cvc)
    assert answer["error"]["code"] == ("invalid_cvc" if code == "x" else code)
    charges = await client.v1.charges.list_async({"payment_intent": intent.id})
    assert charges.data == []


async def test_the_browser_sees_only_public_fields(
    double: Double, make_intent: MakeIntent
) -> None:
    intent = await make_intent(metadata={"order": "secret"})
    answer = await get(
        double,
        f"/v1/payment_intents/{intent.id}",
        key=double.publishable_key,
        client_secret=str(intent.client_secret),
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    seen = answer.json()
    assert seen["status"] == "requires_payment_method"
    assert seen["payment_method_types"] == ["card"]
    assert not {"metadata", "latest_charge", "_challenge"} & seen.keys()


async def test_i13_without_the_client_secret_nothing_is_shown(
    double: Double, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    answer = await get(
        double,
        f"/v1/payment_intents/{intent.id}",
        key=double.publishable_key,
        client_secret=f"{intent.id}_secret_guessed",
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "client_secret"
    assert str(intent.client_secret) not in answer.text


@pytest.mark.parametrize("path", ["/v1/payment_intents", "/v1/events", "/v1/refunds"])
async def test_the_publishable_key_lists_nothing(double: Double, path: str) -> None:
    answer = await get(double, path, key=double.publishable_key)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "secret_key_required"


async def test_a_server_that_sends_card_numbers_is_refused(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.StripeError) as refused:
        await client.raw_request_async(
            "post",
            f"/v1/payment_intents/{intent.id}/confirm",
            payment_method_data={
                "type": "card",
                "card": {"number": "4242424242424242"},
            },
        )
    assert "unsafe" in str(refused.value)


async def test_the_script_and_its_frame_are_served(double: Double) -> None:
    for path in ("/v3/", "/v3/stripe.js"):
        script = await get(double, path)
        assert script.headers["content-type"].startswith("text/javascript")
        assert "window.Stripe" in script.text
    frame = await get(double, "/elements/payment")
    assert "script-src 'self'" in frame.headers["content-security-policy"]
    assert (await get(double, "/v3/secrets.txt")).status_code == 404
