"""Inbox: an event's effect is committed once, however often the event comes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.db.messaging_tables import inbox
from common.errors import Unavailable
from common.events import Event
from common.telemetry import continuing, logger, metrics

log = logger(__name__)

RETENTION: Final = timedelta(days=100)
"""Longer than any message can come again: dead letters are kept for 90 days."""

_HOUSEKEEPING_SECONDS: Final = 3600.0

Handler = Callable[[AsyncSession, Any], Awaitable[None]]
"""Calls one use case for one event, in the given session's transaction."""


class Inbox:
    """Applies events to one database, each in the transaction that records it."""

    def __init__(
        self, database: Database, handlers: Mapping[type[Event], Handler]
    ) -> None:
        self._database = database
        self._handlers = handlers

    @property
    def subjects(self) -> list[str]:
        """Subjects of the events that have a handler."""
        return [event_type.subject for event_type in self._handlers]

    async def apply(self, events: Sequence[Event]) -> None:
        """Apply ``events`` in order, all in one transaction.

        Those that the inbox knows change nothing. When one raises, none is
        applied; the consumer then calls again with one at a time.
        """
        async with self._database.transaction() as session:
            known = await _known(session, events)
            fresh = {e.event_id: e for e in events if e.event_id not in known}
            metrics.INBOX_DUPLICATES.inc(len(events) - len(fresh))
            for event in fresh.values():
                with continuing(event.event_id):
                    await self._handlers[type(event)](session, event)
            await _record(session, list(fresh.values()))

    async def prune(self, before: datetime) -> int:
        """Forget events received before ``before``; return how many."""
        async with self._database.transaction() as session:
            done = await session.execute(
                delete(inbox).where(inbox.c.received_at < before)
            )
            return int(done.rowcount)  # type: ignore[attr-defined]

    async def keep_house(self) -> None:
        """Prune every hour, for ever; a database that is away is not waited for."""
        while True:
            try:
                await self.prune(now() - RETENTION)
            except Unavailable as error:
                log.warning("inbox_not_pruned", reason=error.slug)
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)


async def _known(session: AsyncSession, events: Sequence[Event]) -> set[str]:
    ids = [event.event_id for event in events]
    found = await session.scalars(
        select(inbox.c.event_id).where(inbox.c.event_id.in_(ids))
    )
    return set(found)


async def _record(session: AsyncSession, events: Sequence[Event]) -> None:
    if not events:
        return
    received_at = now()
    rows = [
        {"event_id": e.event_id, "subject": e.subject, "received_at": received_at}
        for e in events
    ]
    await session.execute(insert(inbox), rows)
