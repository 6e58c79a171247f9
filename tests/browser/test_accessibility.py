"""The pages for people with screen readers, keyboards, small windows, dark screens."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Final, Literal

import pytest
from playwright.async_api import expect

from client.testing.person import GOOD_CARD, PASSWORD, Person
from embedded.visitor import Json, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Arrive = Callable[[], Awaitable[Visitor]]
Come = Callable[..., Awaitable[Person]]
Offer = Callable[..., Awaitable[Json]]

AXE: Final = files("axe_playwright_python").joinpath("axe.min.js")
PHONE: Final = 320
LONG_WORD: Final = "Donaudampfschifffahrtsgesellschaftsjubilaeumskonzertabend"
TABS_AT_MOST: Final = 40
# Halfway between two colours, contrast is nobody's intention.
TRANSITIONS_OVER: Final = """() => Promise.allSettled(
  document.getAnimations()
    .filter((it) => it instanceof CSSTransition)
    .map((it) => it.finished)
)"""
GRAVE: Final = ("serious", "critical")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_serious_barrier(
    come: Come,
    arrive_patiently: Arrive,
    offer: Offer,
    scheme: Literal["light", "dark"],
) -> None:
    ticket = await offer(await arrive_patiently(), title="For everyone")
    person = await come(signed_in=False, scheme=scheme)
    person.expects_missing("/nowhere")
    found = {}

    for path in ("/", f"/tickets/{ticket['id']}", "/signin", "/signup", "/nowhere"):
        found[path] = await _barriers(person, path)
    await person.open("/signup")
    await person.sign_up()
    order_id = await person.reserve(ticket["id"])
    await expect(person.find("#pay")).to_be_enabled()
    found["checkout"] = await _barriers(person)
    for path in ("/sell", "/listings", "/orders", "/account"):
        found[path] = await _barriers(person, path)
    found["cancel"] = await _barriers(person, f"/orders/{order_id}/cancel")
    await person.open(f"/orders/{order_id}")
    await person.pay_with(GOOD_CARD)
    await person.reach("complete")
    found["receipt"] = await _barriers(person)

    assert {path: barriers for path, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_problems_and_dialogs_have_no_serious_barrier(
    come: Come,
    arrive_patiently: Arrive,
    offer: Offer,
    scheme: Literal["light", "dark"],
) -> None:
    ticket = await offer(await arrive_patiently(), title="Trouble ahead")
    person = await come(scheme=scheme)
    person.expects(422)
    found = {}

    await person.open("/sell")
    await person.fill(title="Bad amount", price="1.234")
    await person.find("#submit-listing").click()
    await expect(person.find("#price-error")).to_be_visible()
    found["form"] = await _barriers(person)
    found["nothing"] = await _barriers(person, "/?q=nothing+has+this+name")
    await person.reserve(ticket["id"])
    await person.pay_with("4242 4242 4242 4241")
    await expect(person.find("#payment-error")).to_be_visible()
    found["declined"] = await _barriers(person)
    await person.find("#cancel-order").click()
    found["dialog"] = await _barriers(person)
    dialog = person.find("#cancel-dialog")
    await dialog.get_by_role("button", name="Cancel the order").click()
    await person.reach("cancelled")
    found["cancelled"] = await _barriers(person)

    assert {path: barriers for path, barriers in found.items() if barriers} == {}


async def test_a_ticket_is_bought_with_the_keyboard_alone(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    await offer(await arrive_patiently(), title="Keys only")
    person = await come(signed_in=False)

    await person.open("/?q=keys+only")
    await _tab_to(person, "#tickets .card__link")
    await person.page.keyboard.press("Enter")
    await _tab_to(person, "#sign-in-to-buy")
    await person.page.keyboard.press("Enter")
    await _tab_to(person, "main .form__other a")
    await person.page.keyboard.press("Enter")
    await _tab_to(person, "#email")
    await person.page.keyboard.type(person.email)
    await person.page.keyboard.press("Tab")
    await person.page.keyboard.type(PASSWORD)
    await person.page.keyboard.press("Enter")
    await _tab_to(person, "#buy")
    await person.page.keyboard.press("Enter")
    await person.reach("pay")
    await expect(person.find("#pay")).to_be_enabled()
    await _tab_to(person, "#payment-element iframe")
    for text in ("4242424242424242", "1234", "123"):
        await person.page.keyboard.type(text)
        await person.page.keyboard.press("Tab")
    await expect(person.find("#pay")).to_be_focused()
    await person.page.keyboard.press("Enter")

    await person.reach("complete")
    await expect(person.find("#order-title")).to_be_focused()


async def test_the_skip_link_comes_first_and_leads_to_the_content(come: Come) -> None:
    visitor = await come(signed_in=False)
    await visitor.open("/")

    await visitor.page.keyboard.press("Tab")
    await expect(visitor.find(".skip-link")).to_be_focused()
    await expect(visitor.find(".skip-link")).to_be_in_viewport()
    await visitor.page.keyboard.press("Enter")

    await expect(visitor.find("#main")).to_be_focused()


async def test_escape_closes_the_question_and_the_focus_returns(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    await buyer.reserve(ticket["id"])

    await _tab_to(buyer, "#cancel-order")
    await buyer.page.keyboard.press("Enter")
    await expect(buyer.find("#cancel-dialog")).to_be_visible()
    await buyer.page.keyboard.press("Escape")

    await expect(buyer.find("#cancel-dialog")).to_be_hidden()
    await expect(buyer.find("#cancel-order")).to_be_focused()


async def test_nothing_is_wider_than_a_small_phone(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    seller = await arrive_patiently()
    words = {"title": LONG_WORD, "venue": LONG_WORD, "city": LONG_WORD}
    ticket = await offer(seller, **words, price=90_000_000)
    person = await come(width=PHONE)
    paths = ("/", f"/?q={LONG_WORD}", "/signin", "/sell", "/account", "/nowhere")
    person.expects_missing("/nowhere")
    too_wide = []

    for path in (*paths, f"/tickets/{ticket['id']}"):
        await person.open(path)
        too_wide += await _overflow(person)
    order_id = await person.reserve(ticket["id"])
    await expect(person.find("#pay")).to_be_enabled()
    too_wide += await _overflow(person)
    for path in ("/orders", f"/orders/{order_id}/cancel"):
        await person.open(path)
        too_wide += await _overflow(person)

    assert too_wide == []


async def test_a_phones_menu_opens_and_leads_on(come: Come) -> None:
    person = await come(width=PHONE)

    await person.open("/")
    await person.find(".menu__button").click()
    await person.find(".menu__panel").get_by_role("link", name="My orders").click()

    await expect(person.find("h1")).to_have_text("My orders")
    await expect(person.find(".empty")).to_contain_text("No orders yet")


async def _barriers(person: Person, path: str | None = None) -> list[str]:
    """What axe-core finds serious or critical on a page, each with its elements."""
    if path is not None:
        await person.open(path)
    await person.page.evaluate(AXE.read_text(encoding="utf-8"))
    await person.page.evaluate(TRANSITIONS_OVER)
    # The card form is Stripe's; of its frame only the title is ours to check.
    results: dict[str, Any] = await person.page.evaluate("axe.run({iframes: false})")
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in results["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


async def _tab_to(person: Person, selector: str) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    wanted = person.find(selector).first
    await expect(wanted).to_be_visible()
    for _ in range(TABS_AT_MOST):
        if await wanted.evaluate("it => it === document.activeElement"):
            return
        await person.page.keyboard.press("Tab")
    pytest.fail(f"{TABS_AT_MOST} tabs did not lead to {selector}")


async def _overflow(person: Person) -> list[str]:
    """The page, if one has to scroll it sideways, with the elements that stick out."""
    found: list[str] = await person.page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          const all = [...document.querySelectorAll("body *")];
          const out = all.filter((it) => it.getBoundingClientRect().right > width);
          return out.map((it) => `${location.pathname}: ${it.outerHTML.slice(0, 150)}`);
        }"""
    )
    return found
