"""What an inbox remembers, and for how long."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from common.bus import streams
from common.clock import now
from common.db import Database
from common.events import ExpirationCompleted
from common.inbox import RETENTION, Inbox

pytestmark = pytest.mark.asyncio


async def test_an_event_is_forgotten_once_it_cannot_come_again(
    database: Database,
) -> None:
    seen: list[str] = []

    async def note(_: AsyncSession, event: ExpirationCompleted) -> None:
        seen.append(event.order_id)

    inbox = Inbox(database, {ExpirationCompleted: note})
    event = ExpirationCompleted(order_id="o1", expires_at=now())
    await inbox.apply([event])

    kept = await inbox.prune(now() - RETENTION)
    await inbox.apply([event])
    forgotten = await inbox.prune(now() + timedelta(seconds=1))
    await inbox.apply([event])

    assert (kept, forgotten) == (0, 1)
    assert seen == ["o1", "o1"]


async def test_dead_letters_are_forgotten_first() -> None:
    assert RETENTION.total_seconds() > streams._DEAD_MAX_AGE_SECONDS
