"""A message that the database can never take must not be retried for ever."""

import pytest
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.errors import Disposition, verdict_on
from common.events import ExpirationCompleted
from common.inbox import Inbox
from common.testing.plugin import on_mariadb

pytestmark = pytest.mark.asyncio


@on_mariadb
@pytest.mark.parametrize("event_id", ["é", "\U0001f600"])
async def test_r49_an_event_whose_id_cannot_be_compared_is_parked_in_the_end(
    database: Database, notes: Table, event_id: str
) -> None:
    async def note(session: AsyncSession, event: ExpirationCompleted) -> None:
        await session.execute(insert(notes).values(text=event.order_id))

    inbox = Inbox(database, {ExpirationCompleted: note})
    poison = ExpirationCompleted(event_id=event_id, order_id="o", expires_at=now())
    with pytest.raises(Exception, match="collations") as raised:
        await inbox.apply([poison])
    assert verdict_on(raised.value).disposition is Disposition.RETRY_THEN_PARK
