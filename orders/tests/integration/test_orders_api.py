"""The API from order to end: rows O1 to O13 of the features."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from common.clock import now
from common.db import Database
from common.events import (
    Event,
    ExpirationCompleted,
    OrderCancelled,
    OrderCreated,
    OrderState,
    PaymentCaptured,
    TicketState,
    TicketStatus,
)
from common.testing.http import assert_problem
from orders.models import Order

pytestmark = pytest.mark.asyncio

Apply = Callable[..., Awaitable[None]]
Headers = Callable[[str], dict[str, str]]
Json = dict[str, Any]
Make = Callable[..., Awaitable[Json]]
NewsOf = Callable[[str], Awaitable[list[OrderState]]]
Post = Callable[..., Awaitable[httpx.Response]]
TicketEvent = Callable[..., TicketState]


async def _get(client: httpx.AsyncClient, order: Json, headers: Headers) -> Json:
    answer = await client.get(
        f"/api/orders/{order['id']}", headers=headers(order["user_id"])
    )
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_o01_o03_an_order_is_made_and_says_how_long_it_lasts(
    post_order: Post, list_ticket: Callable[..., Awaitable[str]]
) -> None:
    ticket_id = await list_ticket(title="Concert", seat="12", city="Vienna")

    answer = await post_order("buyer", ticket_id, ticket_version=1)

    order = answer.json()
    assert (answer.status_code, order["status"]) == (201, "created")
    assert answer.headers["location"] == f"/api/orders/{order['id']}"
    assert answer.headers["cache-control"] == "private, no-store"
    assert order["ticket"] == {
        "id": ticket_id, "version": 1, "user_id": "seller", "title": "Concert",
        "price": 5_000, "currency": "usd", "venue": None, "city": "Vienna",
        "starts_at": None, "timezone": None, "section": None, "row": None,
        "seat": "12",
    }  # fmt: skip
    assert (order["price"], order["fee"], order["total"]) == (5_000, 500, 5_500)
    assert (order["user_id"], order["claimed"]) == ("buyer", False)
    assert 895 <= order["seconds_left"] <= 900
    left = datetime.fromisoformat(order["expires_at"]) - now()
    assert abs(left - timedelta(minutes=15)) < timedelta(seconds=10)


async def test_o02_a_ticket_with_any_live_order_is_taken(
    apply: Apply,
    reserve: Make,
    held: Make,
    payment: Callable[..., Event],
    post_order: Post,
) -> None:
    created, awaiting, claimed, complete = (
        await reserve("first"), await held(), await held(), await held(),
    )  # fmt: skip
    await apply(payment(claimed), payment(complete), payment(complete, PaymentCaptured))

    for order in (created, awaiting, claimed, complete):
        answer = await post_order("second", order["ticket"]["id"])
        assert_problem(answer, 409, code="ticket_taken")


async def test_o04_the_order_is_announced_with_its_ticket_and_deadline(
    reserve: Make, news_of: NewsOf
) -> None:
    order = await reserve()

    [event] = await news_of(order["id"])

    assert isinstance(event, OrderCreated)
    assert (event.version, event.buyer_id, event.total) == (1, "buyer", 5_500)
    assert (event.ticket.id, event.ticket.version) == (order["ticket"]["id"], 1)
    assert event.expires_at == datetime.fromisoformat(order["expires_at"])


async def test_o05_the_list_has_ones_own_orders_newest_first(
    client: httpx.AsyncClient, headers_of: Headers, reserve: Make
) -> None:
    await reserve("other")
    made = [await reserve() for _ in range(3)]

    answer = await client.get("/api/orders", headers=headers_of("buyer"))

    listed = answer.json()
    assert {order["id"] for order in listed} == {order["id"] for order in made}
    ids = [order["id"] for order in listed]
    assert ids == sorted(ids, reverse=True)
    assert {order["ticket"]["title"] for order in listed} == {"Concert"}
    assert "link" not in answer.headers
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(("count", "pages"), [(0, [0]), (4, [2, 2]), (5, [2, 2, 1])])
async def test_o05_the_list_goes_on_page_by_page_and_ends(
    client: httpx.AsyncClient,
    headers_of: Headers,
    reserve: Make,
    count: int,
    pages: list[int],
) -> None:
    made = {(await reserve())["id"] for _ in range(count)}
    url: str | None = "/api/orders?limit=2"
    found: list[list[str]] = []
    while url is not None:
        answer = await client.get(url, headers=headers_of("buyer"))
        found.append([order["id"] for order in answer.json()])
        following = answer.links.get("next")
        url = following["url"] if following else None
        assert url is None or parse_qs(urlsplit(url).query)["limit"] == ["2"]

    assert [len(page) for page in found] == pages
    assert {order_id for page in found for order_id in page} == made


async def test_o06_o07_an_order_of_somebody_else_does_not_exist(
    client: httpx.AsyncClient, headers_of: Headers, reserve: Make
) -> None:
    order = await reserve("buyer")
    url, stranger = f"/api/orders/{order['id']}", headers_of("stranger")

    assert_problem(await client.get(url, headers=stranger), 404, code="order_not_found")
    assert_problem(
        await client.delete(url, headers=stranger), 404, code="order_not_found"
    )
    # Not even the seller of the ticket sees who buys it.
    assert_problem(await client.get(url, headers=headers_of("seller")), 404)
    assert (await _get(client, order, headers_of))["status"] == "created"


async def test_o07_a_buyer_cancels_once_however_often_he_asks(
    client: httpx.AsyncClient, headers_of: Headers, held: Make, news_of: NewsOf
) -> None:
    order = await held()

    for _ in range(2):
        answer = await client.delete(
            f"/api/orders/{order['id']}", headers=headers_of("buyer")
        )
        assert (answer.status_code, answer.content) == (204, b"")

    found = await _get(client, order, headers_of)
    assert (found["status"], found["cancel_reason"]) == ("cancelled", "buyer")
    kinds = [type(event) for event in await news_of(order["id"])]
    assert kinds.count(OrderCancelled) == 1


async def test_o07_what_is_being_paid_or_paid_cannot_be_cancelled(
    client: httpx.AsyncClient,
    headers_of: Headers,
    apply: Apply,
    held: Make,
    payment: Callable[..., Event],
) -> None:
    order = await held()
    for news in (payment(order), payment(order, PaymentCaptured)):
        await apply(news)
        answer = await client.delete(
            f"/api/orders/{order['id']}", headers=headers_of("buyer")
        )
        assert_problem(answer, 409, code="order_not_cancellable")


async def test_o08_the_copy_of_a_ticket_follows_its_news(
    apply: Apply, ticket_event: TicketEvent, post_order: Post
) -> None:
    first = ticket_event()
    await apply(first)
    await apply(ticket_event(first.id, version=2, offer_version=2, title="Opera"))

    order = (await post_order("buyer", first.id)).json()

    assert (order["ticket"]["title"], order["ticket"]["version"]) == ("Opera", 2)


async def test_o09_o12_an_order_whose_time_is_over_is_cancelled(
    client: httpx.AsyncClient,
    headers_of: Headers,
    apply: Apply,
    held: Make,
    set_deadline: Callable[..., Awaitable[None]],
) -> None:
    order = await held()
    assert (await _get(client, order, headers_of))["status"] == "awaiting:payment"
    await set_deadline(order["id"], seconds=-1)

    await apply(
        ExpirationCompleted(order_id=order["id"], expires_at=order["expires_at"])
    )

    found = await _get(client, order, headers_of)
    assert (found["status"], found["cancel_reason"]) == ("cancelled", "expired")
    assert found["seconds_left"] == 0


async def test_o10_o12_money_that_was_taken_completes_the_order(
    client: httpx.AsyncClient,
    headers_of: Headers,
    apply: Apply,
    held: Make,
    payment: Callable[..., Event],
) -> None:
    order = await held()

    await apply(payment(order))
    claimed = await _get(client, order, headers_of)
    await apply(payment(order, PaymentCaptured), payment(order, PaymentCaptured))
    complete = await _get(client, order, headers_of)

    assert (claimed["status"], claimed["claimed"]) == ("awaiting:payment", True)
    assert (complete["status"], complete["cancel_reason"]) == ("complete", None)
    assert complete["version"] == 4


async def test_o11_a_cancelled_order_frees_its_ticket_for_the_next(
    client: httpx.AsyncClient,
    headers_of: Headers,
    apply: Apply,
    held: Make,
    ticket_event: TicketEvent,
    post_order: Post,
) -> None:
    order = await held()
    ticket_id = order["ticket"]["id"]
    await client.delete(f"/api/orders/{order['id']}", headers=headers_of("buyer"))
    # Until tickets has released it, it is held, for whoever it was.
    assert_problem(await post_order("next", ticket_id), 409, code="ticket_taken")
    await apply(ticket_event(ticket_id, version=3, status=TicketStatus.AVAILABLE))

    answer = await post_order("next", ticket_id)

    assert answer.status_code == 201
    assert answer.json()["id"] != order["id"]


async def test_o11_the_same_key_after_the_end_still_gives_the_same_order(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: Callable[..., Awaitable[str]],
    post_order: Post,
) -> None:
    ticket_id = await list_ticket()
    order = (await post_order("buyer", ticket_id, key="k")).json()
    await client.delete(f"/api/orders/{order['id']}", headers=headers_of("buyer"))

    again = await post_order("buyer", ticket_id, key="k")
    fresh = await post_order("buyer", ticket_id, key="k2")

    assert (again.json()["id"], again.json()["status"]) == (order["id"], "cancelled")
    assert fresh.status_code == 201
    assert fresh.json()["id"] != order["id"]


async def test_o13_the_api_documents_itself(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/orders/openapi.json")).json()
    paths = {path: set(methods) for path, methods in document["paths"].items()}
    assert paths["/api/orders"] == {"get", "post"}
    assert paths["/api/orders/{order_id}"] == {"get", "delete"}
    assert (await client.get("/api/orders/docs")).status_code == 200


async def test_every_event_twice_changes_nothing(
    database: Database,
    apply: Apply,
    reserve: Make,
    hold: Callable[..., Event],
    ticket_event: TicketEvent,
    payment: Callable[..., Event],
    news_of: NewsOf,
    look_up: Callable[[str], Awaitable[Order]],
) -> None:
    order = await reserve()
    course = [hold(ticket_event, order), payment(order)]
    course.append(payment(order, PaymentCaptured))
    for news in course:
        await apply(news, news)
        # And once more under another id, as after a replay by its publisher.
        await apply(news.model_copy(update={"event_id": "again " + news.event_id[:8]}))

    assert [event.version for event in await news_of(order["id"])] == [1, 2, 3, 4]
    assert (await look_up(order["id"])).version == 4
