"""The ticket page and reserving: who may buy, and every way it can be refused."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.testing import FakeServices
from common.ids import is_id

pytestmark = pytest.mark.asyncio
ID = "018f0000-0000-7000-8000-000000000001"
ORDER_ID = "018f1111-0000-7000-8000-000000000001"
PAGE = f"/tickets/{ID}"
GET = f"GET /api/tickets/{ID}"
BUY = "POST /api/orders"
Make = Callable[..., dict[str, Any]]


async def test_a_visitor_sees_everything_and_is_asked_to_sign_in(
    browser: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket())
    page = await browser.get(PAGE)
    for text in ("Nova Harmonic", "$89.50", "$8.95", "$98.45", "The Armory"):
        assert text in page.text
    assert f'href="/signin?next={PAGE}"' in page.text
    assert 'id="buy"' not in page.text
    assert page.headers["cache-control"] == "public, max-age=1"


async def test_a_buyer_gets_a_form_with_the_version_seen_and_a_fresh_key(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(version=7))
    first, second = await signed_in.get(PAGE), await signed_in.get(PAGE)
    assert 'name="version" value="7"' in first.text
    assert 'id="buy"' in first.text
    key = 'name="key" value="'
    assert first.text.split(key)[1][:36] != second.text.split(key)[1][:36]


async def test_a_seller_gets_edit_and_withdraw_instead(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(user_id="u-me"))
    page = await signed_in.get(PAGE)
    assert f'href="/listings/{ID}/edit"' in page.text
    assert f'href="/listings/{ID}/withdraw"' in page.text
    assert 'id="buy"' not in page.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("reserved", "Somebody is buying this ticket"),
        ("sold", "This ticket is sold"),
        ("withdrawn", "No longer for sale"),
    ],
)
async def test_what_is_not_on_sale_says_so_and_has_no_button(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_ticket: Make,
    status: str,
    words: str,
) -> None:
    services.answer(GET, make_ticket(status=status))
    page = await signed_in.get(PAGE)
    assert words in page.text
    assert 'id="buy"' not in page.text


async def test_buying_orders_the_version_seen_and_opens_the_order(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(BUY, make_order(), 201)
    answer = await signed_in.post(
        f"{PAGE}/reserve", data={"version": "3", "key": ORDER_ID}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/orders/{ORDER_ID}"
    assert services.sent(BUY) == {"ticket_id": ID, "ticket_version": 3}
    assert services.calls(BUY)[0].headers["idempotency-key"] == ORDER_ID


async def test_a_visitor_who_buys_signs_in_first_and_comes_back(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    answer = await browser.post(f"{PAGE}/reserve", data={"version": "3"})
    assert answer.headers["location"] == f"/signin?next={PAGE}"
    assert not services.calls(BUY)


async def test_a_session_that_ended_signs_in_and_comes_back(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse(BUY, 401)
    answer = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert answer.headers["location"] == f"/signin?next={PAGE}"


async def test_a_changed_price_is_shown_and_asked_about_again(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.refuse(BUY, 409, "price_changed")
    services.answer(GET, make_ticket(version=4, price=10000, fee=1000, total=11000))
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert page.status_code == 409
    assert "The price has changed" in page.text
    assert 'name="version" value="4"' in page.text
    assert "Buy at $110.00" in page.text


@pytest.mark.parametrize("as_tickets_knows", ["reserved", "available"])
async def test_just_taken_is_told_in_plain_words_with_a_way_on(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_ticket: Make,
    as_tickets_knows: str,
) -> None:
    services.refuse(BUY, 409, "ticket_taken")
    services.answer(GET, make_ticket(status=as_tickets_knows))
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert page.status_code == 409
    assert "Just taken" in page.text
    assert 'id="similar" href="/?q=Nova+Harmonic"' in page.text
    assert 'id="buy"' not in page.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("own_ticket", "This is your own ticket"),
        ("sale_closed", "The sale has closed"),
        ("ticket_not_on_sale", "No longer for sale"),
        ("already_yours", "You already hold this ticket"),
    ],
)
async def test_other_refusals_are_told_and_offer_no_button(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_ticket: Make,
    code: str,
    words: str,
) -> None:
    services.refuse(BUY, 409, code, order_id=ORDER_ID)
    services.answer(GET, make_ticket())
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert page.status_code == 409
    assert words in page.text
    assert 'id="buy"' not in page.text
    leads_to_order = f'id="go-to-order" href="/orders/{ORDER_ID}"' in page.text
    assert leads_to_order == (code == "already_yours")


async def test_too_many_orders_say_how_long_to_wait(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.refuse(BUY, 429, "too_many", retry_after=30)
    services.answer(GET, make_ticket())
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert page.status_code == 429
    assert "in 30 seconds" in page.text


async def test_a_listing_orders_has_not_heard_of_yet_can_be_tried_again(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.refuse(BUY, 404, "ticket_not_found")
    services.answer(GET, make_ticket())
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert page.status_code == 409
    assert "just being updated" in page.text
    assert 'id="buy"' in page.text


async def test_buying_what_does_not_exist_is_not_found(
    signed_in: httpx.AsyncClient,
) -> None:
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3"})
    assert page.status_code == 404


async def test_a_key_that_was_tampered_with_is_replaced(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(BUY, make_order(), 201)
    key = "x\r\nx-evil: 1"
    answer = await signed_in.post(f"{PAGE}/reserve", data={"version": "3", "key": key})
    assert answer.headers["location"] == f"/orders/{ORDER_ID}"
    assert is_id(services.calls(BUY)[0].headers["idempotency-key"])


async def test_a_reservation_is_never_sent_twice_by_us(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.break_down(BUY)
    page = await signed_in.post(f"{PAGE}/reserve", data={"version": "3", "key": "k"})
    assert page.status_code == 503
    assert len(services.calls(BUY)) == 1


@pytest.mark.parametrize("version", ["", "abc", "-1", "٣", "9" * 20])
async def test_a_version_that_is_no_number_is_left_to_orders(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_order: Make,
    version: str,
) -> None:
    services.answer(BUY, make_order(), 201)
    await signed_in.post(f"{PAGE}/reserve", data={"version": version})
    assert services.sent(BUY) == {"ticket_id": ID}


@pytest.mark.parametrize("path", ["/tickets/1", "/tickets/..%2Fmine", "/tickets/x/y"])
async def test_what_is_no_id_is_not_found_and_not_asked_for(
    browser: httpx.AsyncClient, services: FakeServices, path: str
) -> None:
    assert (await browser.get(path)).status_code == 404
    assert not services.asked


async def test_an_unknown_ticket_is_not_found(browser: httpx.AsyncClient) -> None:
    page = await browser.get(PAGE)
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert page.headers["cache-control"] == "private, no-store"
