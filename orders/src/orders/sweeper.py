"""The certainty behind the timer: overdue orders are looked for all the time."""

import asyncio
from typing import Final

from opentelemetry.trace import SpanKind

from common.db import Database
from common.errors import Unavailable
from common.telemetry import logger, span
from orders import metrics
from orders.service import expire_overdue

log = logger(__name__)

BATCH: Final = 500


class Sweeper:
    """Cancels whatever is past its deadline, whoever forgot it."""

    def __init__(self, database: Database, *, period: float) -> None:
        """Prepare; ``period`` is in seconds."""
        self._database = database
        self._period = period

    async def run(self) -> None:
        """Sweep for ever; a database that is away is waited for."""
        while True:
            await asyncio.sleep(self._period)
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("sweep_postponed", reason=str(error))

    async def sweep(self) -> int:
        """Cancel everything overdue, a batch a transaction; return how many.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        total = 0
        while True:
            # What was cancelled together is one trace, from here to every consumer.
            with span("sweep orders", SpanKind.INTERNAL):
                async with self._database.transaction() as session:
                    swept = await expire_overdue(session, BATCH)
            metrics.EXPIRED.labels("sweeper").inc(swept)
            total += swept
            if swept < BATCH:
                break
        if total:
            log.info("orders_swept", count=total)
        return total
