"""T7 to T10: what the events of orders do to a ticket, in any order and number."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from common.clock import now
from common.db import Database
from common.events import (
    CancelReason,
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderState,
    RejectionReason,
    ReservationRejected,
    TicketCreated,
    TicketStatus,
    TicketUpdated,
)
from common.ids import new_id
from common.inbox import Inbox
from common.testing.events import order_event, ordered_ticket
from tickets.consumers import HANDLERS
from tickets.errors import TicketNotFound, UnexpectedSale
from tickets.models import SeenOrder, Ticket

pytestmark = pytest.mark.asyncio

ListTicket = Callable[..., Awaitable[dict[str, Any]]]
OrderOf = Callable[..., OrderState]
Apply = Callable[..., Awaitable[None]]
Outbox = Callable[[], Awaitable[list[Event]]]
LookUp = Callable[[str], Awaitable[Ticket]]
MakeTicket = Callable[..., Ticket]
Store = Callable[..., Awaitable[None]]
Headers = Callable[[str], dict[str, str]]


async def rejections(outbox: Outbox) -> list[tuple[str, RejectionReason]]:
    """Return which orders were refused, and why."""
    return [
        (event.order_id, event.reason)
        for event in await outbox()
        if isinstance(event, ReservationRejected)
    ]


async def state_of(look_up: LookUp, ticket: dict[str, Any]) -> tuple[str, str | None]:
    found = await look_up(ticket["id"])
    return found.status, found.order_id


async def test_t07_a_new_order_reserves_the_ticket(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    order = order_of(ticket)
    await apply(order)
    assert await state_of(look_up, ticket) == (TicketStatus.RESERVED, order.id)


async def test_t08_a_cancelled_order_releases_the_ticket(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    order = order_of(ticket)
    await apply(order, order_of(ticket, OrderCancelled, id=order.id, reason="buyer"))
    assert await state_of(look_up, ticket) == (TicketStatus.AVAILABLE, None)


async def test_t09_a_ticket_that_has_an_order_refuses_another(
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
    look_up: LookUp,
    outbox: Outbox,
) -> None:
    ticket = await list_ticket()
    first, second = order_of(ticket), order_of(ticket)
    await apply(first, second)
    assert await state_of(look_up, ticket) == (TicketStatus.RESERVED, first.id)
    assert await rejections(outbox) == [(second.id, RejectionReason.TAKEN)]


async def test_t10_each_change_publishes_the_next_version(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, outbox: Outbox
) -> None:
    ticket = await list_ticket()
    first, second = order_of(ticket), order_of(ticket)
    await apply(
        first,
        order_of(ticket, OrderCancelled, id=first.id, reason="expired"),
        second,
        order_of(ticket, OrderCompleted, id=second.id),
    )
    told = await outbox()
    assert [type(one) for one in told] == [TicketCreated, *[TicketUpdated] * 4]
    assert [
        (one.version, one.offer_version, one.status, one.order_id)
        for one in told
        if isinstance(one, TicketCreated | TicketUpdated)
    ] == [
        (1, 1, TicketStatus.AVAILABLE, None),
        (2, 1, TicketStatus.RESERVED, first.id),
        (3, 1, TicketStatus.AVAILABLE, None),
        (4, 1, TicketStatus.RESERVED, second.id),
        (5, 1, TicketStatus.SOLD, second.id),
    ]


async def test_i04_a_complete_order_has_the_ticket_sold_to_it(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    order = order_of(ticket)
    await apply(order, order_of(ticket, OrderCompleted, id=order.id))
    assert await state_of(look_up, ticket) == (TicketStatus.SOLD, order.id)


async def test_i04_a_completion_without_a_hold_is_an_error_and_leaves_nothing(
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
    look_up: LookUp,
    database: Database,
) -> None:
    ticket = await list_ticket()
    with pytest.raises(UnexpectedSale):
        await apply(order_of(ticket, OrderCompleted))
    assert await state_of(look_up, ticket) == (TicketStatus.AVAILABLE, None)
    async with database.reading() as session:
        assert (await session.scalars(select(SeenOrder))).all() == []


async def test_a_refunded_order_leaves_the_ticket_withdrawn(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    order = order_of(ticket)
    await apply(
        order,
        order_of(ticket, OrderCompleted, id=order.id),
        order_of(ticket, OrderCancelled, id=order.id, reason="refunded"),
    )
    assert await state_of(look_up, ticket) == (TicketStatus.WITHDRAWN, None)


async def test_r05_an_order_that_saw_an_older_offer_is_refused(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
    outbox: Outbox,
) -> None:
    ticket = await list_ticket()
    await client.put(
        f"/api/tickets/{ticket['id']}",
        json={"title": "Concert", "price": 9_000},
        headers={**headers_of("seller"), "If-Match": '"1"'},
    )
    order = order_of(ticket)
    await apply(order)
    assert await rejections(outbox) == [(order.id, RejectionReason.PRICE_CHANGED)]


async def test_r05_a_hold_that_came_and_went_does_not_refuse(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    first, second = order_of(ticket), order_of(ticket)
    cancelled = order_of(ticket, OrderCancelled, id=first.id, reason="buyer")
    await apply(first, cancelled, second)
    assert await state_of(look_up, ticket) == (TicketStatus.RESERVED, second.id)


async def test_r03_a_seller_cannot_hold_his_own_ticket(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, outbox: Outbox
) -> None:
    order = order_of(await list_ticket(seller="ann"), buyer_id="ann")
    await apply(order)
    assert await rejections(outbox) == [(order.id, RejectionReason.OWN_TICKET)]


async def test_r11_a_sale_that_is_over_by_the_databases_clock_refuses(
    make_ticket: MakeTicket, store: Store, apply: Apply, outbox: Outbox
) -> None:
    ticket = make_ticket(sale_ends_at=now() - timedelta(milliseconds=1))
    await store(ticket)
    order = order_event(OrderCreated, ticket=ordered_ticket(id=ticket.id))
    await apply(order)
    assert await rejections(outbox) == [(order.id, RejectionReason.SALE_CLOSED)]


async def test_a_withdrawn_or_unknown_ticket_refuses(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
    outbox: Outbox,
) -> None:
    ticket = await list_ticket()
    await client.delete(f"/api/tickets/{ticket['id']}", headers=headers_of("seller"))
    late, lost = order_of(ticket), order_event(OrderCreated)
    await apply(late, lost)
    assert await rejections(outbox) == [
        (late.id, RejectionReason.WITHDRAWN),
        (lost.id, RejectionReason.UNKNOWN_TICKET),
    ]


async def test_events_of_an_unknown_ticket_do_no_harm(apply: Apply) -> None:
    await apply(order_event(OrderCancelled, cancel_reason=CancelReason.BUYER))
    with pytest.raises(TicketNotFound):
        await apply(order_event(OrderCompleted))


@pytest.mark.parametrize("reason", list(CancelReason))
async def test_r09_an_order_that_is_cancelled_already_reserves_nothing(
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
    look_up: LookUp,
    outbox: Outbox,
    reason: CancelReason,
) -> None:
    ticket = await list_ticket()
    order = order_of(ticket)
    await apply(order_of(ticket, OrderCancelled, id=order.id, reason=reason), order)
    assert (await state_of(look_up, ticket))[1] is None
    assert await rejections(outbox) == []


async def test_r09_a_new_order_that_comes_twice_reserves_once(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, outbox: Outbox
) -> None:
    ticket = await list_ticket()
    order = order_of(ticket)
    again = order_of(ticket, id=order.id)
    assert again.event_id != order.event_id
    await apply(order, order, again)
    assert len(await outbox()) == 2


async def test_r18_an_old_cancellation_does_not_free_the_next_buyers_hold(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    first, second = order_of(ticket), order_of(ticket)
    cancelled = order_of(ticket, OrderCancelled, id=first.id, reason="expired")
    anew = order_of(ticket, OrderCancelled, id=first.id, reason="expired", version=9)
    await apply(first, cancelled, second, cancelled, anew)
    assert await state_of(look_up, ticket) == (TicketStatus.RESERVED, second.id)


async def test_i07_only_the_order_that_holds_a_ticket_releases_it(
    list_ticket: ListTicket, order_of: OrderOf, apply: Apply, look_up: LookUp
) -> None:
    ticket = await list_ticket()
    holder = order_of(ticket)
    strangers = [
        order_of(ticket, OrderCancelled, id=new_id(), reason=reason)
        for reason in CancelReason
    ]
    await apply(holder, *strangers)
    assert await state_of(look_up, ticket) == (TicketStatus.RESERVED, holder.id)


def _course(
    order_of: OrderOf, ticket: dict[str, Any], steps: Sequence[str]
) -> list[OrderState]:
    created = order_of(ticket)
    types = {"complete": OrderCompleted, "refunded": OrderCancelled}
    return [
        created,
        *(
            order_of(
                ticket,
                types.get(step, OrderCancelled),
                id=created.id,
                **({} if step == "complete" else {"reason": step}),
            )
            for step in steps
        ),
    ]


async def _deliver(inbox: Inbox, events: Sequence[OrderState]) -> None:
    """Deliver as the bus does: what fails comes again after the others."""
    waiting = list(events)
    while waiting:
        failed = []
        for event in waiting:
            try:
                await inbox.apply([event])
            except UnexpectedSale:
                failed.append(event)
        assert len(failed) < len(waiting), "nothing gets on"
        waiting = failed


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (["buyer"], TicketStatus.AVAILABLE),
        (["expired"], TicketStatus.AVAILABLE),
        (["payment_failed"], TicketStatus.AVAILABLE),
        (["complete"], TicketStatus.SOLD),
        (["complete", "refunded"], TicketStatus.WITHDRAWN),
    ],
    ids="-".join,
)
async def test_r50_every_order_of_an_orders_events_ends_the_same(
    list_ticket: ListTicket,
    order_of: OrderOf,
    look_up: LookUp,
    database: Database,
    steps: list[str],
    status: TicketStatus,
) -> None:
    inbox = Inbox(database, HANDLERS)
    for chosen in permutations(range(len(steps) + 1)):
        ticket = await list_ticket()
        course = _course(order_of, ticket, steps)
        await _deliver(inbox, [course[index] for index in chosen])
        order_id = course[0].id if status is TicketStatus.SOLD else None
        assert await state_of(look_up, ticket) == (status, order_id), chosen


@pytest.mark.parametrize("steps", [["buyer"], ["complete"], ["complete", "refunded"]])
async def test_i08_each_event_applied_again_changes_nothing(
    list_ticket: ListTicket,
    order_of: OrderOf,
    apply: Apply,
    look_up: LookUp,
    outbox: Outbox,
    steps: list[str],
) -> None:
    ticket = await list_ticket()
    course = _course(order_of, ticket, steps)
    for done, event in enumerate(course, start=1):
        await apply(event)
        before = await look_up(ticket["id"]), len(await outbox())
        renamed = [one.model_copy(update={"event_id": new_id()}) for one in course]
        await apply(*course[:done], *renamed[:done])
        after = await look_up(ticket["id"]), len(await outbox())
        assert (after[0].version, after[0].status, after[1]) == (
            before[0].version,
            before[0].status,
            before[1],
        )


async def test_i08_a_batch_with_the_same_event_twice_applies_it_once(
    list_ticket: ListTicket, order_of: OrderOf, database: Database, outbox: Outbox
) -> None:
    order = order_of(await list_ticket())
    inbox = Inbox(database, HANDLERS)
    await inbox.apply([order, order])
    await inbox.apply([order])
    assert len(await outbox()) == 2
