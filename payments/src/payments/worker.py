"""Looks at every payment that is due: woken by commits, polling so none is left.

What is due is a column, not a memory: after a crash it goes on from the rows (R30).
"""

import asyncio
from time import monotonic
from typing import Final

from common.db import Database
from common.errors import Unavailable
from common.telemetry import logger
from payments import metrics, repository
from payments.settling import Settler

log = logger(__name__)

POLL_SECONDS: Final = 1.0
_ALERTS_SECONDS: Final = 30.0


class Worker:
    """Settles due payments, a bounded number at once."""

    def __init__(
        self,
        database: Database,
        settler: Settler,
        alarm: asyncio.Event,
        *,
        concurrency: int,
    ) -> None:
        self._database = database
        self._settler = settler
        self._alarm = alarm
        self._concurrency = concurrency
        self._busy: set[str] = set()
        self._next_count = 0.0

    async def run(self) -> None:
        """Work for ever; a database that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._alarm.clear()
                try:
                    for payment_id in await self._due():
                        self._busy.add(payment_id)
                        tasks.create_task(self._settle(payment_id))
                    await self._count_alerts()
                except Unavailable as error:
                    log.warning("payments_worker_waiting", reason=error.slug)
                await self._wait()

    async def _due(self) -> list[str]:
        """Return as many due payments as there are free hands."""
        free = self._concurrency - len(self._busy)
        if free <= 0:
            return []
        async with self._database.reading() as session:
            found = await repository.find_due(session, self._concurrency)
        return [one for one in found if one not in self._busy][:free]

    async def _settle(self, payment_id: str) -> None:
        took_turn = False
        try:
            took_turn = await self._settler.settle(payment_id)
        except Unavailable as error:
            log.warning("payment_look_cut", payment_id=payment_id, reason=error.slug)
        except Exception:
            # One payment that we cannot handle must not keep the others from
            # being handled. Its lease runs out and it is looked at again.
            log.exception("payment_look_failed", payment_id=payment_id)
            metrics.GATEWAY_FAILURES.labels("Defect").inc()
        finally:
            self._busy.discard(payment_id)
        if took_turn:
            self._alarm.set()  # More may have become due, or waits for a free hand.

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._alarm.wait(), POLL_SECONDS)
        except TimeoutError:
            return

    async def _count_alerts(self) -> None:
        if monotonic() < self._next_count:
            return
        self._next_count = monotonic() + _ALERTS_SECONDS
        async with self._database.reading() as session:
            metrics.ALERTS.set(await repository.count_alerts(session))
