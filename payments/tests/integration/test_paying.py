"""From the buyer's POST to the captured money."""

import pytest

from payments.testing import Desk, cancelled, claimed, completed, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio


async def test_a_paid_order_is_authorised_claimed_and_captured_once(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await till_desk.look(order)
    assert payment.status == "authorized"
    await till_desk.hear(claimed(order, payment.id))
    payment = await till_desk.rest(order)
    assert payment.status == "captured"
    await till_desk.hear(completed(order, payment.id))
    payment = await till_desk.rest(order)
    assert (payment.status, payment.due_at) == ("captured", None)
    assert await till_desk.subjects() == ["payments.authorized", "payments.captured"]
    assert await till_desk.ledger(order) == [("authorise", 2200), ("capture", 2200)]


async def test_an_authorisation_of_a_cancelled_order_is_voided(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret)
    await till_desk.look(order)
    await till_desk.hear(cancelled(order))
    payment = await till_desk.rest(order)
    assert payment.status == "voided"
    assert await till_desk.ledger(order) == [("authorise", 2200), ("void", 2200)]
    assert await till_desk.net(order) == 0
