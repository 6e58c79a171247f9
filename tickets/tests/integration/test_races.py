"""Two at once: exactly one wins, and the other is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from common.db import Database
from common.errors import TicketingError
from common.events import (
    Event,
    OrderCancelled,
    OrderState,
    RejectionReason,
    ReservationRejected,
    TicketStatus,
    TicketUpdated,
)
from common.inbox import Inbox
from tickets import service
from tickets.consumers import HANDLERS
from tickets.errors import TicketChanged
from tickets.listing import Listing
from tickets.models import Ticket

pytestmark = pytest.mark.asyncio

ListTicket = Callable[..., Awaitable[dict[str, Any]]]
OrderOf = Callable[..., OrderState]
Outbox = Callable[[], Awaitable[list[Event]]]
LookUp = Callable[[str], Awaitable[Ticket]]
Headers = Callable[[str], dict[str, str]]

ROUNDS = 5


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Return the inbox of one replica; a second one would be no different."""
    return Inbox(database, HANDLERS)


async def until_done(inbox: Inbox, *events: OrderState) -> None:
    """Apply as the consumer does: what lost a race is delivered again."""
    while True:
        try:
            await inbox.apply(events)
        except TicketingError:
            continue
        return


async def test_two_orders_for_one_ticket_make_one_hold_and_one_rejection(
    list_ticket: ListTicket,
    order_of: OrderOf,
    inbox: Inbox,
    look_up: LookUp,
    outbox: Outbox,
) -> None:
    for _ in range(ROUNDS):
        ticket = await list_ticket()
        orders = [order_of(ticket, buyer_id=f"buyer-{n}") for n in range(4)]
        await asyncio.gather(*(until_done(inbox, order) for order in orders))
        held = await look_up(ticket["id"])
        assert (held.status, held.version) == (TicketStatus.RESERVED, 2)
        refused = {
            event.order_id
            for event in await outbox()
            if isinstance(event, ReservationRejected)
            and event.ticket_id == ticket["id"]
            and event.reason is RejectionReason.TAKEN
        }
        assert refused == {order.id for order in orders} - {held.order_id}


async def test_a_seller_edits_at_the_moment_of_a_hold(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    order_of: OrderOf,
    inbox: Inbox,
    look_up: LookUp,
) -> None:
    for _ in range(ROUNDS):
        ticket = await list_ticket()
        order = order_of(ticket)
        answer, _nothing = await asyncio.gather(
            client.put(
                f"/api/tickets/{ticket['id']}",
                json={"title": "Concert", "price": 9_000},
                headers={**headers_of("seller"), "If-Match": '"1"'},
            ),
            until_done(inbox, order),
        )
        found = await look_up(ticket["id"])
        if answer.status_code == 200:
            assert (found.status, found.price) == (TicketStatus.AVAILABLE, 9_000)
        else:
            assert answer.status_code == 409, answer.text
            assert (found.order_id, found.price) == (order.id, 5_000)


async def test_a_seller_withdraws_at_the_moment_of_a_hold(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    order_of: OrderOf,
    inbox: Inbox,
    look_up: LookUp,
) -> None:
    for _ in range(ROUNDS):
        ticket = await list_ticket()
        path = f"/api/tickets/{ticket['id']}"
        answer, _nothing = await asyncio.gather(
            client.delete(path, headers=headers_of("seller")),
            until_done(inbox, order_of(ticket)),
        )
        outcomes = {204: TicketStatus.WITHDRAWN, 409: TicketStatus.RESERVED}
        assert (await look_up(ticket["id"])).status == outcomes[answer.status_code]


async def test_two_edits_at_once_leave_one_of_them(
    client: httpx.AsyncClient, headers_of: Headers, list_ticket: ListTicket
) -> None:
    ticket = await list_ticket()
    path = f"/api/tickets/{ticket['id']}"
    headers = {**headers_of("seller"), "If-Match": '"1"'}
    answers = await asyncio.gather(
        *(
            client.put(path, json={"title": "x", "price": price}, headers=headers)
            for price in (7_000, 8_000, 9_000)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await client.get(path)).json() == won


class TestOverlappingTransactions:
    """Two transactions that have both read before either writes."""

    @pytest.fixture
    def sql_backend(self, request: pytest.FixtureRequest) -> str:
        """Run on MariaDB alone: SQLite's transactions that write never overlap."""
        request.getfixturevalue("mariadb")
        return "mariadb"

    async def test_of_two_holds_the_second_is_stale(
        self,
        database: Database,
        list_ticket: ListTicket,
        order_of: OrderOf,
        look_up: LookUp,
    ) -> None:
        ticket = await list_ticket()
        both_read = asyncio.Barrier(2)
        orders = [order_of(ticket), order_of(ticket)]

        async def hold(order: OrderState) -> str:
            async with database.transaction() as session:
                await session.get_one(Ticket, ticket["id"])
                await both_read.wait()
                await HANDLERS[type(order)](session, order)
            return order.id

        done = await asyncio.gather(*map(hold, orders), return_exceptions=True)
        [winner] = [one for one in done if isinstance(one, str)]
        [loser] = [one for one in done if not isinstance(one, str)]
        assert isinstance(loser, TicketChanged)
        assert (await look_up(ticket["id"])).order_id == winner

    async def test_a_hold_that_read_before_an_edit_is_stale(
        self,
        database: Database,
        list_ticket: ListTicket,
        make_listing: Callable[..., Listing],
        order_of: OrderOf,
        look_up: LookUp,
    ) -> None:
        ticket = await list_ticket()
        order = order_of(ticket)
        with pytest.raises(TicketChanged):
            await _handle_after_an_edit(database, ticket, [order], make_listing())
        found = await look_up(ticket["id"])
        assert (found.status, found.price) == (TicketStatus.AVAILABLE, 9_000)

    async def test_a_stale_batch_is_redone_one_by_one(
        self,
        database: Database,
        list_ticket: ListTicket,
        make_listing: Callable[..., Listing],
        order_of: OrderOf,
        outbox: Outbox,
    ) -> None:
        edited, free = await list_ticket(), await list_ticket()
        orders = [order_of(free), order_of(edited)]
        with pytest.raises(TicketChanged):
            await _handle_after_an_edit(database, edited, orders, make_listing())
        inbox = Inbox(database, HANDLERS)
        for order in orders:
            await inbox.apply([order])
        hold, rejection = (await outbox())[-2:]
        assert isinstance(hold, TicketUpdated)
        assert (hold.id, hold.order_id) == (free["id"], orders[0].id)
        assert isinstance(rejection, ReservationRejected)
        assert rejection.reason is RejectionReason.PRICE_CHANGED

    async def test_an_edit_waits_for_a_hold_that_came_first(
        self,
        client: httpx.AsyncClient,
        database: Database,
        headers_of: Headers,
        list_ticket: ListTicket,
        order_of: OrderOf,
    ) -> None:
        ticket = await list_ticket()
        order = order_of(ticket)
        async with database.transaction() as session:
            await HANDLERS[type(order)](session, order)
            withdrawal = asyncio.create_task(
                client.delete(
                    f"/api/tickets/{ticket['id']}", headers=headers_of("seller")
                )
            )
            done, _ = await asyncio.wait([withdrawal], timeout=0.2)
            assert not done
        assert (await withdrawal).status_code == 409

    async def test_a_cancellation_that_overtakes_its_order_wins(
        self,
        database: Database,
        list_ticket: ListTicket,
        order_of: OrderOf,
        look_up: LookUp,
    ) -> None:
        ticket = await list_ticket()
        order = order_of(ticket)
        cancelled = order_of(ticket, OrderCancelled, id=order.id, reason="buyer")
        inbox = Inbox(database, HANDLERS)
        for _ in range(ROUNDS):
            await asyncio.gather(until_done(inbox, order), until_done(inbox, cancelled))
        assert (await look_up(ticket["id"])).status == TicketStatus.AVAILABLE


async def _handle_after_an_edit(
    database: Database,
    ticket: dict[str, Any],
    orders: Sequence[OrderState],
    listing: Listing,
) -> None:
    """Read the ticket, let the seller edit it meanwhile, then handle ``orders``."""
    async with database.transaction() as session:
        read = await session.get_one(Ticket, ticket["id"])
        async with database.transaction() as other:
            await service.edit_ticket(
                other,
                "seller",
                ticket["id"],
                version=None,
                listing=replace(listing, price=9_000),
            )
        for order in orders:
            await HANDLERS[type(order)](session, order)
        assert read.version == 1
