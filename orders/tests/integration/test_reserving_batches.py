"""Many requests in one transaction: each gets the outcome it would get alone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from common.db import Database
from common.errors import TicketingError
from common.events import Event, OrderCreated
from common.ids import new_id
from common.testing import until
from common.testing.plugin import on_mariadb
from orders.errors import (
    AlreadyYours,
    IdempotencyKeyReused,
    OwnTicket,
    TicketNotFound,
    TicketTaken,
)
from orders.models import Order
from orders.reserving import Outcome, ReserveRequest, SaleRules, reserve_tickets

pytestmark = pytest.mark.asyncio

ListTicket = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[Event]]]
ReserveAll = Callable[[Sequence[ReserveRequest]], Awaitable[list[Outcome]]]


def _wish(buyer: str, ticket_id: str, **more: Any) -> ReserveRequest:  # noqa: ANN401 - any field
    return ReserveRequest(buyer_id=buyer, ticket_id=ticket_id, **more)


def _kinds(outcomes: Sequence[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def _id(outcome: Outcome) -> str:
    assert isinstance(outcome, Order), outcome
    return outcome.id


async def _announced(outbox: Outbox) -> list[str]:
    return [e.id for e in await outbox() if isinstance(e, OrderCreated)]


async def test_nothing_asked_is_nothing_done(reserve_all: ReserveAll) -> None:
    assert await reserve_all([]) == []


async def test_outcomes_come_in_the_order_of_the_requests(
    list_ticket: ListTicket, reserve_all: ReserveAll, outbox: Outbox
) -> None:
    free = [await list_ticket() for _ in range(3)]
    [taken] = await reserve_all([_wish("early", free[1])])

    outcomes = await reserve_all(
        [
            _wish("late", free[1]),
            _wish("a", free[2]),
            _wish("b", new_id()),
            _wish("early", free[1]),
            _wish("seller", free[0]),
            _wish("c", free[0]),
            _wish("d", "ünknown"),
        ]
    )

    assert _kinds(outcomes) == [
        TicketTaken, Order, TicketNotFound, AlreadyYours, OwnTicket, Order,
        TicketNotFound,
    ]  # fmt: skip
    assert [o.ticket_id for o in outcomes if isinstance(o, Order)] == [free[2], free[0]]
    winners = [_id(outcomes[1]), _id(outcomes[5])]
    assert await _announced(outbox) == [_id(taken), *winners]


async def test_i01_the_first_of_many_for_one_ticket_wins(
    list_ticket: ListTicket, reserve_all: ReserveAll, outbox: Outbox
) -> None:
    hot, quiet = await list_ticket(), await list_ticket()
    wishes = [_wish(f"buyer {n}", hot) for n in range(6)]

    outcomes = await reserve_all([*wishes[:3], _wish("calm", quiet), *wishes[3:]])

    assert _kinds(outcomes) == [Order, *[TicketTaken] * 2, Order, *[TicketTaken] * 3]
    assert await _announced(outbox) == [_id(outcomes[0]), _id(outcomes[3])]


async def test_r02_one_buyer_twice_without_a_key_hears_of_his_order(
    list_ticket: ListTicket, reserve_all: ReserveAll
) -> None:
    ticket_id = await list_ticket()

    first, second = await reserve_all([_wish("buyer", ticket_id)] * 2)

    assert isinstance(second, AlreadyYours)
    assert second.extras == {"order_id": _id(first)}


async def test_r02_a_key_repeated_in_a_batch_gives_one_order_announced_once(
    list_ticket: ListTicket, reserve_all: ReserveAll, outbox: Outbox
) -> None:
    wish = _wish("buyer", await list_ticket(), idempotency_key="k")

    outcomes = await reserve_all([wish, wish, wish])

    assert {_id(outcome) for outcome in outcomes} == {_id(outcomes[0])}
    assert await _announced(outbox) == [_id(outcomes[0])]


async def test_r02_a_key_repeated_in_a_later_batch_gives_the_same_order(
    list_ticket: ListTicket, reserve_all: ReserveAll, outbox: Outbox
) -> None:
    wish = _wish("buyer", await list_ticket(), idempotency_key="k")
    [first] = await reserve_all([wish])

    again, other = await reserve_all([wish, _wish("other", wish.ticket_id)])

    assert _id(again) == _id(first)
    assert isinstance(other, TicketTaken)
    assert await _announced(outbox) == [_id(first)]


async def test_r02_a_key_for_two_tickets_in_a_batch_serves_the_first(
    list_ticket: ListTicket, reserve_all: ReserveAll
) -> None:
    tickets = sorted([await list_ticket(), await list_ticket()], reverse=True)

    outcomes = await reserve_all(
        [_wish("buyer", ticket_id, idempotency_key="k") for ticket_id in tickets]
    )

    assert _kinds(outcomes) == [Order, IdempotencyKeyReused]


async def test_r02_a_repeated_key_shares_the_fate_of_the_first(
    list_ticket: ListTicket, reserve_all: ReserveAll
) -> None:
    ticket_id = await list_ticket()
    wish = _wish("slow", ticket_id, idempotency_key="k")

    outcomes = await reserve_all([_wish("fast", ticket_id), wish, wish])

    assert _kinds(outcomes) == [Order, TicketTaken, TicketTaken]


async def _is_waiting(database: Database) -> bool:
    async with database.reading() as session:
        found = await session.execute(
            text("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
        )
        return int(found.one()[1]) > 0


async def _race(
    database: Database,
    rules: SaleRules,
    batch: Sequence[ReserveRequest],
    rival: ReserveRequest,
    *,
    leaves: bool = False,
) -> list[Outcome]:
    """Reserve ``batch`` while ``rival`` has inserted, and has not committed."""

    async def reserve() -> list[Outcome]:
        async with database.transaction() as session:
            return await reserve_tickets(session, batch, rules)

    async with database.transaction() as session:
        [made] = await reserve_tickets(session, [rival], rules)
        assert isinstance(made, Order)
        racing = asyncio.create_task(reserve())
        await until(lambda: _is_waiting(database))
        if leaves:
            await session.rollback()
    return await racing


@on_mariadb
async def test_r01_one_conflict_in_the_middle_leaves_the_others_their_tickets(
    database: Database, rules: SaleRules, list_ticket: ListTicket, outbox: Outbox
) -> None:
    tickets = [await list_ticket() for _ in range(5)]
    batch = [_wish(f"buyer {n}", ticket) for n, ticket in enumerate(tickets)]

    outcomes = await _race(database, rules, batch, _wish("rival", tickets[2]))

    assert _kinds(outcomes) == [Order, Order, TicketTaken, Order, Order]
    winners = [_id(o) for o in outcomes if not isinstance(o, TicketingError)]
    assert (await _announced(outbox))[1:] == winners


@on_mariadb
async def test_r01_a_rival_that_rolls_back_took_nothing(
    database: Database, rules: SaleRules, list_ticket: ListTicket, outbox: Outbox
) -> None:
    tickets = [await list_ticket() for _ in range(3)]
    batch = [_wish(f"buyer {n}", ticket) for n, ticket in enumerate(tickets)]

    outcomes = await _race(
        database, rules, batch, _wish("rival", tickets[1]), leaves=True
    )

    assert await _announced(outbox) == [_id(outcome) for outcome in outcomes]


@on_mariadb
async def test_r02_the_same_request_on_another_connection_gives_its_order(
    database: Database, rules: SaleRules, list_ticket: ListTicket, outbox: Outbox
) -> None:
    wish = _wish("buyer", await list_ticket(), idempotency_key="k")
    other = _wish("other", await list_ticket())

    same, own = await _race(database, rules, [wish, other], wish)

    assert [_id(same), _id(own)] == await _announced(outbox)


@on_mariadb
async def test_r02_the_key_used_on_another_connection_for_another_ticket(
    database: Database, rules: SaleRules, list_ticket: ListTicket
) -> None:
    mine, rivals = [
        _wish("buyer", await list_ticket(), idempotency_key="k") for _ in range(2)
    ]

    [outcome] = await _race(database, rules, [mine], rivals)

    assert isinstance(outcome, IdempotencyKeyReused)
