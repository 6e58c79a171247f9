"""R54: the database's clock decides, and the clock of the process never."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from common.clock import now
from common.db import Database
from common.errors import TooEarly
from common.events import Event, ExpirationCompleted
from common.inbox import Inbox
from common.testing.plugin import DatabaseUrlFactory, on_mariadb
from orders import service
from orders.consumers import HANDLERS
from orders.models import Base, Order
from orders.reserving import ReserveRequest, SaleRules
from orders.sweeper import Sweeper

pytestmark = [pytest.mark.asyncio, on_mariadb]

Json = dict[str, Any]
Lend = Callable[[timedelta], Any]
LookUp = Callable[[str], Awaitable[Order]]
Make = Callable[..., Awaitable[Json]]
Payment = Callable[..., Event]
HOUR = timedelta(hours=1)


@pytest.fixture
def skewed(
    database: Database, database_url_factory: DatabaseUrlFactory, migrations: Path
) -> Lend:
    """Return a lender of the same database with a clock that differs from ours."""
    url = database_url_factory("orders", migrations, Base.metadata)

    @asynccontextmanager
    async def lend(by: timedelta) -> AsyncIterator[Database]:
        skewed = Database(url)

        def set_clock(connection: Any, _: object) -> None:  # noqa: ANN401 - a driver's
            cursor = connection.cursor()
            cursor.execute(f"SET timestamp = {(now() + by).timestamp():.6f}")
            cursor.close()

        event.listen(skewed.engine.sync_engine, "connect", set_clock)
        yield skewed
        await skewed.close()

    return lend


async def test_r54_a_process_that_runs_late_expires_what_the_database_says(
    skewed: Lend, held: Make, look_up: LookUp
) -> None:
    order = await held()

    async with skewed(HOUR) as database:
        swept = await Sweeper(database, period=1).sweep()

    assert swept == 1
    assert (await look_up(order["id"])).cancel_reason == "expired"


async def test_r54_a_process_that_runs_early_may_not_expire(
    skewed: Lend, held: Make, look_up: LookUp, set_deadline: Callable[..., Any]
) -> None:
    order = await held()
    await set_deadline(order["id"], seconds=-60)
    timer = ExpirationCompleted(order_id=order["id"], expires_at=now())

    async with skewed(-HOUR) as database:
        assert await Sweeper(database, period=1).sweep() == 0
        with pytest.raises(TooEarly) as early:
            await Inbox(database, HANDLERS).apply([timer])

    assert early.value.retry_after == pytest.approx(3_540, abs=5)
    assert (await look_up(order["id"])).status == "awaiting:payment"


@pytest.mark.parametrize(
    ("by", "deadline", "claimed"), [(-HOUR, -60, True), (HOUR, 600, False)]
)
async def test_r54_who_may_claim_is_decided_by_the_database(
    skewed: Lend,
    held: Make,
    payment: Payment,
    look_up: LookUp,
    set_deadline: Callable[..., Any],
    by: timedelta,
    deadline: int,
    claimed: bool,
) -> None:
    order = await held()
    await set_deadline(order["id"], seconds=deadline)

    async with skewed(by) as database:
        await Inbox(database, HANDLERS).apply([payment(order)])

    row = await look_up(order["id"])
    assert (row.claimed_payment is not None) is claimed
    assert row.status == ("awaiting:payment" if claimed else "cancelled")


async def test_r54_a_deadline_is_counted_from_the_database_clock(
    skewed: Lend, list_ticket: Callable[..., Awaitable[str]], rules: SaleRules
) -> None:
    request = ReserveRequest(buyer_id="buyer", ticket_id=await list_ticket())

    async with skewed(HOUR) as database, database.transaction() as session:
        placed = await service.place_order(session, request, rules)

    expected: datetime = now() + HOUR + rules.window
    assert abs(placed.order.expires_at - expected) < timedelta(seconds=10)
    assert placed.seconds_left == pytest.approx(900, abs=5)
