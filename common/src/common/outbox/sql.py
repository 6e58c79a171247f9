"""The outbox of a service with an SQL database."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from common.bus.message import OutboxMessage
from common.clock import now
from common.db import Database, mark_outbox_filled
from common.db.messaging_tables import outbox
from common.events import Event
from common.outbox.relay import Backlog, Claim


async def add_events(session: AsyncSession, *events: Event) -> None:
    """Store ``events`` in the transaction of ``session``; the relay sends them.

    Whatever that transaction decides is published if, and only if, it commits.
    """
    if not events:
        return
    rows = []
    for event in events:
        message = OutboxMessage.from_event(event)
        rows.append(
            {
                "event_id": message.event_id,
                "subject": message.subject,
                "headers": json.dumps(message.headers),
                "payload": message.payload,
                "created_at": now(),
            }
        )
    await session.execute(insert(outbox), rows)
    mark_outbox_filled(session)


class SqlOutbox:
    """The outbox table as the relay sees it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def claim(self, limit: int) -> AsyncIterator[Claim]:
        """Lend the oldest unpublished events; mark those that were published.

        It reads from the head of the table each time and marks exact ids: ids are
        handed out before commit, so a cursor would skip a late one.

        On MySQL the rows stay locked meanwhile and another replica's relay skips
        them. SQLite has one process and one writer, so there nothing is held.
        """
        if self._database.is_sqlite:
            async with self._database.reading() as session:
                claim = await _oldest_unpublished(session, limit)
            yield claim
            if claim.published:
                async with self._database.transaction() as session:
                    await _mark_published(session, claim.published)
            return
        async with self._database.transaction() as session:
            claim = await _oldest_unpublished(session, limit)
            yield claim
            await _mark_published(session, claim.published)

    async def backlog(self) -> Backlog:
        """Count what is not published yet and find its oldest."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(func.count(), func.min(outbox.c.created_at)).where(
                    outbox.c.published_at.is_(None)
                )
            )
            count, oldest = found.one()
            return Backlog(count, oldest)

    async def replay(self, since: datetime) -> int:
        """Mark what was published at or after ``since`` as unpublished again.

        Message ids stay, so consumers that have seen an event skip it.
        Returns the number of events that the relay will send.
        """
        async with self._database.transaction() as session:
            done = await session.execute(
                update(outbox)
                .where(outbox.c.published_at >= since)
                .values(published_at=None)
            )
            mark_outbox_filled(session)
            return int(done.rowcount)  # type: ignore[attr-defined]

    async def send_again(
        self, subjects: Sequence[str], text: str, *, since: datetime, until: datetime
    ) -> int:
        """Have events published between ``since`` and ``until`` published once more.

        Those on ``subjects`` whose payload contains ``text``; returns how many.
        """
        async with self._database.reading() as session:
            found = await session.scalars(
                select(outbox.c.id).where(
                    outbox.c.published_at.between(since, until),
                    outbox.c.subject.in_(subjects),
                    outbox.c.payload.contains(text, autoescape=True),
                )
            )
            ids = found.all()
        if ids:
            async with self._database.transaction() as session:
                await session.execute(
                    update(outbox).where(outbox.c.id.in_(ids)).values(published_at=None)
                )
                mark_outbox_filled(session)
        return len(ids)

    async def prune(self, before: datetime) -> int:
        """Delete events published before ``before``; returns how many."""
        async with self._database.transaction() as session:
            done = await session.execute(
                delete(outbox).where(outbox.c.published_at < before)
            )
            return int(done.rowcount)  # type: ignore[attr-defined]


async def _oldest_unpublished(session: AsyncSession, limit: int) -> Claim:
    found = await session.execute(
        select(outbox.c.event_id, outbox.c.subject, outbox.c.headers, outbox.c.payload)
        .where(outbox.c.published_at.is_(None))
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return Claim(
        [
            OutboxMessage(
                row.event_id, row.subject, json.loads(row.headers), row.payload
            )
            for row in found
        ]
    )


async def _mark_published(session: AsyncSession, event_ids: Sequence[str]) -> None:
    if event_ids:
        await session.execute(
            update(outbox)
            .where(outbox.c.event_id.in_(event_ids))
            .values(published_at=now())
        )
