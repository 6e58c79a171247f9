"""Two replicas hear of a new ticket at once: neither state may be lost."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.util import await_only

from common.db import Database
from common.events import TicketState
from common.ids import new_id
from common.inbox import Inbox
from common.testing.plugin import on_mariadb
from orders.consumers import HANDLERS
from orders.models import Ticket

pytestmark = pytest.mark.asyncio


@on_mariadb
async def test_r50_a_copy_made_between_looking_and_looking_again_is_brought_on(
    database: Database, ticket_event: Callable[..., TicketState]
) -> None:
    inbox = Inbox(database, HANDLERS)
    ticket_id = new_id()
    older = [ticket_event(ticket_id, version=1)]

    def overtake(*arguments: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
        if arguments[2].startswith("UPDATE tickets") and older:
            await_only(inbox.apply([older.pop()]))

    engine = database.engine.sync_engine
    event.listen(engine, "after_cursor_execute", overtake)
    try:
        await inbox.apply([ticket_event(ticket_id, version=2)])
    finally:
        event.remove(engine, "after_cursor_execute", overtake)

    assert older == []
    async with database.reading() as session:
        query = select(Ticket.version).where(Ticket.id == ticket_id)
        assert await session.scalar(query) == 2
