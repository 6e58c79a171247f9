"""Listing, reading, editing and withdrawing, and the events of each."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from common.events import Event, OrderState, TicketCreated, TicketStatus, TicketUpdated
from common.ids import new_id
from common.testing import FakeIdentity
from common.testing.http import assert_problem, signed_in

pytestmark = pytest.mark.asyncio

Headers = Callable[[str], dict[str, str]]
Offer = Callable[..., dict[str, Any]]
ListTicket = Callable[..., Awaitable[dict[str, Any]]]
Outbox = Callable[[], Awaitable[list[Event]]]
OrderOf = Callable[..., OrderState]
Apply = Callable[..., Awaitable[None]]

DETAILS = {
    "title": "Nick Cave",
    "price": 5_000,
    "currency": "usd",
    "venue": "Spektrum",
    "city": "Oslo",
    "starts_at": "2030-07-01T20:00:00+02:00",
    "timezone": "Europe/Oslo",
    "section": "B",
    "row": "12",
    "seat": "7-8",
    "face_value": 4_500,
}


def matching(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


async def test_t03_a_signed_in_person_lists_a_ticket(
    client: httpx.AsyncClient, headers_of: Headers
) -> None:
    response = await client.post(
        "/api/tickets", json=DETAILS, headers=headers_of("ann")
    )
    ticket = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/tickets/{ticket['id']}"
    assert response.headers["ETag"] == '"1"'
    assert ticket["user_id"] == "ann"
    assert (ticket["version"], ticket["status"]) == (1, "available")
    assert (ticket["fee"], ticket["total"]) == (500, 5_500)
    assert ticket["starts_at"] == "2030-07-01T18:00:00Z"
    others = DETAILS.keys() - {"starts_at"}
    assert {name: ticket[name] for name in others} == {
        name: DETAILS[name] for name in others
    }


async def test_t03_title_and_price_suffice(list_ticket: ListTicket) -> None:
    ticket = await list_ticket()
    optional = DETAILS.keys() - {"title", "price", "currency"}
    assert {ticket[name] for name in optional} == {None}
    assert ticket["currency"] == "usd"


async def test_t02_anyone_reads_a_ticket(
    client: httpx.AsyncClient, list_ticket: ListTicket
) -> None:
    ticket = await list_ticket(**DETAILS)
    response = await client.get(f"/api/tickets/{ticket['id']}")
    assert response.status_code == 200
    assert response.headers["ETag"] == '"1"'
    assert response.json() == ticket
    assert "order_id" not in ticket


async def test_t02_an_unknown_ticket_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/api/tickets/{new_id()}")
    assert_problem(response, 404, code="ticket_not_found")


async def test_t04_listing_publishes_the_whole_ticket(
    list_ticket: ListTicket, outbox: Outbox
) -> None:
    ticket = await list_ticket(**DETAILS)
    [event] = await outbox()
    assert isinstance(event, TicketCreated)
    told = event.model_dump(mode="json")
    fields = ticket.keys() - {"user_id", "fee", "total", "created_at", "updated_at"}
    assert {name: told[name] for name in fields} == {
        name: ticket[name] for name in fields
    }
    assert told["seller_id"] == ticket["user_id"]
    assert (told["order_id"], told["offer_version"]) == (None, 1)


async def test_t05_the_seller_replaces_the_offer(
    client: httpx.AsyncClient, headers_of: Headers, list_ticket: ListTicket
) -> None:
    ticket = await list_ticket(**DETAILS)
    response = await client.put(
        f"/api/tickets/{ticket['id']}",
        json={"title": "Nick Cave, sold together", "price": 4_000},
        headers={**headers_of("seller"), **matching(1)},
    )
    edited = response.json()
    assert response.status_code == 200
    assert response.headers["ETag"] == '"2"'
    assert (edited["title"], edited["price"]) == ("Nick Cave, sold together", 4_000)
    assert (edited["version"], edited["venue"]) == (2, None)
    assert edited["created_at"] == ticket["created_at"]
    assert (await client.get(f"/api/tickets/{ticket['id']}")).json() == edited


async def test_t06_an_edit_publishes_the_next_version(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    outbox: Outbox,
) -> None:
    ticket = await list_ticket()
    await client.put(
        f"/api/tickets/{ticket['id']}",
        json={"title": "Concert", "price": 7_000},
        headers={**headers_of("seller"), **matching(1)},
    )
    _, event = await outbox()
    assert isinstance(event, TicketUpdated)
    assert (event.version, event.offer_version, event.price) == (2, 2, 7_000)


async def test_the_same_offer_again_is_no_change_and_no_event(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    outbox: Outbox,
) -> None:
    ticket = await list_ticket(**DETAILS)
    response = await client.put(
        f"/api/tickets/{ticket['id']}",
        json=DETAILS,
        headers={**headers_of("seller"), **matching(1)},
    )
    assert response.json() == ticket
    assert len(await outbox()) == 1


@pytest.mark.parametrize(
    "if_match",
    ['"2"', "7", 'W/"1"', '"1", "2"', '""', "x", '"01"', '"1000000000000000000001"'],
)
async def test_an_edit_of_another_version_is_refused(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    if_match: str,
) -> None:
    ticket = await list_ticket()
    response = await client.put(
        f"/api/tickets/{ticket['id']}",
        json={"title": "Concert", "price": 7_000},
        headers={**headers_of("seller"), "If-Match": if_match},
    )
    assert_problem(response, 412, code="ticket_changed")
    assert (await client.get(f"/api/tickets/{ticket['id']}")).json() == ticket


async def test_any_version_can_be_edited_on_demand(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    make_offer: Offer,
) -> None:
    ticket = await list_ticket()
    response = await client.put(
        f"/api/tickets/{ticket['id']}",
        json=make_offer(price=7_000),
        headers={**headers_of("seller"), "If-Match": "*"},
    )
    assert response.json()["version"] == 2


async def test_an_edit_without_a_version_is_refused(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    make_offer: Offer,
) -> None:
    ticket = await list_ticket()
    response = await client.put(
        f"/api/tickets/{ticket['id']}", json=make_offer(), headers=headers_of("seller")
    )
    assert_problem(response, 428, code="version_required")


async def test_somebody_elses_ticket_can_be_neither_edited_nor_withdrawn(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    make_offer: Offer,
) -> None:
    ticket = await list_ticket(seller="ann")
    path = f"/api/tickets/{ticket['id']}"
    bob = {**headers_of("bob"), **matching(1)}
    assert_problem(await client.put(path, json=make_offer(), headers=bob), 404)
    assert_problem(await client.delete(path, headers=bob), 404)
    assert (await client.get(path)).json() == ticket


async def test_r06_a_held_ticket_can_be_neither_edited_nor_withdrawn(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    make_offer: Offer,
    order_of: OrderOf,
    apply: Apply,
) -> None:
    ticket = await list_ticket()
    await apply(order_of(ticket))
    path, seller = f"/api/tickets/{ticket['id']}", headers_of("seller")
    for version in (1, 2):
        headers = {**seller, **matching(version)}
        answer = await client.put(path, json=make_offer(price=9_000), headers=headers)
        assert_problem(answer, 409, code="ticket_locked")
    assert_problem(await client.delete(path, headers=seller), 409, code="ticket_locked")
    found = (await client.get(path)).json()
    assert (found["status"], found["price"]) == (TicketStatus.RESERVED, 5_000)


async def test_a_withdrawn_ticket_is_off_sale_and_announced_once(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    outbox: Outbox,
) -> None:
    ticket = await list_ticket()
    path, seller = f"/api/tickets/{ticket['id']}", headers_of("seller")
    for _ in range(2):
        response = await client.delete(path, headers=seller)
        assert (response.status_code, response.content) == (204, b"")
    assert (await client.get("/api/tickets")).json() == []
    assert (await client.get(path)).json()["status"] == "withdrawn"
    _, event = await outbox()
    assert isinstance(event, TicketUpdated)
    assert (event.version, event.status) == (2, TicketStatus.WITHDRAWN)


async def test_a_withdrawn_ticket_cannot_be_edited(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    make_offer: Offer,
) -> None:
    ticket = await list_ticket()
    path, seller = f"/api/tickets/{ticket['id']}", headers_of("seller")
    await client.delete(path, headers=seller)
    response = await client.put(
        path, json=make_offer(), headers={**seller, **matching(2)}
    )
    assert_problem(response, 409, code="ticket_withdrawn")


async def test_nobody_lists_edits_or_withdraws_without_a_session(
    client: httpx.AsyncClient, list_ticket: ListTicket, make_offer: Offer
) -> None:
    path = f"/api/tickets/{(await list_ticket())['id']}"
    forged = signed_in(FakeIdentity(), "seller")
    damaged = {"Cookie": "session=a.b.c"}
    for cookie in ({}, forged, damaged):
        headers = {**cookie, **matching(1)}
        answers = [
            await client.post("/api/tickets", json=make_offer(), headers=headers),
            await client.put(path, json=make_offer(), headers=headers),
            await client.delete(path, headers=headers),
            await client.get("/api/tickets/mine", headers=headers),
        ]
        for answer in answers:
            assert_problem(answer, 401)


@pytest.mark.parametrize(
    "origin",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_requests_from_other_sites_are_refused(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    make_offer: Offer,
    origin: dict[str, str],
) -> None:
    path = f"/api/tickets/{(await list_ticket())['id']}"
    headers = {**headers_of("seller"), **matching(1), **origin}
    for answer in (
        await client.post("/api/tickets", json=make_offer(), headers=headers),
        await client.put(path, json=make_offer(), headers=headers),
        await client.delete(path, headers=headers),
    ):
        assert_problem(answer, 403, code="cross_site")
    assert (await client.get(path, headers=origin)).status_code == 200


async def test_ones_own_listings_have_every_state_and_are_private(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
) -> None:
    held, withdrawn, free = [await list_ticket() for _ in range(3)]
    await list_ticket(seller="somebody else")
    await apply(order_of(held))
    seller = headers_of("seller")
    await client.delete(f"/api/tickets/{withdrawn['id']}", headers=seller)
    response = await client.get("/api/tickets/mine?limit=2", headers=seller)
    assert response.headers["Cache-Control"] == "private, no-store"
    following = response.links["next"]["url"]
    rest = await client.get(following, headers=seller)
    found = response.json() + rest.json()
    assert {ticket["id"]: ticket["status"] for ticket in found} == {
        free["id"]: "available",
        withdrawn["id"]: "withdrawn",
        held["id"]: "reserved",
    }
    assert "next" not in rest.links


async def test_t11_the_api_documents_itself(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/tickets/openapi.json")).json()
    assert {"/api/tickets", "/api/tickets/mine", "/api/tickets/{ticket_id}"} == set(
        document["paths"]
    )
    assert (await client.get("/api/tickets/docs")).status_code == 200
