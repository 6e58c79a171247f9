"""Buying a ticket in a browser, from the search to the receipt."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from client.testing.person import GOOD_CARD, POOR_CARD, Person
from embedded.visitor import Json, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Arrive = Callable[[], Awaitable[Visitor]]
Come = Callable[..., Awaitable[Person]]
Offer = Callable[..., Awaitable[Json]]


async def test_a_visitor_finds_a_ticket_signs_up_on_the_way_and_buys_it(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    seller = await arrive_patiently()
    ticket = await offer(seller, title="Zephyr Quartet", city="Lund", price=12_345)
    await offer(seller, title="Zephyr Quartet far away", city="Oslo")
    visitor = await come(signed_in=False)

    await visitor.open("/")
    await visitor.fill(q="zephyr", city="Lund")
    await visitor.find(".search__go").click()
    await expect(visitor.find("#tickets li")).to_have_count(1)
    await visitor.find("#tickets li .card__link").click()
    await expect(visitor.find("#total")).to_have_text("$135.80")
    await visitor.find("#sign-in-to-buy").click()
    await visitor.press("Create an account")
    await visitor.sign_up()
    await expect(visitor.page).to_have_url(re.compile(f"/tickets/{ticket['id']}"))
    await visitor.find("#buy").click()
    await visitor.reach("pay")
    await expect(visitor.find("#pay")).to_have_text("Pay $135.80")
    await visitor.pay_with(GOOD_CARD)

    await visitor.reach("complete")
    await expect(visitor.find("#order-title")).to_have_text("It's yours")
    await visitor.find("main").get_by_role("link", name="My orders").last.click()
    row = visitor.find("#orders .row")
    await expect(row).to_contain_text("Complete")
    await row.locator(".card__link").click()
    await visitor.reach("complete")
    await seller.wait_for_ticket(ticket["id"], "sold")
    await visitor.open(f"/tickets/{ticket['id']}")
    await expect(visitor.find("#not-for-sale")).to_have_text("This ticket is sold")


async def test_r35_a_declined_card_is_told_in_plain_words_and_another_one_pays(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    order_id = await buyer.reserve(ticket["id"])
    buyer.expects(402)

    await buyer.pay_with(POOR_CARD)
    problem = buyer.find("#payment-error")
    await expect(problem).to_have_text(
        "There is not enough money on this card. You were not charged. "
        "Try again or use another card."
    )
    await buyer.reach("pay")
    await buyer.pay_with(GOOD_CARD)

    await buyer.reach("complete")
    assert buyer.order_id == order_id


async def test_a_decline_is_still_told_after_coming_back_to_the_page(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    order_id = await buyer.reserve(ticket["id"])
    buyer.expects(402)
    await buyer.pay_with(POOR_CARD)
    await expect(buyer.find("#payment-error")).to_be_visible()

    await _reload_until(buyer, "#declined")

    await expect(buyer.find("#declined")).to_contain_text("You were not charged")
    await buyer.pay_with(GOOD_CARD)
    await buyer.reach("complete")
    assert buyer.order_id == order_id


async def test_a_wrong_card_number_is_told_before_anything_is_sent(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    await buyer.reserve(ticket["id"])

    await buyer.pay_with("4242 4242 4242 4241")

    await expect(buyer.find("#payment-error")).not_to_be_empty()
    await expect(buyer.find("#pay")).to_be_enabled()
    await buyer.reach("pay")


async def test_a_reserved_ticket_is_cancelled_from_the_checkout_and_on_sale_again(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    seller = await arrive_patiently()
    ticket = await offer(seller)
    buyer = await come()
    await buyer.reserve(ticket["id"])

    await buyer.find("#cancel-order").click()
    dialog = buyer.find("#cancel-dialog")
    await dialog.get_by_role("button", name="Keep it").click()
    await expect(dialog).to_be_hidden()
    await buyer.find("#cancel-order").click()
    await dialog.get_by_role("button", name="Cancel the order").click()

    await buyer.reach("cancelled")
    await expect(buyer.find("#order-lead")).to_contain_text("You were not charged")
    await seller.wait_for_ticket(ticket["id"], "available")
    await buyer.find("#find-again").click()
    await expect(buyer.find("#buy")).to_be_enabled()


async def test_r01_of_two_browsers_one_gets_the_ticket_the_other_plain_words(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently(), title="Only one of these")
    buyers = [await come(), await come()]
    for buyer in buyers:
        buyer.expects(409)
        await buyer.open(f"/tickets/{ticket['id']}")
        await expect(buyer.find("#buy")).to_be_enabled()

    await asyncio.gather(*(buyer.find("#buy").click() for buyer in buyers))

    outcome = [buyer.find('#order[data-stage="pay"], #refusal') for buyer in buyers]
    await asyncio.gather(*(expect(found).to_be_visible() for found in outcome))
    losers = [b for b in buyers if await b.find("#refusal").count()]
    assert len(losers) == 1
    await expect(losers[0].find("#refusal")).to_contain_text("Just taken")
    await expect(losers[0].find("#similar")).to_be_visible()
    await expect(losers[0].find("#buy")).to_have_count(0)


async def test_r02_buying_in_two_tabs_leads_to_the_one_order(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    buyer.expects(409)
    other_tab = await buyer.context.new_page()
    await other_tab.goto(f"/tickets/{ticket['id']}")
    order_id = await buyer.reserve(ticket["id"])

    await other_tab.locator("#buy").click()
    await expect(other_tab.locator("#refusal")).to_contain_text("already hold")
    await other_tab.locator("#go-to-order").click()

    await expect(other_tab).to_have_url(re.compile(f"/orders/{order_id}"))


async def test_r04_a_price_that_changed_meanwhile_is_shown_before_anything_is_ordered(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    seller = await arrive_patiently()
    ticket = await offer(seller, title="Dearer", price=2_000)
    buyer = await come()
    buyer.expects(409)
    await buyer.open(f"/tickets/{ticket['id']}")
    await seller.http.put(
        f"/api/tickets/{ticket['id']}",
        json={"title": "Dearer", "price": 3_000},
        headers={"If-Match": f'"{ticket["version"]}"'},
    )

    await buyer.find("#buy").click()
    await expect(buyer.find("#refusal")).to_contain_text("price has changed")

    await expect(buyer.find("#total")).to_have_text("$33.00")
    await expect(buyer.find("#buy")).to_have_text("Buy at $33.00")
    await buyer.find("#buy").click()
    await buyer.reach("pay")
    await expect(buyer.find("#pay")).to_have_text("Pay $33.00")


async def test_r39_a_session_lost_at_the_checkout_returns_to_it_after_signing_in(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    order_id = await buyer.reserve(ticket["id"])

    await buyer.context.clear_cookies()
    await buyer.page.reload()
    await expect(buyer.page).to_have_url(re.compile("/signin"))
    await buyer.sign_in()

    await expect(buyer.page).to_have_url(re.compile(f"/orders/{order_id}$"))
    await buyer.pay_with(GOOD_CARD)
    await buyer.reach("complete")


async def _reload_until(person: Person, selector: str) -> None:
    """Load the page anew until it shows what the services first have to hear of."""
    while not await person.find(selector).count():
        await person.page.reload()
        await person.reach("pay")
