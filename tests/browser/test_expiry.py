"""An order whose ten seconds run out while somebody looks at it."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from client.testing.person import GOOD_CARD, Person
from embedded.visitor import Json, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Arrive = Callable[[], Awaitable[Visitor]]
Come = Callable[..., Awaitable[Person]]
Offer = Callable[..., Awaitable[Json]]


async def test_the_countdown_ends_by_itself_and_the_ticket_is_found_again(
    come_in_haste: Come, arrive: Arrive, offer: Offer
) -> None:
    seller = await arrive()
    ticket = await offer(seller, title="Gone in ten seconds")
    buyer = await come_in_haste()
    await buyer.reserve(ticket["id"])
    digits = buyer.find("[data-seconds-left]")
    await expect(digits).to_have_text("0:05")
    await expect(digits).to_have_text("0:04")

    await buyer.reach("cancelled")

    await expect(buyer.find("#order-title")).to_have_text("Time ran out")
    await expect(buyer.find("#order-title")).to_be_focused()
    await expect(buyer.find("#order-lead")).to_contain_text("You were not charged")
    await seller.wait_for_ticket(ticket["id"], "available")
    await buyer.find("#find-again").click()
    await buyer.find("#buy").click()
    await buyer.reach("pay")
    await buyer.pay_with(GOOD_CARD)
    await buyer.reach("complete")


async def test_an_order_that_ran_out_elsewhere_says_so_in_my_orders(
    come_in_haste: Come, arrive: Arrive, offer: Offer
) -> None:
    seller = await arrive()
    ticket = await offer(seller)
    buyer = await come_in_haste()
    await buyer.reserve(ticket["id"])
    await buyer.open("/orders")
    await expect(buyer.find("#orders .row")).to_contain_text("left to pay")

    await seller.wait_for_ticket(ticket["id"], "available")
    await buyer.page.reload()

    await expect(buyer.find("#orders .row")).to_contain_text("Time ran out")
