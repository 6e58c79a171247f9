"""Listing a ticket and looking after it, in a browser."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from client.testing.person import Person
from embedded.visitor import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Arrive = Callable[[], Awaitable[Visitor]]
Come = Callable[..., Awaitable[Person]]

EVENT = {
    "title": "The Late Shift",
    "venue": "Old Hall",
    "city": "Bergen",
    "date": "2099-06-14",
    "time": "19:30",
    "timezone": "Europe/Oslo",
    "section": "B",
    "row": "12",
    "seat": "7",
    "price": "$1,234.50",
}


async def test_a_ticket_is_listed_with_dollars_and_cents(come: Come) -> None:
    seller = await come(signed_in=False)
    await seller.open("/")
    await seller.press_in_header("Sell tickets")
    await seller.press("Create an account")
    await seller.sign_up()
    await expect(seller.page).to_have_url(re.compile("/sell"))

    await seller.fill(**EVENT)
    await expect(seller.find("#price-preview")).to_have_text(
        "Buyers see $1,357.95, fees of $123.45 included."
    )
    await seller.find("#submit-listing").click()

    await expect(seller.find("#notice")).to_contain_text("Your ticket is on sale")
    await expect(seller.find("#total")).to_have_text("$1,357.95")
    main = seller.find("main")
    await expect(main).to_contain_text("You receive $1,234.50")
    await expect(main).to_contain_text("7:30 PM")
    await expect(main).to_contain_text("Old Hall")


async def test_r03_ones_own_ticket_offers_editing_and_no_buying(come: Come) -> None:
    seller = await come()

    await _list(seller)

    await expect(seller.find("#edit")).to_be_visible()
    await expect(seller.find("#buy")).to_have_count(0)


async def test_a_bad_amount_is_told_at_its_field_and_nothing_typed_is_lost(
    come: Come,
) -> None:
    seller = await come()
    seller.expects(422)
    await seller.open("/sell")
    await seller.fill(**EVENT)

    for price in ("12.345", "twelve", "0", "-5"):
        await seller.fill(price=price)
        await seller.find("#submit-listing").click()

        await expect(seller.find("#form-problem")).to_be_visible()
        await expect(seller.find("#price-error")).not_to_be_empty()
        await expect(seller.find("#price")).to_have_attribute("aria-invalid", "true")
        for name, text in {**EVENT, "price": price}.items():
            await expect(seller.find(f"#{name}")).to_have_value(text)


async def test_a_listing_is_edited_and_buyers_see_the_change(come: Come) -> None:
    seller, reader = await come(), await come(signed_in=False)
    await _list(seller)
    path = seller.path

    await seller.find("#edit").click()
    await expect(seller.find("#price")).to_have_value("$1,234.50")
    await expect(seller.find("#time")).to_have_value("19:30")
    await seller.fill(price="20", title="The Early Shift")
    await seller.find("#submit-listing").click()

    await expect(seller.find("#notice")).to_contain_text("saved")
    await reader.open(path)
    await expect(reader.find("#ticket-title")).to_have_text("The Early Shift")
    await expect(reader.find("#total")).to_have_text("$22.00")


async def test_an_edit_made_to_an_older_version_is_compared_first(come: Come) -> None:
    seller = await come()
    seller.expects(412)
    await _list(seller)
    await seller.find("#edit").click()
    other_tab = await seller.context.new_page()
    await other_tab.goto(seller.path)
    await other_tab.locator("#price").fill("30")
    await other_tab.locator("#submit-listing").click()
    await expect(other_tab.locator("#notice")).to_contain_text("saved")

    await seller.fill(city="Oslo", price="1234.50")
    await seller.find("#submit-listing").click()
    changes = seller.find("#changes tbody tr")
    await expect(changes).to_have_text(
        [
            re.compile(r"You receive\s*\$30\.00\s*1234\.50"),
            re.compile(r"City\s*Bergen\s*Oslo"),
        ]
    )
    await seller.find("#submit-listing").click()

    await expect(seller.find("#total")).to_have_text("$1,357.95")


async def test_r06_a_listing_is_closed_for_changes_while_somebody_pays(
    come: Come, arrive_patiently: Arrive
) -> None:
    seller, buyer = await come(), await arrive_patiently()
    seller.expects(409)
    await _list(seller)
    ticket_id = seller.path.rpartition("/")[2]
    await seller.find("#edit").click()
    await seller.fill(price="9")
    order = await buyer.order(ticket_id)
    await buyer.wait_for_order(order["id"], "awaiting:payment")

    await seller.find("#submit-listing").click()
    await expect(seller.find("#form-problem")).to_contain_text("reserved")
    await seller.open(f"/listings/{ticket_id}/withdraw")
    await seller.find("#confirm-withdraw").click()
    await expect(seller.find("#notice")).to_contain_text("cannot be withdrawn")

    await expect(seller.find("#listings .row")).to_contain_text("Reserved")
    assert (await buyer.ticket(ticket_id))["price"] == 123_450


async def test_a_listing_is_withdrawn_after_asking(come: Come) -> None:
    seller = await come()
    await _list(seller)

    await seller.find("#withdraw").click()
    dialog = seller.find("#withdraw-dialog")
    await dialog.get_by_role("button", name="Withdraw").click()

    await expect(seller.find("#notice")).to_contain_text("no longer for sale")
    await expect(seller.find("#listings .row")).to_contain_text("Withdrawn")


async def _list(seller: Person) -> None:
    await seller.open("/sell")
    await seller.fill(**EVENT)
    await seller.find("#submit-listing").click()
    await expect(seller.find("#notice")).to_contain_text("on sale")
