"""Money that must not stay: voided, refunded, and what if that fails."""

import asyncio

import pytest

from common.events import OrderAwaitingPayment, PaymentAuthorized
from common.testing import published
from payments.testing import Desk, cancelled, claimed, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio


async def authorised(
    desk: Desk, double: Double, card: str = "4242424242424242"
) -> tuple[OrderAwaitingPayment, str]:
    """Return an order whose money is held, and the id of its intent."""
    order = make_order()
    await desk.hear(order)
    opened = await desk.open(order)
    await double.control.pay(opened.client_secret, card)
    payment = await desk.look(order)
    assert payment.status == "authorized"
    return order, str(payment.intent_id)


async def test_r21_a_free_ticket_changes_nothing_cancelled_is_void(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret)
    await till_desk.hear(cancelled(order))
    payment = await till_desk.rest(order)
    assert payment.status == "voided"
    assert "payments.authorized" not in await till_desk.subjects()


async def test_r22_money_taken_on_a_cancelled_order_is_refunded_once(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.force(intent_id, status="succeeded")
    await till_desk.hear(cancelled(order))
    payment = await till_desk.rest(order)
    assert payment.status == "refunded"
    await till_desk.look(order)
    (call,) = await double.control.requests("refunds.create")
    assert call["idempotency_key"] == f"refund:{order.id}"
    assert await till_desk.net(order) == 0
    kinds = [kind for kind, _ in await till_desk.ledger(order)]
    assert kinds == ["authorise", "capture", "refund"]


async def test_r22_money_taken_after_the_void_is_refunded_too(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await till_desk.hear(cancelled(order))
    assert (await till_desk.rest(order)).status == "voided"
    await double.control.force(intent_id, status="succeeded")
    assert (await till_desk.look(order)).status == "refunded"
    assert await till_desk.net(order) == 0


async def test_money_taken_unasked_on_an_open_order_counts_as_authorised(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.force(intent_id, status="succeeded")
    payment = await till_desk.look(order)
    assert payment.status == "authorized"
    await till_desk.hear(claimed(order, payment.id))
    assert (await till_desk.rest(order)).status == "captured"
    assert await double.control.requests("payment_intents.capture") == []
    assert await till_desk.net(order) == order.total


async def test_r22_a_pending_refund_is_waited_for(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.set_chaos(refund_outcome="pending")
    await double.control.force(intent_id, status="succeeded")
    await till_desk.hear(cancelled(order))
    payment = await till_desk.rest(order)
    assert payment.status == "captured"
    assert payment.due_at is not None
    (refund,) = (await till_desk.gateway.read(intent_id)).refunds
    await double.control.settle_refund(refund.id, "succeeded")
    assert (await till_desk.look(order)).status == "refunded"
    assert len(await double.control.requests("refunds.create")) == 1
    assert await till_desk.net(order) == 0


async def test_r22_a_refund_that_fails_later_is_made_again_with_an_alert(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.force(intent_id, status="succeeded")
    await till_desk.hear(cancelled(order))
    payment = await till_desk.rest(order)
    assert payment.due_at is not None
    (refund,) = (await till_desk.gateway.read(intent_id)).refunds
    await double.control.settle_refund(refund.id, "failed")
    payment = await till_desk.look(order)
    assert payment.status == "refunded"
    assert payment.alert == "a refund failed"
    assert await till_desk.net(order) == 0
    calls = await double.control.requests("refunds.create")
    assert [call["idempotency_key"] for call in calls] == [
        f"refund:{order.id}",
        f"refund:{order.id}:1",
    ]


@pytest.mark.parametrize("claims", [False, True])
async def test_r33_a_hold_canceled_behind_our_back(
    till_desk: Desk, double: Double, *, claims: bool
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.force(intent_id, status="canceled")
    if claims:
        await till_desk.hear(claimed(order, (await till_desk.payment(order)).id))
    payment = await till_desk.look(order)
    assert payment.status == ("failed" if claims else "voided")
    assert await till_desk.net(order) == 0
    # The claim may also come after we knew: then the order must hear it still.
    await till_desk.hear(claimed(order, payment.id))
    assert (await till_desk.rest(order)).status == "failed"
    assert (await till_desk.subjects())[-1] == "payments.failed"


async def test_r33_a_capture_refused_is_found_out_and_ends_the_payment(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await till_desk.hear(claimed(order, (await till_desk.payment(order)).id))
    await double.control.add_fault(
        "payment_intents.capture", when="before", how="error", status=402
    )
    payment = await till_desk.rest(order)
    assert payment.status == "captured"
    keys = [
        call["idempotency_key"]
        for call in await double.control.requests("payment_intents.capture")
    ]
    assert keys == [f"capture:{intent_id}", f"capture:{intent_id}:1"]


@pytest.mark.parametrize(
    ("state", "ends"),
    [("succeeded", "refunded"), ("canceled", "voided"), ("processing", "authorized")],
)
async def test_r37_whatever_state_the_cancel_call_meets(
    till_desk: Desk, double: Double, state: str, ends: str
) -> None:
    order, intent_id = await authorised(till_desk, double)
    payment = await till_desk.payment(order)
    await till_desk.hear(cancelled(order))
    # The state changes between our reading and our call.
    await double.control.add_fault(
        "payment_intents.cancel", when="before", how="delay", delay_seconds=0.2
    )
    settling = asyncio.create_task(till_desk.settler.settle(payment.id))
    await double.control.force(intent_id, status=state)
    await settling
    payment = await till_desk.rest(order)
    assert payment.status == ends
    if state == "processing":
        assert payment.due_at is not None
        await double.control.force(intent_id, status="requires_capture")
        assert (await till_desk.look(order)).status == "voided"
    assert await till_desk.net(order) == 0


@pytest.mark.parametrize("change", [{"amount": 1}, {"currency": "eur"}])
async def test_r38_a_tampered_intent_is_voided_with_an_alert_not_announced(
    till_desk: Desk, double: Double, change: dict[str, object]
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    intent_id = opened.client_secret.partition("_secret_")[0]
    await double.control.pay(opened.client_secret)
    await double.control.force(intent_id, **change)
    payment = await till_desk.look(order)
    assert payment.status == "voided"
    assert payment.alert is not None
    assert payment.alerted_at is not None
    assert await till_desk.subjects() == ["payments.voided"]


async def test_r38_a_tampered_intent_of_a_claimed_order_is_not_captured(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.force(intent_id, amount=9_900)
    await till_desk.hear(claimed(order, (await till_desk.payment(order)).id))
    payment = await till_desk.rest(order)
    assert (payment.status, payment.alert is not None) == ("failed", True)
    assert await double.control.requests("payment_intents.capture") == []


async def test_r40_a_payment_waits_authorised_while_orders_is_away(
    till_desk: Desk, double: Double
) -> None:
    order, _ = await authorised(till_desk, double)
    for _ in range(3):
        payment = await till_desk.look(order)
    assert (payment.status, payment.due_at is not None) == ("authorized", True)
    (event,) = await published(till_desk.database)
    assert isinstance(event, PaymentAuthorized)
    assert (event.id, event.order_id, event.version, event.amount, event.currency) == (
        payment.id,
        order.id,
        payment.version,
        order.total,
        order.currency,
    )
    await till_desk.hear(cancelled(order))
    assert (await till_desk.rest(order)).status == "voided"


async def test_versions_rise_with_every_published_state(
    till_desk: Desk, double: Double
) -> None:
    order, intent_id = await authorised(till_desk, double)
    await double.control.force(intent_id, status="succeeded")
    await till_desk.hear(cancelled(order))
    await till_desk.rest(order)
    events = await published(till_desk.database)
    versions = [event.model_dump()["version"] for event in events]
    assert len(versions) == 3
    assert versions == sorted(set(versions))
