"""Cards whose bank asks who is paying, before it lets the payment through."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from client.testing.person import CHALLENGED_CARD, GOOD_CARD, Person
from embedded.visitor import Json, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Arrive = Callable[[], Awaitable[Visitor]]
Come = Callable[..., Awaitable[Person]]
Offer = Callable[..., Awaitable[Json]]


async def test_the_bank_is_told_yes_and_the_ticket_is_bought(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    await buyer.reserve(ticket["id"])

    await buyer.pay_with(CHALLENGED_CARD)
    await buyer.tell_the_bank("Complete authentication")

    await buyer.reach("complete")


async def test_the_bank_is_told_no_and_another_card_pays(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    order_id = await buyer.reserve(ticket["id"])

    await buyer.pay_with(CHALLENGED_CARD)
    await buyer.tell_the_bank("Fail authentication")
    await expect(buyer.find("#payment-error")).to_have_text(
        "Your bank could not confirm it is you. You were not charged. "
        "Try again or use another card."
    )
    await buyer.pay_with(GOOD_CARD)

    await buyer.reach("complete")
    assert buyer.order_id == order_id


async def test_r36_the_bank_is_never_answered_and_the_order_is_paid_later(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    ticket = await offer(await arrive_patiently())
    buyer = await come()
    order_id = await buyer.reserve(ticket["id"])
    await buyer.pay_with(CHALLENGED_CARD)
    question = buyer.bank.get_by_role("button", name="Complete authentication")
    await expect(question).to_be_visible()

    await buyer.turn_page()
    await buyer.open("/orders")
    await expect(buyer.find("#orders .row")).to_contain_text("left to pay")
    await buyer.find("#orders .row .card__link").click()
    await buyer.reach("pay")
    await buyer.pay_with(GOOD_CARD)

    await buyer.reach("complete")
    assert buyer.order_id == order_id


async def test_r23_cancelling_while_the_bank_waits_wins_and_nothing_is_charged(
    come: Come, arrive_patiently: Arrive, offer: Offer
) -> None:
    seller = await arrive_patiently()
    ticket = await offer(seller)
    buyer = await come()
    order_id = await buyer.reserve(ticket["id"])
    await buyer.pay_with(CHALLENGED_CARD)
    question = buyer.bank.get_by_role("button", name="Complete authentication")
    await expect(question).to_be_visible()

    await buyer.turn_page()
    await buyer.open(f"/orders/{order_id}/cancel")
    await buyer.find("#confirm-cancel").click()

    await buyer.reach("cancelled")
    await expect(buyer.find("#order-lead")).to_contain_text("You were not charged")
    await seller.wait_for_ticket(ticket["id"], "available")
