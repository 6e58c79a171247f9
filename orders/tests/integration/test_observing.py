"""What can be seen of orders that end by themselves: how many, and in which trace."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, select

from common.clock import now
from common.db import Database
from common.db.messaging_tables import outbox as outbox_table
from common.events import Event, ExpirationCompleted, OrderStatus
from common.ids import new_id
from common.telemetry import configure_tracing
from common.testing.events import ordered_ticket
from orders.models import Order
from orders.sweeper import Sweeper

pytestmark = pytest.mark.asyncio

Apply = Callable[..., Awaitable[None]]


async def _an_overdue_order(database: Database) -> str:
    order_id, ticket_id = new_id(), new_id()
    row = {
        "id": order_id, "version": 1, "buyer_id": "buyer", "ticket_id": ticket_id,
        "live_ticket_id": ticket_id, "status": OrderStatus.CREATED, "price": 5_000,
        "fee": 500, "total": 5_500, "currency": "usd", "fingerprint": "",
        "ticket_snapshot": ordered_ticket(id=ticket_id).model_dump_json(),
        "expires_at": now() - timedelta(seconds=1),
    }  # fmt: skip
    async with database.transaction() as session:
        await session.execute(insert(Order), [row])
    return order_id


def _expired(noticed_by: str) -> float:
    labels = {"noticed_by": noticed_by}
    return REGISTRY.get_sample_value("orders_expired_total", labels) or 0.0


async def test_orders_that_expired_are_counted_by_who_noticed(
    database: Database, apply: Apply
) -> None:
    timer, sweeper = _expired("timer"), _expired("sweeper")
    order_id = await _an_overdue_order(database)
    due: Event = ExpirationCompleted(order_id=order_id, expires_at=now())
    await apply(due)
    assert (_expired("timer"), _expired("sweeper")) == (timer + 1, sweeper)

    await _an_overdue_order(database)
    await Sweeper(database, period=1).sweep()
    assert (_expired("timer"), _expired("sweeper")) == (timer + 1, sweeper + 1)


async def test_what_the_sweeper_announces_begins_a_trace(database: Database) -> None:
    configure_tracing("orders")
    await _an_overdue_order(database)
    await Sweeper(database, period=1).sweep()
    async with database.reading() as session:
        headers = json.loads(
            (await session.scalars(select(outbox_table.c.headers))).one()
        )
    assert headers["traceparent"].startswith("00-")
