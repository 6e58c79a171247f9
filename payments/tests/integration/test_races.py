"""Many at once: claim against cancellation, replicas, and chaos at Stripe."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from common.db import Database
from common.events import OrderAwaitingPayment
from common.testing.waiting import until
from payments.intents import Intent
from payments.settings import Settings
from payments.testing import Desk, cancelled, claimed, desk, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio

ROUNDS = 30


class Orders:
    """What the orders service does: of claim and cancellation, the first one wins."""

    def __init__(self, payments: Desk) -> None:
        self._payments = payments
        self.verdicts: dict[str, str] = {}

    async def claim(self, order: OrderAwaitingPayment, payment_id: str) -> None:
        """Claim ``order`` if it is not over."""
        if self.verdicts.setdefault(order.id, "claimed") == "claimed":
            await self._payments.hear(claimed(order, payment_id))

    async def cancel(self, order: OrderAwaitingPayment) -> None:
        """Cancel ``order`` if it is not claimed."""
        if self.verdicts.setdefault(order.id, "cancelled") == "cancelled":
            await self._payments.hear(cancelled(order))


async def assert_books_are_right(
    desk: Desk, order: OrderAwaitingPayment, verdict: str
) -> None:
    """Check I2, I3, I5 and I11 against what Stripe says."""
    payment = await desk.payment(order)
    intent: Intent = await desk.gateway.read(str(payment.intent_id))
    kept = order.total if verdict == "claimed" else 0
    assert payment.attempt == 1
    assert payment.status == ("captured" if verdict == "claimed" else "voided")
    assert intent.status == ("succeeded" if verdict == "claimed" else "canceled")
    assert (intent.received - intent.returned, intent.held) == (kept, 0)
    assert await desk.net(order) == kept
    kinds = Counter(kind for kind, _ in await desk.ledger(order))
    assert max(kinds.values(), default=1) == 1
    assert not {"capture", "void"} <= kinds.keys()


async def test_r19_authorised_and_cancelled_at_once_is_captured_or_voided(
    till_desk: Desk, double: Double
) -> None:
    orders = Orders(till_desk)

    async def play() -> OrderAwaitingPayment:
        order = make_order()
        await till_desk.hear(order)
        opened = await till_desk.open(order)

        async def pay() -> None:
            await double.control.pay(opened.client_secret)
            payment = await till_desk.look(order)
            if payment.status == "authorized":
                await orders.claim(order, payment.id)
                await till_desk.rest(order)

        async def expire() -> None:
            await asyncio.sleep(random.uniform(0, 0.2))  # noqa: S311 - an interleaving
            await orders.cancel(order)
            await till_desk.rest(order)

        await asyncio.gather(pay(), expire())
        await until(lambda: _is_over(till_desk, order), seconds=30)
        return order

    played = await asyncio.gather(*(play() for _ in range(ROUNDS)))
    for order in played:
        await assert_books_are_right(till_desk, order, orders.verdicts[order.id])


async def _is_over(desk: Desk, order: OrderAwaitingPayment) -> bool:
    return (await desk.look(order)).status in {"captured", "voided"}


async def test_replicas_share_the_work_and_do_nothing_twice(
    till_desk: Desk,
    double: Double,
    database_url: str,
    make_settings: Callable[..., Settings],
) -> None:
    orders = [make_order() for _ in range(6)]
    await till_desk.hear(*orders)
    ids = []
    for order in orders:
        opened = await till_desk.open(order)
        await double.control.pay(opened.client_secret)
        ids.append((await till_desk.look(order)).id)
        await till_desk.hear(claimed(order, ids[-1]))
    async with AsyncExitStack() as stack:
        replicas = [till_desk]
        for _ in range(2):
            database = Database(database_url)
            stack.push_async_callback(database.close)
            other = desk(database, make_settings())
            replicas.append(await stack.enter_async_context(other))
        turns = await asyncio.gather(
            *(replica.settler.settle(one) for one in ids for replica in replicas)
        )
    assert turns.count(True) == len(orders)
    assert len(await double.control.requests("payment_intents.capture")) == len(orders)
    for order in orders:
        await assert_books_are_right(till_desk, order, "claimed")


async def test_i2_i5_i11_hold_under_chaos_at_stripe(
    live_desk: Desk, double: Double
) -> None:
    await double.control.set_chaos(
        duplicate=1,
        delay_seconds=0.05,
        drop_types=["payment_intent.succeeded"],
        faults=[
            {"operation": "payment_intents.capture", "when": "after", "times": 3},
            {"operation": "payment_intents.cancel", "when": "after", "times": 3},
            {"operation": "payment_intents.retrieve", "times": 6},
            {"operation": "payment_intents.capture", "how": "disconnect", "times": 2},
        ],
    )
    orders = Orders(live_desk)

    async def live(order: OrderAwaitingPayment, *, gives_up: bool) -> None:
        await live_desk.hear(order)
        opened = await live_desk.open(order)
        await double.control.pay(opened.client_secret)
        if gives_up:
            await orders.cancel(order)
            await live_desk.until(order, "voided")
            return
        payment = await live_desk.until(order, "authorized")
        await orders.claim(order, payment.id)
        await live_desk.until(order, "captured")

    lives = [make_order() for _ in range(12)]
    await asyncio.gather(
        *(live(order, gives_up=i % 3 == 0) for i, order in enumerate(lives))
    )
    await double.control.calm()
    for order in lives:
        await assert_books_are_right(live_desk, order, orders.verdicts[order.id])
