"""Expiring, and expiring against everything else: rows R13 to R23 of the rules."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from common.db import Database
from common.errors import TooEarly
from common.events import (
    Event,
    ExpirationCompleted,
    OrderCancelled,
    OrderClaimed,
    OrderState,
    PaymentAuthorized,
    PaymentCaptured,
)
from common.ids import new_id
from common.inbox import Inbox
from common.testing import published
from orders.consumers import HANDLERS
from orders.models import Order
from orders.sweeper import Sweeper

pytestmark = pytest.mark.asyncio

Apply = Callable[..., Awaitable[None]]
Json = dict[str, Any]
LookUp = Callable[[str], Awaitable[Order]]
Make = Callable[..., Awaitable[Json]]
Outbox = Callable[[], Awaitable[list[Event]]]
Payment = Callable[..., Event]
SetDeadline = Callable[..., Awaitable[None]]

ROUNDS = 60


def _timer(order: Json) -> ExpirationCompleted:
    return ExpirationCompleted(order_id=order["id"], expires_at=order["expires_at"])


async def _subjects(database: Database, order_id: str) -> Counter[str]:
    events = await published(database)
    return Counter(
        e.subject for e in events if isinstance(e, OrderState) and e.id == order_id
    )


async def test_r13_an_early_timer_changes_nothing_and_comes_again(
    apply: Apply, held: Make, look_up: LookUp
) -> None:
    order = await held()

    with pytest.raises(TooEarly) as early:
        await apply(_timer(order))

    assert early.value.retry_after == pytest.approx(900, abs=20)
    assert (await look_up(order["id"])).status == "awaiting:payment"


async def test_r14_the_sweeper_needs_no_timer(
    database: Database, held: Make, set_deadline: SetDeadline, look_up: LookUp
) -> None:
    overdue, fresh = await held(), await held()
    await set_deadline(overdue["id"], seconds=-1)

    swept = await Sweeper(database, period=1).sweep()

    assert swept == 1
    row = await look_up(overdue["id"])
    assert (row.status, row.cancel_reason) == ("cancelled", "expired")
    assert row.live_ticket_id is None
    assert (await look_up(fresh["id"])).status == "awaiting:payment"


async def test_r14_a_claim_after_the_deadline_is_refused_and_ends_the_order(
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    look_up: LookUp,
    outbox: Outbox,
) -> None:
    order = await held()
    await set_deadline(order["id"], seconds=-0.01)

    await apply(payment(order))

    row = await look_up(order["id"])
    assert (row.status, row.claimed_payment) == ("cancelled", None)
    assert isinstance((await outbox())[-1], OrderCancelled)


async def test_r15_a_timer_for_a_claimed_complete_or_cancelled_order_does_nothing(
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    outbox: Outbox,
    look_up: LookUp,
) -> None:
    claimed, complete, cancelled = await held(), await held(), await held()
    await apply(payment(claimed), payment(complete), payment(complete, PaymentCaptured))
    for order in (claimed, complete, cancelled):
        await set_deadline(order["id"], seconds=-1)
    await apply(_timer(cancelled))
    before = await outbox()

    await apply(_timer(claimed), _timer(complete), _timer(cancelled))

    assert await outbox() == before
    rows = [await look_up(order["id"]) for order in (claimed, complete, cancelled)]
    assert [row.status for row in rows] == ["awaiting:payment", "complete", "cancelled"]


async def test_r16_cancelling_and_expiring_at_once_cancels_once(
    database: Database,
    client: httpx.AsyncClient,
    headers_of: Callable[[str], dict[str, str]],
    held: Make,
    apply: Apply,
    set_deadline: SetDeadline,
) -> None:
    for _ in range(20):
        order = await held(new_id())
        await set_deadline(order["id"], seconds=-1)

        answer, _ = await asyncio.gather(
            client.delete(
                f"/api/orders/{order['id']}", headers=headers_of(order["user_id"])
            ),
            apply(_timer(order)),
        )

        assert answer.status_code == 204
        assert (await _subjects(database, order["id"]))["orders.cancelled"] == 1


async def test_r19_claim_and_expiry_at_the_same_instant(
    database: Database,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    look_up: LookUp,
) -> None:
    """The deadline passes while both handlers run, in transactions of their own."""
    inbox = Inbox(database, HANDLERS)
    sweeper = Sweeper(database, period=1)
    outcomes: Counter[str] = Counter()
    for round_ in range(ROUNDS):
        order = await held(new_id())
        await set_deadline(order["id"], seconds=round_ % 4 * 0.002)
        await asyncio.gather(
            inbox.apply([payment(order)]), sweeper.sweep(), sweeper.sweep()
        )
        await set_deadline(order["id"], seconds=-1)
        await sweeper.sweep()

        row = await look_up(order["id"])
        subjects = await _subjects(database, order["id"])
        claimed = row.claimed_payment is not None
        outcomes["claimed" if claimed else "expired"] += 1
        assert row.status == ("awaiting:payment" if claimed else "cancelled")
        assert subjects["orders.claimed"] + subjects["orders.cancelled"] == 1
    assert sum(outcomes.values()) == ROUNDS


async def test_r20_a_late_authorisation_leaves_the_new_buyer_alone(
    apply: Apply,
    held: Make,
    reserve: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    look_up: LookUp,
    ticket_event: Callable[..., Event],
) -> None:
    late = await held("late")
    await set_deadline(late["id"], seconds=-1)
    await apply(_timer(late), ticket_event(late["ticket"]["id"], version=3))
    winner = await reserve("winner", late["ticket"]["id"])

    await apply(payment(late))

    assert (await look_up(late["id"])).status == "cancelled"
    assert (await look_up(winner["id"])).live_ticket_id == late["ticket"]["id"]


async def test_r23_cancelling_while_the_card_is_authorised(
    database: Database,
    client: httpx.AsyncClient,
    headers_of: Callable[[str], dict[str, str]],
    held: Make,
    payment: Payment,
    look_up: LookUp,
) -> None:
    inbox = Inbox(database, HANDLERS)
    for _ in range(20):
        order = await held(new_id())

        answer, _ = await asyncio.gather(
            client.delete(
                f"/api/orders/{order['id']}", headers=headers_of(order["user_id"])
            ),
            inbox.apply([payment(order)]),
        )

        row = await look_up(order["id"])
        claimed = row.claimed_payment is not None
        assert answer.status_code == (409 if claimed else 204)
        assert row.status == ("awaiting:payment" if claimed else "cancelled")


async def test_i06_payment_news_never_changes_a_cancelled_order(
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    outbox: Outbox,
) -> None:
    order = await held()
    await set_deadline(order["id"], seconds=-1)
    await apply(_timer(order))
    before = await outbox()

    await apply(payment(order, PaymentAuthorized), payment(order, PaymentCaptured))

    assert await outbox() == before


async def test_a_claimed_order_outlives_its_deadline(
    database: Database,
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    outbox: Outbox,
) -> None:
    order = await held()
    await apply(payment(order))
    await set_deadline(order["id"], seconds=-60)

    swept = await Sweeper(database, period=1).sweep()
    await apply(payment(order, PaymentCaptured))

    assert swept == 0
    assert [e.subject for e in await outbox()][-2:] == [
        OrderClaimed.subject,
        "orders.completed",
    ]
