"""Reserving: rows R1 to R5 and R9 to R11 of the rules."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from common.clock import now
from common.db import Database
from common.events import (
    Event,
    OrderCancelled,
    RejectionReason,
    ReservationRejected,
    TicketState,
    TicketStatus,
)
from orders.models import Order

pytestmark = pytest.mark.asyncio

Apply = Callable[..., Awaitable[None]]
Json = dict[str, Any]
ListTicket = Callable[..., Awaitable[str]]
Post = Callable[..., Awaitable[httpx.Response]]
Reserve = Callable[..., Awaitable[Json]]


async def _live_orders(database: Database, ticket_id: str) -> int:
    async with database.reading() as session:
        count = await session.scalar(
            select(func.count()).where(Order.live_ticket_id == ticket_id)
        )
        return count or 0


async def test_r01_two_hundred_buyers_and_one_ticket(
    database: Database, list_ticket: ListTicket, post_order: Post
) -> None:
    ticket_id = await list_ticket()

    answers = await asyncio.gather(
        *(post_order(f"buyer {n}", ticket_id) for n in range(200))
    )

    assert Counter(a.status_code for a in answers) == {201: 1, 409: 199}
    losers = {a.json()["code"] for a in answers if a.status_code == 409}
    assert losers == {"ticket_taken"}
    assert await _live_orders(database, ticket_id) == 1


async def test_r01_sixty_four_buyers_on_ten_tickets(
    database: Database, list_ticket: ListTicket, post_order: Post
) -> None:
    tickets = [await list_ticket() for _ in range(10)]

    answers = await asyncio.gather(
        *(post_order(f"b{n}", tickets[n % 10]) for n in range(64))
    )

    assert Counter(a.status_code for a in answers) == {201: 10, 409: 54}
    assert [await _live_orders(database, ticket) for ticket in tickets] == [1] * 10


async def test_r02_the_same_key_gives_the_same_order(
    list_ticket: ListTicket, post_order: Post
) -> None:
    ticket_id = await list_ticket()

    answers = await asyncio.gather(
        *(post_order("buyer", ticket_id, key="k-1") for _ in range(20))
    )

    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1


async def test_r02_the_same_key_with_another_body_is_refused(
    list_ticket: ListTicket, post_order: Post
) -> None:
    await post_order("buyer", await list_ticket(), key="k-1")

    answer = await post_order("buyer", await list_ticket(), key="k-1")

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"


async def test_r02_keys_of_different_people_are_different_keys(
    list_ticket: ListTicket, post_order: Post
) -> None:
    first = await post_order("buyer", await list_ticket(), key="k-1")
    second = await post_order("other", await list_ticket(), key="k-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_r02_another_key_points_to_the_order_one_has(
    reserve: Reserve, post_order: Post
) -> None:
    order = await reserve("buyer")

    answer = await post_order("buyer", order["ticket"]["id"], key="another")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_yours")
    assert answer.json()["order_id"] == order["id"]


async def test_r03_nobody_buys_his_own_ticket(
    list_ticket: ListTicket, post_order: Post
) -> None:
    answer = await post_order("seller", await list_ticket())

    assert (answer.status_code, answer.json()["code"]) == (409, "own_ticket")


async def test_r04_a_changed_price_is_never_charged_silently(
    apply: Apply,
    list_ticket: ListTicket,
    post_order: Post,
    ticket_event: Callable[..., TicketState],
) -> None:
    ticket_id = await list_ticket()
    await apply(ticket_event(ticket_id, version=2, offer_version=2, price=9_000))

    answer = await post_order("buyer", ticket_id, ticket_version=1)

    assert (answer.status_code, answer.json()["code"]) == (409, "price_changed")
    assert answer.json()["ticket"]["total"] == 9_900
    again = await post_order("buyer", ticket_id, ticket_version=2)
    assert (again.status_code, again.json()["total"]) == (201, 9_900)


async def test_r04_a_hold_that_came_and_went_is_no_change(
    apply: Apply,
    list_ticket: ListTicket,
    post_order: Post,
    ticket_event: Callable[..., TicketState],
) -> None:
    ticket_id = await list_ticket()
    await apply(
        ticket_event(
            ticket_id, version=2, status=TicketStatus.RESERVED, order_id="gone"
        ),
        ticket_event(ticket_id, version=3),
    )

    answer = await post_order("buyer", ticket_id, ticket_version=1)

    assert answer.status_code == 201


async def test_r05_an_offer_newer_than_our_copy_must_arrive_first(
    list_ticket: ListTicket, post_order: Post
) -> None:
    answer = await post_order("buyer", await list_ticket(), ticket_version=2)

    assert (answer.status_code, answer.json()["code"]) == (409, "ticket_catching_up")
    assert answer.headers["retry-after"] == "1"


async def test_r05_tickets_refuses_what_our_old_copy_allowed(
    apply: Apply,
    reserve: Reserve,
    look_up: Callable[[str], Awaitable[Order]],
    outbox: Callable[[], Awaitable[list[Event]]],
) -> None:
    order = await reserve()
    refused = ReservationRejected(
        ticket_id=order["ticket"]["id"],
        order_id=order["id"],
        reason=RejectionReason.PRICE_CHANGED,
    )

    await apply(refused)

    row = await look_up(order["id"])
    assert (row.status, row.cancel_reason) == ("cancelled", "price_changed")
    assert isinstance((await outbox())[-1], OrderCancelled)


async def test_r10_an_unconfirmed_order_cannot_be_claimed(
    apply: Apply,
    reserve: Reserve,
    payment: Callable[..., Event],
    look_up: Callable[[str], Awaitable[Order]],
) -> None:
    order = await reserve()

    await apply(payment(order))

    row = await look_up(order["id"])
    assert (row.status, row.claimed_payment) == ("created", None)


async def test_r11_the_deadline_ends_with_the_sale(
    list_ticket: ListTicket, post_order: Post
) -> None:
    soon = now() + timedelta(minutes=5)
    ticket_id = await list_ticket(starts_at=soon, timezone="UTC")

    order = (await post_order("buyer", ticket_id)).json()

    assert datetime.fromisoformat(order["expires_at"]) == soon
    assert 290 <= order["seconds_left"] <= 300


async def test_r11_a_sale_that_is_closed_refuses(
    list_ticket: ListTicket, post_order: Post
) -> None:
    over = datetime.now(UTC) - timedelta(seconds=1)
    ticket_id = await list_ticket(starts_at=over, timezone="UTC")

    answer = await post_order("buyer", ticket_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "sale_closed")


async def test_a_withdrawn_ticket_is_not_on_sale(
    list_ticket: ListTicket, post_order: Post
) -> None:
    ticket_id = await list_ticket(status=TicketStatus.WITHDRAWN)

    answer = await post_order("buyer", ticket_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "ticket_not_on_sale")


async def test_an_unknown_ticket_is_not_found(post_order: Post) -> None:
    answer = await post_order("buyer", "nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "ticket_not_found")
