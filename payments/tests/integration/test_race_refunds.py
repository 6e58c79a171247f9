"""Somebody gives a sold order's money back past us: in Stripe's dashboard."""

import pytest

from common.events import CancelReason, OrderAwaitingPayment
from payments.testing import Desk, cancelled, claimed, completed, make_order
from stripe_double.testing import Double, stripe_client

pytestmark = pytest.mark.asyncio


async def captured(desk: Desk, double: Double) -> OrderAwaitingPayment:
    """Return a claimed order whose money was taken."""
    order = make_order()
    await desk.hear(order)
    opened = await desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await desk.look(order)
    await desk.hear(claimed(order, payment.id))
    assert (await desk.rest(order)).status == "captured"
    return order


async def give_back(
    desk: Desk, double: Double, order: OrderAwaitingPayment, amount: int | None = None
) -> str:
    """Refund as a person in the dashboard does; return the refund's id."""
    intent_id = str((await desk.payment(order)).intent_id)
    async with stripe_client(double.url, key=double.secret_key) as operator:
        refund = await operator.v1.refunds.create_async(
            {"payment_intent": intent_id, "amount": amount or order.total}
        )
    return refund.id


async def test_r45_a_full_refund_of_a_complete_order_is_announced_once(
    till_desk: Desk, double: Double
) -> None:
    order = await captured(till_desk, double)
    payment = await till_desk.payment(order)
    await till_desk.hear(completed(order, payment.id))
    await give_back(till_desk, double, order)
    assert (await till_desk.look(order)).status == "refunded"
    assert (await till_desk.look(order)).status == "refunded"
    await till_desk.hear(cancelled(order, cancel_reason=CancelReason.REFUNDED))
    assert (await till_desk.look(order)).status == "refunded"
    assert (await till_desk.subjects())[-2:] == [
        "payments.captured",
        "payments.refunded",
    ]
    assert await till_desk.net(order) == 0
    assert await double.control.requests("refunds.create") != []
    assert len((await till_desk.gateway.read(str(payment.intent_id))).refunds) == 1


async def test_r45_a_refund_before_the_order_is_known_to_be_complete_is_one_too(
    till_desk: Desk, double: Double
) -> None:
    order = await captured(till_desk, double)
    payment = await till_desk.payment(order)
    await give_back(till_desk, double, order)
    assert (await till_desk.look(order)).status == "refunded"
    await till_desk.hear(completed(order, payment.id))
    assert (await till_desk.look(order)).status == "refunded"
    assert (await till_desk.subjects())[-1] == "payments.refunded"


async def test_a_partial_refund_of_a_complete_order_leaves_it_complete(
    till_desk: Desk, double: Double
) -> None:
    order = await captured(till_desk, double)
    payment = await till_desk.payment(order)
    await till_desk.hear(completed(order, payment.id))
    await give_back(till_desk, double, order, amount=100)
    assert (await till_desk.look(order)).status == "captured"
    assert (await till_desk.subjects())[-1] == "payments.captured"
    assert await till_desk.net(order) == order.total - 100


async def test_r42_a_refund_of_a_complete_order_that_bounces_is_made_again(
    till_desk: Desk, double: Double
) -> None:
    order = await captured(till_desk, double)
    payment = await till_desk.payment(order)
    await till_desk.hear(completed(order, payment.id))
    refund_id = await give_back(till_desk, double, order)
    assert (await till_desk.look(order)).status == "refunded"
    await double.control.settle_refund(refund_id, "failed")
    # The order is to be cancelled as we announced, so its money has to go back.
    payment = await till_desk.look(order)
    assert (payment.status, payment.alert) == ("captured", "a refund failed")
    await till_desk.hear(cancelled(order, cancel_reason=CancelReason.REFUNDED))
    assert (await till_desk.rest(order)).status == "refunded"
    assert await till_desk.net(order) == 0
