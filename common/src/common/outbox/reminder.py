"""Sends an event once more when the service it was for does not answer.

Some changes wait for another service: a claimed order for its capture, a captured
payment for its order's completion. Should the broker lose the event in between, or
a defect park it, nothing else would ever bring it back, and a buyer's money would
be held, or taken, for an order that goes neither way (I2, I9).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from common.db import Database
from common.errors import Unavailable
from common.outbox.sql import SqlOutbox
from common.telemetry import logger, metrics

log = logger(__name__)

PATIENCE: Final = timedelta(minutes=11)
"""Longer than the stream's dedupe window, in which the server drops what it knows."""

PERIOD_SECONDS: Final = 60.0
_CLOCK_SLACK: Final = timedelta(minutes=5)


class Unanswered(NamedTuple):
    """A change at ``since`` that an event on one of ``subjects`` told of.

    ``text`` is part of the event's payload and of no other's.
    """

    subjects: Sequence[str]
    text: str
    since: datetime


FindUnanswered = Callable[[AsyncSession, datetime], Awaitable[Sequence[Unanswered]]]
"""Returns changes made until then that still wait for another service."""


class Reminder:
    """Looks for unanswered changes and has their events published again.

    The events keep their ids: whoever has applied one takes no notice of it.
    """

    def __init__(
        self,
        database: Database,
        find: FindUnanswered,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Prepare; ``patience`` is how long an answer may take."""
        self._database = database
        self._outbox = SqlOutbox(database)
        self._find = find
        self._patience = patience

    async def run(self) -> None:
        """Look once a minute for ever; a database that is away is waited for."""
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            try:
                await self.remind()
            except Unavailable as error:
                log.warning("reminder_postponed", reason=str(error))

    async def remind(self) -> int:
        """Have the events of all that is unanswered published again; count them.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        until = now() - self._patience
        async with self._database.reading() as session:
            found = await self._find(session, until)
        metrics.UNANSWERED.set(len(found))
        sent = 0
        for one in found:
            sent += await self._outbox.send_again(
                one.subjects, one.text, since=one.since - _CLOCK_SLACK, until=until
            )
        if found:
            log.error("changes_unanswered", changes=len(found), sent_again=sent)
        return sent
