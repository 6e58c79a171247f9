"""A process that ends, or an answer that is lost, at any point (R29 to R32).

A desk is thrown away in the middle of a call; another one, on the same database,
finds what to do in the rows alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import update

from common.clock import now
from common.db import Database, utc_now
from common.events import OrderAwaitingPayment
from common.testing.waiting import until
from payments.errors import GatewayUnavailable
from payments.models import Payment
from payments.settings import Settings
from payments.testing import Desk, cancelled, claimed, desk, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio

Start = Callable[[], Awaitable[Desk]]

DAY = timedelta(days=1)

CALLS = {
    "create": "payment_intents.create",
    "capture": "payment_intents.capture",
    "void": "payment_intents.cancel",
    "refund": "refunds.create",
}


@pytest_asyncio.fixture
async def start(
    database_url: str, make_settings: Callable[..., Settings]
) -> AsyncIterator[Start]:
    """Return a starter of processes: desks with connections of their own."""
    async with AsyncExitStack() as stack:

        async def begin() -> Desk:
            database = Database(database_url)
            stack.push_async_callback(database.close)
            return await stack.enter_async_context(desk(database, make_settings()))

        yield begin


async def reach(
    desk: Desk, double: Double, operation: str
) -> tuple[OrderAwaitingPayment, bool]:
    """Bring an order to where the next look makes the call ``operation``."""
    order = make_order()
    await desk.hear(order)
    if operation == "create":
        return order, False
    opened = await desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await desk.look(order)
    if operation == "capture":
        await desk.hear(claimed(order, payment.id))
        return order, True
    if operation == "refund":
        await double.control.force(str(payment.intent_id), status="succeeded")
    await desk.hear(cancelled(order))
    return order, True


async def finish(desk: Desk, double: Double, order: OrderAwaitingPayment) -> str:
    """Do the rest of an ordinary life; return the state in which it ends."""
    await until(lambda: _has_intent(desk, order))
    payment = await desk.look(order)
    if payment.status == "intent":
        await double.control.pay((await desk.open(order)).client_secret)
        payment = await desk.look(order)
        await desk.hear(claimed(order, payment.id))
        payment = await desk.look(order)
    return payment.status


async def _has_intent(desk: Desk, order: OrderAwaitingPayment) -> bool:
    """Look once; a key that is still in use at Stripe takes a second look."""
    return (await desk.look(order)).status != "new"


def expected(operation: str, total: int) -> tuple[str, int]:
    """Return the last state and what is kept of the money."""
    kept = {"create": total, "capture": total}.get(operation, 0)
    return {"void": "voided", "refund": "refunded"}.get(operation, "captured"), kept


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", CALLS)
async def test_r29_r30_r31_a_process_killed_in_a_call_is_taken_over(
    start: Start, double: Double, operation: str, when: str
) -> None:
    first = await start()
    order, by_worker = await reach(first, double, operation)
    await double.control.add_fault(
        CALLS[operation], when=when, how="delay", delay_seconds=1.5
    )
    calls_before = len(await double.control.requests(CALLS[operation]))
    work = (
        first.settler.settle((await first.payment(order)).id)
        if by_worker
        else first.open(order)
    )
    task: asyncio.Task[object] = asyncio.create_task(work)
    await asyncio.sleep(0.4)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    second = await start()
    await _until_over(double, CALLS[operation], calls_before)
    assert (await finish(second, double, order), await second.net(order)) == expected(
        operation, order.total
    )
    await _assert_done_once(double, order)


@pytest.mark.parametrize(
    ("when", "how"),
    [
        ("before", "error"),
        ("before", "disconnect"),
        ("after", "error"),
        ("after", "disconnect"),
    ],
)
@pytest.mark.parametrize("operation", CALLS)
async def test_r32_an_unknown_answer_concludes_nothing(
    start: Start, double: Double, operation: str, when: str, how: str
) -> None:
    process = await start()
    order, by_worker = await reach(process, double, operation)
    await double.control.add_fault(CALLS[operation], when=when, how=how, times=2)
    before = (await process.payment(order)).status if by_worker else "new"
    for _ in range(2):
        if by_worker:
            await process.look(order)
        elif operation == "create":
            with pytest.raises(GatewayUnavailable):
                await process.open(order)
            break
    if by_worker and when == "before":
        after = (await process.payment(order)).status
        assert after in {before, "captured"}
        assert after not in {"voided", "failed", "refunded"}
    await double.control.calm()
    assert (await finish(process, double, order), await process.net(order)) == expected(
        operation, order.total
    )
    await _assert_done_once(double, order)


async def test_r32_stripe_that_is_away_is_waited_for(
    start: Start, double: Double
) -> None:
    process = await start()
    order, _ = await reach(process, double, "capture")
    await double.control.add_fault("*", when="before", how="disconnect", times=None)
    for _ in range(3):
        payment = await process.look(order)
        assert payment.status == "authorized"
        assert payment.due_at is not None
    await double.control.calm()
    assert (await process.look(order)).status == "captured"


async def test_r29_an_intent_older_than_its_key_is_found_by_its_metadata(
    start: Start, double: Double
) -> None:
    process = await start()
    order, _ = await reach(process, double, "create")
    await double.control.add_fault(CALLS["create"], when="after", how="disconnect")
    with pytest.raises(GatewayUnavailable):
        await process.open(order)
    async with process.database.transaction() as session:
        await session.execute(update(Payment).values(created_at=now() - 2 * DAY))
    payment = await process.look(order)
    (made,) = await double.control.requests(CALLS["create"])
    assert made["idempotency_key"] == f"intent:{order.id}:1"
    assert payment.status == "intent"
    assert await finish(process, double, order) == "captured"


async def test_one_payment_that_cannot_be_handled_does_not_stop_the_others(
    live_desk: Desk, double: Double
) -> None:
    broken, sound = make_order(), make_order()
    await live_desk.hear(broken, sound)
    await live_desk.open(broken)
    async with live_desk.database.transaction() as session:
        values = {"status": "no such state", "due_at": utc_now(), "lease": None}
        await session.execute(update(Payment).values(**values))
    live_desk.alarm.set()
    opened = await live_desk.open(sound)
    await double.control.pay(opened.client_secret)
    await live_desk.until(sound, "authorized")


async def _until_over(double: Double, operation: str, calls_before: int) -> None:
    """Wait until Stripe is through with the call whose caller is gone."""

    async def is_over() -> bool:
        return len(await double.control.requests(operation)) > calls_before

    await until(is_over)


async def _assert_done_once(double: Double, order: OrderAwaitingPayment) -> None:
    """Check at Stripe itself: one intent, and no write that took effect twice."""
    for operation in CALLS.values():
        done = [
            call
            for call in await double.control.requests(operation)
            if call["status"] == 200 and not call["replayed"]
        ]
        assert len({call["idempotency_key"] for call in done}) <= 1, (order.id, done)
