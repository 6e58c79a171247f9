"""The service without its edges, for tests: no HTTP and no broker, all else real."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select, update

from common.db import Database, utc_now
from common.events import (
    CancelReason,
    Event,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderClaimed,
    OrderCompleted,
    OrderState,
)
from common.inbox import Inbox
from common.testing import published
from common.testing.events import order_event
from common.testing.waiting import until
from payments import ledger
from payments.consumers import handlers
from payments.gateway import Gateway, connected
from payments.models import LedgerEntry, Payment
from payments.paying import OpenPayment, PayOrder, Till, open_payment
from payments.settings import Settings
from payments.settling import Settler

E = TypeVar("E", bound=OrderState)

BUYER = "019a0000-0000-7000-8000-00000000b0b0"


def make_order(**changes: Any) -> OrderAwaitingPayment:  # noqa: ANN401 - any field
    """Return an order of `BUYER` that waits for 22 dollars, but for what is changed."""
    return order_event(
        OrderAwaitingPayment, **{"buyer_id": BUYER, "price": 2_000, **changes}
    )


def claimed(order: OrderState, payment_id: str) -> OrderClaimed:
    """Return what orders says when it claims ``order`` for a payment."""
    return _later(OrderClaimed, order, claimed_payment=payment_id)


def completed(order: OrderState, payment_id: str) -> OrderCompleted:
    """Return what orders says when the money was taken."""
    return _later(OrderCompleted, order, claimed_payment=payment_id)


def cancelled(order: OrderState, **changes: object) -> OrderCancelled:
    """Return what orders says when ``order`` ends without a sale."""
    return _later(
        OrderCancelled, order, **{"cancel_reason": CancelReason.EXPIRED, **changes}
    )


def _later(event_type: type[E], order: OrderState, **changes: object) -> E:
    kept = order.model_dump(exclude={"event_id", "occurred_at", "version", "status"})
    return order_event(event_type, **{**kept, **changes})


@dataclass
class Desk:
    """One process's worth of payments, worked by hand: nothing runs by itself."""

    database: Database
    gateway: Gateway
    settler: Settler
    till: Till
    inbox: Inbox
    alarm: asyncio.Event
    url: str = ""

    async def hear(self, *events: Event) -> None:
        """Apply events as the consumer does, inbox included."""
        for event in events:
            await self.inbox.apply([event])

    async def open(self, order: OrderState, key: str | None = None) -> OpenPayment:
        """Do what the buyer's POST does."""
        wish = PayOrder(order.buyer_id, order.id, key)
        return await open_payment(self.till, wish)

    async def look(self, order: OrderState) -> Payment:
        """Have the payment of ``order`` looked at now, whether it is due or not."""
        await self._make_due(order)
        await self.settler.settle((await self.payment(order)).id)
        return await self.payment(order)

    async def rest(self, order: OrderState) -> Payment:
        """Settle the payment of ``order`` until it is not due any more."""
        payment = await self.payment(order)
        while await self.settler.settle(payment.id):
            pass
        return await self.payment(order)

    async def until(self, order: OrderState, status: str) -> Payment:
        """Wait until a worker has brought the payment of ``order`` to ``status``.

        Raises:
            TimeoutError: it did not.
        """

        async def reached() -> bool:
            return (await self.payment(order)).status == status

        await until(reached, seconds=60)
        return await self.payment(order)

    async def payment(self, order: OrderState) -> Payment:
        """Return the payment of ``order`` as it is committed."""
        async with self.database.reading() as session:
            found = await session.scalars(
                select(Payment).where(Payment.order_id == order.id)
            )
            return found.one()

    async def ledger(self, order: OrderState) -> list[tuple[str, int]]:
        """Return kind and amount of all that moved for ``order``, oldest first."""
        async with self.database.reading() as session:
            found = await session.execute(
                select(LedgerEntry.kind, LedgerEntry.amount)
                .where(LedgerEntry.order_id == order.id)
                .order_by(LedgerEntry.id)
            )
            return [(kind, amount) for kind, amount in found]

    async def subjects(self) -> list[str]:
        """Return the subjects of all events decided on, oldest first."""
        return [event.subject for event in await published(self.database)]

    async def net(self, order: OrderState) -> int:
        """Return what was taken for ``order`` less what was given back."""
        async with self.database.reading() as session:
            return (await ledger.net_captured(session)).get(order.id, 0)

    async def _make_due(self, order: OrderState) -> None:
        async with self.database.transaction() as session:
            await session.execute(
                update(Payment)
                .where(Payment.order_id == order.id)
                .values(due_at=utc_now())
            )


@asynccontextmanager
async def desk(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    """Lend a desk on ``database`` that calls Stripe as ``settings`` say."""
    async with connected(settings) as stripe:
        alarm = asyncio.Event()
        yield Desk(
            database=database,
            gateway=stripe,
            settler=Settler(database, stripe, settings),
            till=Till(database, stripe, alarm.set, settings.poll_first_seconds),
            inbox=Inbox(database, handlers(alarm.set)),
            alarm=alarm,
        )
