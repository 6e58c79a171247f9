"""Everything but the card works in a browser that runs no scripts."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from client.testing.person import Person
from embedded.visitor import Json, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Arrive = Callable[[], Awaitable[Visitor]]
Come = Callable[..., Awaitable[Person]]
Offer = Callable[..., Awaitable[Json]]


async def test_searching_reserving_and_cancelling_need_no_script(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    seller = await arrive_patiently()
    ticket = await offer(seller, title="Plainsong evening")
    buyer = await come(signed_in=False, script=False)

    await buyer.open("/")
    await buyer.fill(q="plainsong")
    await buyer.find(".search__go").click()
    await buyer.find("#tickets li .card__link").click()
    await buyer.find("#sign-in-to-buy").click()
    await buyer.press("Create an account")
    await buyer.sign_up()
    await buyer.find("#buy").click()
    await buyer.reach("pay")
    note = buyer.find("#checkout noscript .banner")
    await expect(note).to_contain_text("Card entry needs JavaScript")
    assert ", until " in await buyer.find(".timer").inner_text()
    await expect(buyer.find("#pay")).to_be_hidden()
    await buyer.find("#cancel-order").click()
    await buyer.find("#confirm-cancel").click()

    await buyer.reach("cancelled")
    await seller.wait_for_ticket(ticket["id"], "available")


async def test_selling_needs_no_script(come: Come) -> None:
    seller = await come(script=False)
    seller.expects(422)

    await seller.open("/sell")
    await seller.fill(title="By hand", price="1,000.5.")
    await seller.find("#submit-listing").click()
    await expect(seller.find("#price-error")).not_to_be_empty()
    await seller.fill(price="1,000.50")
    await seller.find("#submit-listing").click()
    await expect(seller.find("#total")).to_have_text("$1,100.55")
    await seller.find("#withdraw").click()
    await seller.find("#confirm-withdraw").click()

    await expect(seller.find("#listings .row")).to_contain_text("Withdrawn")


async def test_filters_pages_and_sorting_need_no_script(
    come: Come, arrive_patiently: Arrive
) -> None:
    seller = await arrive_patiently()
    for price in range(1_000, 1_021):
        await seller.list_ticket(title="Long row of seats", price=price)
    reader = await come(signed_in=False, script=False)

    await reader.open("/")
    await reader.find(".search__more summary").click()
    await reader.fill(q="long row", min_price="10")
    await reader.find("#sort").select_option("price")
    await reader.find(".search__go").click()
    cards = reader.find("#tickets li")
    await expect(cards).to_have_count(20)
    await expect(cards.first).to_contain_text("$11.00")
    await reader.find("#more").click()
    await expect(cards).to_have_count(1)
    await reader.find(".search__more").wait_for()
    await reader.fill(max_price="5")
    await reader.find(".search__go").click()

    await expect(reader.find("#max_price-error")).not_to_be_empty()
