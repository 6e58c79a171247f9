"""News of payments: rows R22, R33, R38, R40 and R50, and what never changes."""

from collections.abc import Awaitable, Callable
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from common.db import Database
from common.events import (
    Event,
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    OrderState,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    RejectionReason,
    ReservationRejected,
    TicketStatus,
)
from common.ids import new_id
from common.testing.plugin import on_sqlite
from orders.errors import OrderNotFound, RefundBeforeCapture, WrongAmountCaptured
from orders.models import Order, Ticket

pytestmark = pytest.mark.asyncio

Apply = Callable[..., Awaitable[None]]
Json = dict[str, Any]
LookUp = Callable[[str], Awaitable[Order]]
Make = Callable[..., Awaitable[Json]]
NewsOf = Callable[[str], Awaitable[list[OrderState]]]
Outbox = Callable[[], Awaitable[list[Event]]]
Payment = Callable[..., Event]
SetDeadline = Callable[..., Awaitable[None]]


async def _state(look_up: LookUp, order: Json) -> tuple[str, str | None]:
    row = await look_up(order["id"])
    return row.status, row.cancel_reason


async def test_r22_money_taken_for_a_cancelled_order_revives_nothing(
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    outbox: Outbox,
    look_up: LookUp,
) -> None:
    order = await held()
    await set_deadline(order["id"], seconds=-1)
    await apply(payment(order))
    before = await outbox()

    await apply(payment(order, PaymentCaptured), payment(order, PaymentRefunded))

    assert await outbox() == before
    assert await _state(look_up, order) == ("cancelled", "expired")


async def test_r22_a_full_refund_cancels_a_complete_order_once(
    apply: Apply, held: Make, payment: Payment, news_of: NewsOf, look_up: LookUp
) -> None:
    order = await held()
    await apply(payment(order), payment(order, PaymentCaptured))

    await apply(payment(order, PaymentRefunded), payment(order, PaymentRefunded))

    assert await _state(look_up, order) == ("cancelled", "refunded")
    assert (await look_up(order["id"])).live_ticket_id is None
    kinds = [type(event) for event in await news_of(order["id"])]
    assert kinds[-2:] == [OrderCompleted, OrderCancelled]


async def test_r22_a_refund_of_what_is_not_paid_or_not_its_payment_is_nothing(
    apply: Apply, held: Make, payment: Payment, outbox: Outbox
) -> None:
    unclaimed, claimed, complete = await held(), await held(), await held()
    await apply(payment(claimed), payment(complete), payment(complete, PaymentCaptured))
    before = await outbox()

    await apply(
        payment(unclaimed, PaymentRefunded),
        payment(claimed, PaymentRefunded, id="another"),
        payment(complete, PaymentRefunded, id="another"),
    )

    assert await outbox() == before


async def test_r50_a_refund_heard_before_the_capture_comes_again(
    apply: Apply, held: Make, payment: Payment, look_up: LookUp
) -> None:
    order = await held()
    refund = payment(order, PaymentRefunded)
    await apply(payment(order))

    with pytest.raises(RefundBeforeCapture):
        await apply(refund)
    await apply(payment(order, PaymentCaptured), refund)

    assert await _state(look_up, order) == ("cancelled", "refunded")


async def test_r33_a_lapsed_authorisation_cancels_a_claimed_order_once(
    apply: Apply, held: Make, payment: Payment, news_of: NewsOf, look_up: LookUp
) -> None:
    order = await held()
    await apply(payment(order))

    await apply(payment(order, PaymentFailed), payment(order, PaymentFailed))

    assert await _state(look_up, order) == ("cancelled", "payment_failed")
    assert (await look_up(order["id"])).live_ticket_id is None
    cancelled = [e for e in await news_of(order["id"]) if isinstance(e, OrderCancelled)]
    assert [e.cancel_reason for e in cancelled] == ["payment_failed"]


async def test_r33_a_failure_of_another_payment_or_stage_is_nothing(
    apply: Apply, reserve: Make, held: Make, payment: Payment, outbox: Outbox
) -> None:
    created, unclaimed, claimed, complete = (
        await reserve(), await held(), await held(), await held(),
    )  # fmt: skip
    await apply(payment(claimed), payment(complete), payment(complete, PaymentCaptured))
    before = await outbox()

    await apply(
        payment(created, PaymentFailed),
        payment(unclaimed, PaymentFailed),
        payment(claimed, PaymentFailed, id="another"),
        payment(complete, PaymentFailed),
    )

    assert await outbox() == before


@pytest.mark.parametrize(
    "wrong", [{"amount": 5_499}, {"amount": 5_501}, {"amount": 0}, {"currency": "eur"}]
)
async def test_r38_another_amount_or_currency_is_not_claimed_and_ends_the_order(
    apply: Apply,
    held: Make,
    payment: Payment,
    news_of: NewsOf,
    look_up: LookUp,
    wrong: Json,
) -> None:
    order = await held()

    await apply(payment(order, **wrong), payment(order, **wrong), payment(order))

    assert await _state(look_up, order) == ("cancelled", "payment_failed")
    assert (await look_up(order["id"])).claimed_payment is None
    kinds = [type(event) for event in await news_of(order["id"])]
    assert kinds.count(OrderCancelled) == 1


async def test_r38_a_claimed_order_is_not_shaken_by_another_amount(
    apply: Apply, held: Make, payment: Payment, outbox: Outbox
) -> None:
    order = await held()
    await apply(payment(order))
    before = await outbox()

    await apply(payment(order, amount=1), payment(order, id="another"))

    assert await outbox() == before


@pytest.mark.parametrize("wrong", [{"amount": 5_499}, {"currency": "eur"}])
async def test_i03_a_capture_of_another_amount_completes_nothing(
    apply: Apply, held: Make, payment: Payment, look_up: LookUp, wrong: Json
) -> None:
    order = await held()
    await apply(payment(order))

    with pytest.raises(WrongAmountCaptured):
        await apply(payment(order, PaymentCaptured, **wrong))

    row = await look_up(order["id"])
    assert (row.status, row.version) == ("awaiting:payment", 3)
    await apply(payment(order, PaymentCaptured))
    assert await _state(look_up, order) == ("complete", None)


async def test_i03_a_capture_by_another_payment_completes_nothing(
    apply: Apply, held: Make, payment: Payment, outbox: Outbox
) -> None:
    claimed, unclaimed = await held(), await held()
    await apply(payment(claimed))
    before = await outbox()

    await apply(
        payment(claimed, PaymentCaptured, id="another"),
        payment(unclaimed, PaymentCaptured),
    )

    assert await outbox() == before


async def test_an_authorisation_for_an_unknown_order_is_tried_again(
    apply: Apply, payment: Payment
) -> None:
    with pytest.raises(OrderNotFound):
        await apply(payment({"id": new_id()}))


@pytest.mark.parametrize(
    ("seconds", "status", "subject"),
    [
        (60, "awaiting:payment", "orders.claimed"),
        (-60, "cancelled", "orders.cancelled"),
    ],
)
async def test_r40_an_authorisation_handled_late_counts_by_the_deadline(
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    look_up: LookUp,
    news_of: NewsOf,
    seconds: int,
    status: str,
    subject: str,
) -> None:
    order = await held()
    waited = payment(order)
    await set_deadline(order["id"], seconds=seconds)

    await apply(waited)

    assert (await look_up(order["id"])).status == status
    assert (await news_of(order["id"]))[-1].subject == subject


@on_sqlite
async def test_r50_the_news_of_an_order_in_any_order_ends_legally(
    apply: Apply,
    reserve: Make,
    hold: Callable[..., Event],
    ticket_event: Callable[..., Event],
    payment: Payment,
    look_up: LookUp,
    news_of: NewsOf,
) -> None:
    """What comes too early for its state waits for nothing, and undoes nothing."""
    for positions in permutations(range(3)):
        order = await reserve(new_id())
        news = [
            hold(ticket_event, order), payment(order), payment(order, PaymentCaptured),
        ]  # fmt: skip
        await apply(*(news[position] for position in positions))
        subjects = [event.subject for event in await news_of(order["id"])]
        usual = [
            "orders.created", "orders.awaiting_payment", "orders.claimed",
            "orders.completed",
        ]  # fmt: skip
        assert subjects == usual[: len(subjects)]
        # Redelivery, as the bus does: the end is the same for every permutation.
        await apply(payment(order), payment(order, PaymentCaptured))
        assert await _state(look_up, order) == ("complete", None)


@on_sqlite
async def test_r50_the_end_of_an_order_is_the_end_whatever_follows(
    apply: Apply,
    held: Make,
    payment: Payment,
    set_deadline: SetDeadline,
    look_up: LookUp,
    news_of: NewsOf,
) -> None:
    kinds = (PaymentAuthorized, PaymentCaptured, PaymentFailed, ExpirationCompleted)
    for number, permuted in enumerate(permutations(kinds)):
        order = await held(f"buyer {number}")
        await set_deadline(order["id"], seconds=-1)
        for kind in permuted:
            timer = ExpirationCompleted(
                order_id=order["id"], expires_at=order["expires_at"]
            )
            late = kind is ExpirationCompleted
            await apply(timer if late else payment(order, kind))
        assert await _state(look_up, order) == ("cancelled", "expired")
        news = await news_of(order["id"])
        assert [e.subject for e in news].count("orders.cancelled") == 1


async def test_r50_a_rejection_after_the_hold_changes_nothing(
    apply: Apply, held: Make, outbox: Outbox
) -> None:
    order = await held()
    before = await outbox()

    await apply(
        ReservationRejected(
            ticket_id=order["ticket"]["id"],
            order_id=order["id"],
            reason=RejectionReason.TAKEN,
        )
    )

    assert await outbox() == before


@on_sqlite
async def test_r50_the_newest_state_of_a_ticket_stays_whatever_the_order(
    database: Database, apply: Apply, ticket_event: Callable[..., Event]
) -> None:
    for versions in permutations([1, 2, 4, 9]):
        ticket_id = new_id()
        for version in versions:
            await apply(
                ticket_event(
                    ticket_id,
                    version=version,
                    offer_version=version,
                    price=1_000 * version,
                    title=f"as of {version}",
                )
            )
        async with database.reading() as session:
            copy = await session.get_one(Ticket, ticket_id)
        assert (copy.version, copy.price, copy.title) == (9, 9_000, "as of 9")


async def test_r50_a_hold_is_confirmed_though_newer_news_of_the_ticket_came_first(
    apply: Apply,
    reserve: Make,
    hold: Callable[..., Event],
    ticket_event: Callable[..., Event],
    look_up: LookUp,
) -> None:
    order = await reserve()
    ticket_id = order["ticket"]["id"]
    await apply(ticket_event(ticket_id, version=5, status=TicketStatus.RESERVED))

    await apply(hold(ticket_event, order))

    assert await _state(look_up, order) == ("awaiting:payment", None)


async def test_i01_the_unique_key_holds_whoever_inserts(
    database: Database, held: Make, look_up: LookUp
) -> None:
    order = await look_up((await held())["id"])
    columns = {column.key: getattr(order, column.key) for column in Order.__table__.c}
    twin = Order(**{**columns, "id": new_id(), "buyer_id": "other"})

    with pytest.raises(IntegrityError, match="live_ticket"):
        async with database.transaction() as session:
            session.add(twin)


async def test_i10_price_fee_total_and_currency_are_the_same_in_every_event(
    apply: Apply,
    held: Make,
    payment: Payment,
    ticket_event: Callable[..., Event],
    news_of: NewsOf,
    look_up: LookUp,
) -> None:
    order = await held()
    ticket_id = order["ticket"]["id"]
    dearer = ticket_event(ticket_id, version=9, offer_version=9, price=9_900)

    await apply(dearer, payment(order), payment(order, PaymentCaptured))
    await apply(payment(order, PaymentRefunded))

    news = await news_of(order["id"])
    assert [e.version for e in news] == [1, 2, 3, 4, 5]
    amounts = {(e.price, e.fee, e.total, e.currency) for e in news}
    assert amounts == {(5_000, 500, 5_500, "usd")}
    row = await look_up(order["id"])
    assert (row.price, row.fee, row.total, row.currency) == (5_000, 500, 5_500, "usd")
    assert len({event.ticket.model_dump_json() for event in news}) == 1
