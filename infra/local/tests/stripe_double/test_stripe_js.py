"""The Stripe.js stand-in in a real browser, on a shop's page of another origin."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
import stripe
from playwright.async_api import Browser, FrameLocator, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from stripe_double.testing import Double, serving

pytestmark = [pytest.mark.asyncio, pytest.mark.browser]
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]
# The system's Chromium where there is one, else the one Playwright brings.
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
CONFIRM = """async () => {
  const result = await window.stripe.confirmPayment({
    elements: window.elements,
    confirmParams: { return_url: window.location.href },
    redirect: "if_required",
  });
  return JSON.parse(JSON.stringify(result));
}"""
SHOP = """<!doctype html><html lang="en"><title>Shop</title>
<script src="{origin}/v3/"></script><main id="pay"></main>"""
MOUNT = """([key, clientSecret]) => new Promise((resolve) => {
  window.stripe = window.Stripe(key);
  window.elements = window.stripe.elements({
    clientSecret,
    appearance: { variables: { colorPrimary: "#0a7d4f", borderRadius: "9px" } },
  });
  const payment = window.elements.create("payment");
  payment.on("ready", () => resolve());
  payment.mount("#pay");
})"""


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield running
        await running.close()


@pytest_asyncio.fixture
async def shop(double: Double, browser: Browser) -> AsyncIterator[Page]:
    """A page with the strict policy a shop would have."""
    policy = (
        f"default-src 'none'; script-src {double.url}; frame-src {double.url}; "
        f"connect-src {double.url}; style-src 'none'"
    )

    async def page(_: Request) -> Response:
        html = SHOP.format(origin=double.url)
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    async with serving(Starlette(routes=[Route("/", page)])) as url:
        opened = await browser.new_page()
        await opened.goto(url)
        yield opened
        await opened.close()


async def mount(
    shop: Page, double: Double, intent: stripe.PaymentIntent
) -> FrameLocator:
    await shop.evaluate(MOUNT, [double.publishable_key, intent.client_secret])
    return shop.frame_locator('iframe[title="Secure payment input frame"]')


async def type_card(card: FrameLocator, number: str) -> None:
    await card.get_by_label("Card number").fill(number)
    await card.get_by_label("Expiry date").fill("12 / 40")
    await card.get_by_label("CVC").fill("123")


async def test_a_typed_card_is_held(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    card = await mount(shop, double, await make_intent())
    await type_card(card, "4242424242424242")
    await expect(card.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    result = await shop.evaluate(CONFIRM)
    assert result["paymentIntent"]["status"] == "requires_capture"


async def test_the_fields_wear_the_colours_of_the_shop(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    card = await mount(shop, double, await make_intent())
    await expect(card.locator("input[name=number]")).to_have_css("border-radius", "9px")


async def test_r35_a_decline_is_told_and_the_next_card_pays(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    card = await mount(shop, double, await make_intent())
    await type_card(card, "4000000000009995")
    error = (await shop.evaluate(CONFIRM))["error"]
    assert (error["type"], error["code"]) == ("card_error", "card_declined")
    assert error["decline_code"] == "insufficient_funds"
    assert error["message"] == "Your card has insufficient funds."
    await type_card(card, "4242424242424242")
    result = await shop.evaluate(CONFIRM)
    assert result["paymentIntent"]["status"] == "requires_capture"


async def test_an_incomplete_card_is_shown_where_it_is_incomplete(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    card = await mount(shop, double, await make_intent())
    await card.get_by_label("Card number").fill("4242")
    submitted = await shop.evaluate("() => window.elements.submit()")
    assert submitted["error"]["code"] == "incomplete_number"
    await expect(card.get_by_text("Your card number is incomplete.")).to_be_visible()
    number = card.get_by_label("Card number")
    await expect(number).to_have_attribute("aria-invalid", "true")
    await expect(number).to_be_focused()


@pytest.mark.parametrize(
    ("button", "outcome"),
    [("Complete authentication", "requires_capture"), ("Fail authentication", None)],
)
async def test_the_challenge_opens_over_the_shop_and_decides(
    shop: Page,
    double: Double,
    make_intent: MakeIntent,
    button: str,
    outcome: str | None,
) -> None:
    card = await mount(shop, double, await make_intent())
    await type_card(card, "4000002760003184")
    await shop.evaluate(f"() => {{ window.result = ({CONFIRM})(); }}")
    dialog = shop.get_by_role("dialog", name="3-D Secure authentication")
    bank = dialog.frame_locator("iframe")
    await bank.get_by_role("button", name=button).click()
    result = await shop.evaluate("() => window.result")
    await expect(dialog).to_have_count(0)
    if outcome is None:
        code = "payment_intent_authentication_failure"
        assert result["error"]["code"] == code
        assert "unable to authenticate" in result["error"]["message"]
    else:
        assert result["paymentIntent"]["status"] == outcome


async def test_the_shop_can_look_at_its_intent(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await mount(shop, double, intent)
    secret = json.dumps(intent.client_secret)
    seen = await shop.evaluate(f"() => window.stripe.retrievePaymentIntent({secret})")
    assert seen["paymentIntent"]["id"] == intent.id
    wrong = await shop.evaluate(
        '() => window.stripe.retrievePaymentIntent("pi_x_secret_y")'
    )
    assert wrong["error"]["code"] == "resource_missing"


async def test_the_shop_lets_the_buyer_finish_what_the_server_began(
    shop: Page, double: Double, client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await mount(shop, double, intent)
    await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_authenticationRequired"}
    )
    secret = json.dumps({"clientSecret": intent.client_secret})
    await shop.evaluate(
        f"() => {{ window.result = window.stripe.handleNextAction({secret}); }}"
    )
    bank = shop.get_by_role("dialog").frame_locator("iframe")
    await bank.get_by_role("button", name="Complete authentication").click()
    result = await shop.evaluate("() => window.result")
    assert result["paymentIntent"]["status"] == "requires_capture"


async def test_without_if_required_the_buyer_is_sent_to_the_return_url(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    card = await mount(shop, double, intent)
    await type_card(card, "4242424242424242")
    always = CONFIRM.replace("if_required", "always")
    await shop.evaluate(f"() => {{ ({always})(); }}")
    await shop.wait_for_url("**redirect_status=succeeded**")
    assert f"payment_intent={intent.id}" in shop.url


async def test_the_page_of_the_shop_never_holds_the_number(
    shop: Page, double: Double, make_intent: MakeIntent
) -> None:
    card = await mount(shop, double, await make_intent())
    await type_card(card, "4242424242424242")
    assert "4242" not in await shop.content()
    assert await shop.evaluate("() => document.querySelectorAll('input').length") == 0
