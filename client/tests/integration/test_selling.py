"""Listing, editing and withdrawing, with every mistake kept and explained."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.testing import FakeServices

pytestmark = pytest.mark.asyncio
ID = "018f0000-0000-7000-8000-000000000001"
GET = f"GET /api/tickets/{ID}"
PUT = f"PUT /api/tickets/{ID}"
POST = "POST /api/tickets"
MINE = "GET /api/tickets/mine"
Make = Callable[..., dict[str, Any]]
FORM = {
    "title": "A show",
    "price": "1,234.50",
    "venue": "Harpa",
    "date": "2099-06-14",
    "time": "19:30",
    "timezone": "America/New_York",
}


async def test_selling_needs_a_session(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/sell")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin?next=/sell"


async def test_the_form_tells_the_script_how_fees_are_made(
    signed_in: httpx.AsyncClient,
) -> None:
    page = (await signed_in.get("/sell")).text
    assert 'data-fee-basis-points="1000"' in page
    assert '<option value="Europe/London">' in page


async def test_a_listing_is_sent_in_minor_units_and_utc(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(POST, make_ticket(), 201)
    answer = await signed_in.post("/sell", data=FORM)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/tickets/{ID}?notice=listed"
    sent = services.sent(POST)
    assert (sent["price"], sent["currency"]) == (123450, "usd")
    assert sent["starts_at"] == "2099-06-14T23:30:00Z"
    assert (sent["city"], sent["section"]) == (None, None)


async def test_r55_too_many_digits_are_refused_and_what_was_typed_is_kept(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    page = await signed_in.post("/sell", data={**FORM, "price": "19.999"})
    assert page.status_code == 422
    assert 'value="19.999"' in page.text
    assert 'aria-describedby="price-hint price-error" aria-invalid="true"' in page.text
    assert 'value="Harpa"' in page.text
    assert not services.calls(POST)


async def test_a_services_field_error_stands_next_to_its_field(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    errors = [{"field": "starts_at", "message": "must be later"}]
    services.refuse(POST, 422, "invalid_input", errors=errors)
    page = await signed_in.post("/sell", data=FORM)
    assert page.status_code == 422
    assert '<p class="field__error" id="date-error">Must be later.</p>' in page.text


async def test_a_session_that_ended_costs_nothing_of_what_was_typed(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse(POST, 401)
    page = await signed_in.post("/sell", data=FORM)
    assert page.status_code == 401
    assert 'value="1,234.50"' in page.text
    assert "Sign in again in a new tab" in page.text


async def test_typed_markup_comes_back_as_text(signed_in: httpx.AsyncClient) -> None:
    title = '"><img src=x onerror=alert(1)>'
    page = await signed_in.post("/sell", data={**FORM, "title": title, "price": ""})
    assert "<img" not in page.text
    assert "&lt;img src=x" in page.text


async def test_my_listings_show_every_state_and_what_can_be_done(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    states = ["available", "reserved", "sold", "withdrawn"]
    mine = [make_ticket(status=s, user_id="u-me", title=f"Show {s}") for s in states]
    services.answer(MINE, mine, link='</api/tickets/mine?cursor=c2>; rel="next"')
    page = (await signed_in.get("/listings")).text
    for label in ("On sale", "Reserved", "Sold", "Withdrawn", "You earned"):
        assert label in page
    assert page.count("/edit") == 1
    assert 'href="/listings?cursor=c2"' in page


async def test_no_listings_yet_leads_to_selling(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(MINE, [])
    assert "You are not selling anything" in (await signed_in.get("/listings")).text


async def test_the_edit_form_is_filled_with_the_listing(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(user_id="u-me", version=5))
    page = (await signed_in.get(f"/listings/{ID}/edit")).text
    for value in ("$89.50", "$75.00", "2099-03-13", "20:30", "America/Chicago"):
        assert f'value="{value}"' in page
    assert 'name="version" value="5"' in page


@pytest.mark.parametrize("action", ["edit", "withdraw"])
async def test_somebody_elses_listing_is_not_found(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_ticket: Make,
    action: str,
) -> None:
    services.answer(GET, make_ticket())
    assert (await signed_in.get(f"/listings/{ID}/{action}")).status_code == 404


async def test_an_edit_is_made_to_the_version_that_was_seen(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(user_id="u-me"))
    services.answer(PUT, make_ticket(user_id="u-me"))
    answer = await signed_in.post(f"/listings/{ID}/edit", data={**FORM, "version": "3"})
    assert answer.headers["location"] == f"/tickets/{ID}?notice=saved"
    assert services.calls(PUT)[0].headers["if-match"] == '"3"'


async def test_a_stale_edit_shows_what_changed_and_can_be_redone(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(user_id="u-me"))
    services.answer(GET, make_ticket(user_id="u-me", version=9, venue="The Old Hall"))
    services.refuse(PUT, 412, "stale")
    page = await signed_in.post(f"/listings/{ID}/edit", data={**FORM, "version": "3"})
    assert page.status_code == 412
    assert "<td>The Old Hall</td><td>Harpa</td>" in page.text
    assert 'name="version" value="9"' in page.text
    assert 'value="Harpa"' in page.text


async def test_a_listing_somebody_just_reserved_cannot_be_edited(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(user_id="u-me"))
    services.answer(GET, make_ticket(user_id="u-me", status="reserved"))
    services.refuse(PUT, 409, "ticket_reserved")
    page = await signed_in.post(f"/listings/{ID}/edit", data={**FORM, "version": "3"})
    assert page.status_code == 409
    assert 'id="closed"' in page.text
    assert 'id="listing-form"' not in page.text


async def test_withdrawing_asks_first_and_works_without_script(
    signed_in: httpx.AsyncClient, services: FakeServices, make_ticket: Make
) -> None:
    services.answer(GET, make_ticket(user_id="u-me"))
    services.answer(f"DELETE /api/tickets/{ID}", status=204)
    page = await signed_in.get(f"/listings/{ID}/withdraw")
    assert 'id="confirm-withdraw"' in page.text
    assert not services.calls(f"DELETE /api/tickets/{ID}")
    answer = await signed_in.post(f"/listings/{ID}/withdraw")
    assert answer.headers["location"] == "/listings?notice=withdrawn"


async def test_a_reserved_listing_stays(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse(f"DELETE /api/tickets/{ID}", 409, "ticket_reserved")
    answer = await signed_in.post(f"/listings/{ID}/withdraw")
    assert answer.headers["location"] == "/listings?notice=not-withdrawable"
