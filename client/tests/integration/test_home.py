"""The front page: search, cards, pages of results, and a bad day at tickets."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.testing import FakeServices

pytestmark = pytest.mark.asyncio
LIST = "GET /api/tickets"
Make = Callable[..., dict[str, Any]]
XSS = "<script>alert(1)</script>"


async def test_a_card_shows_the_whole_price_and_the_venues_day(
    browser: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(LIST, [make_ticket()])
    page = (await browser.get("/")).text
    for text in ("$98.45", "incl. fees", "face value $75.00", "Nova Harmonic"):
        assert text in page
    for text in ("Fri, Mar 13, 2099, 8:30 PM CDT", "Section 112 · Row C · Seat 4"):
        assert text in page
    assert "$89.50" not in page


async def test_filters_reach_tickets_in_its_own_terms(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    query = {"q": "nova", "city": "Oslo", "from": "2027-01-02", "max_price": "$1,000.5"}
    page = await browser.get("/", params={**query, "sort": "-price", "cursor": "c1"})
    asked = dict(services.calls(LIST)[0].url.params)
    assert asked == {
        "limit": "20",
        "q": "nova",
        "city": "Oslo",
        "from": "2027-01-02",
        "max_price": "100050",
        "sort": "-price",
        "cursor": "c1",
    }
    assert 'value="$1,000.5"' in page.text
    assert '<option value="-price" selected>' in page.text


async def test_a_filter_that_makes_no_sense_is_named_and_left_out(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    page = await browser.get("/?min_price=cheap&q=x")
    assert page.status_code == 200
    assert 'id="min_price-error"' in page.text
    assert "min_price" not in services.calls(LIST)[0].url.params


async def test_more_keeps_the_filters_and_follows_the_cursor(
    browser: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    link = '<http://x/api/tickets?limit=20&cursor=a%2Bb>; rel="next"'
    services.answer(LIST, [make_ticket()], link=link)
    page = await browser.get("/?q=nova")
    assert 'href="/?q=nova&amp;cursor=a%2Bb"' in page.text


async def test_an_empty_list_says_so_and_offers_a_way_on(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    assert "No tickets on sale right now" in (await browser.get("/")).text
    assert "Nothing matches yet" in (await browser.get("/?q=zzz")).text


async def test_the_page_stands_when_tickets_is_down(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.break_down(LIST)
    page = await browser.get("/")
    assert page.status_code == 200
    assert 'id="list-unavailable"' in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert len(services.calls(LIST)) == 2


async def test_a_failed_get_is_tried_once_more(
    browser: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(LIST, {"status": 503}, 503)
    services.answer(LIST, [make_ticket()])
    assert "Nova Harmonic" in (await browser.get("/")).text


async def test_an_answer_of_unknown_shape_is_no_answer(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [{"id": "only"}])
    assert 'id="list-unavailable"' in (await browser.get("/")).text


async def test_the_page_stands_when_auth_is_down(
    browser: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.break_down("GET /api/users/currentuser")
    services.answer(LIST, [make_ticket()])
    page = await browser.get("/", headers={"cookie": "session=t"})
    assert page.status_code == 200
    assert "Nova Harmonic" in page.text
    assert "My orders" in page.text


async def test_what_sellers_write_is_text_and_never_markup(
    browser: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    parts = dict.fromkeys(("title", "venue", "city", "section", "row", "seat"), XSS)
    services.answer(LIST, [make_ticket(**parts)])
    page = await browser.get("/", params={"q": f'"{XSS}', "city": f"'{XSS}"})
    assert XSS not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_a_visitors_page_may_be_shared_for_a_second(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    page = await browser.get("/")
    assert page.headers["cache-control"] == "public, max-age=1"
    assert page.headers["vary"] == "Cookie"
    assert not services.calls("GET /api/users/currentuser")


async def test_a_page_with_a_session_or_a_notice_is_shared_with_nobody(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    page = await signed_in.get("/")
    assert page.headers["cache-control"] == "private, no-store"
    assert "Sign out" in page.text
    signed_in.cookies.clear()
    page = await signed_in.get("/?notice=signed-out")
    assert page.headers["cache-control"] == "private, no-store"
    assert "You are signed out." in page.text


async def test_a_notice_is_a_code_and_never_text_from_the_address(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    page = await browser.get("/?notice=Your+account+is+locked")
    assert "locked" not in page.text


@pytest.mark.parametrize(
    ("status", "words"),
    [(422, "cannot be understood"), (429, "Too many attempts"), (403, "just now")],
)
async def test_a_refused_search_is_told_and_the_page_stands(
    browser: httpx.AsyncClient, services: FakeServices, status: int, words: str
) -> None:
    services.refuse(LIST, status)
    page = await browser.get("/?cursor=forged")
    assert page.status_code == 200
    assert words in page.text


async def test_a_search_of_unreasonable_length_is_not_sent_on(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(LIST, [])
    page = await browser.get("/", params={"q": "x" * 101})
    assert 'id="q-error"' in page.text
    assert "q" not in services.calls(LIST)[0].url.params
