"""Our copy of a ticket: the newest state wins, whichever replica hears it first."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from common.db import Database
from common.events import Event, TicketState
from common.ids import new_id
from common.inbox import Inbox
from common.testing.plugin import on_mariadb
from orders.consumers import HANDLERS
from orders.models import Ticket

pytestmark = pytest.mark.asyncio

Apply = Callable[..., Awaitable[None]]
TicketEvent = Callable[..., TicketState]


async def _copy(database: Database, ticket_id: str) -> Ticket:
    async with database.reading() as session:
        return await session.get_one(Ticket, ticket_id)


async def test_every_field_is_copied_and_replaced(
    database: Database, apply: Apply, ticket_event: TicketEvent
) -> None:
    ticket_id = new_id()
    full = ticket_event(
        ticket_id,
        venue="Hall",
        city="Vienna",
        starts_at="2030-01-01T20:00:00+01:00",
        timezone="Europe/Vienna",
        section="A",
        row="1",
        seat="2",
    )
    await apply(full)
    copy = await _copy(database, ticket_id)
    assert copy.snapshot().model_dump() == full.model_dump(
        include=set(type(copy.snapshot()).model_fields)
    )

    await apply(ticket_event(ticket_id, version=2, status="withdrawn"))

    copy = await _copy(database, ticket_id)
    assert (copy.version, copy.status, copy.row, copy.venue) == (
        2, "withdrawn", None, None,
    )  # fmt: skip


async def test_r50_an_older_or_equal_version_changes_nothing(
    database: Database, apply: Apply, ticket_event: TicketEvent
) -> None:
    ticket_id = new_id()
    await apply(ticket_event(ticket_id, version=3, title="third"))

    await apply(
        ticket_event(ticket_id, version=3, title="another third"),
        ticket_event(ticket_id, version=2, title="second"),
        ticket_event(ticket_id, version=1, title="first"),
    )

    assert (await _copy(database, ticket_id)).title == "third"


@on_mariadb
async def test_r50_replicas_that_store_a_ticket_at_once_keep_the_newest(
    database: Database, ticket_event: TicketEvent
) -> None:
    inbox = Inbox(database, HANDLERS)
    for round_ in range(25):
        ticket_id = new_id()
        versions = (1, 2) if round_ % 2 else (2, 1)

        await asyncio.gather(
            *(inbox.apply([ticket_event(ticket_id, version=v)]) for v in versions)
        )

        assert (await _copy(database, ticket_id)).version == 2


@on_mariadb
async def test_r50_a_replica_that_was_second_by_a_commit_still_brings_the_newest(
    database: Database, ticket_event: TicketEvent
) -> None:
    """The second insert waits for the first to commit, and is then an update."""
    first, second = (Inbox(database, HANDLERS) for _ in range(2))
    for _ in range(10):
        tickets = [new_id() for _ in range(8)]
        older: list[Event] = [ticket_event(t, version=1) for t in tickets]
        newer: list[Event] = [ticket_event(t, version=2) for t in tickets]

        await asyncio.gather(first.apply(older), second.apply(newer))

        copies = [await _copy(database, ticket_id) for ticket_id in tickets]
        assert [copy.version for copy in copies] == [2] * 8
