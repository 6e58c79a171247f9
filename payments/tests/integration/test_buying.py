"""What a buyer does: pays, is declined, tries again, gives up, in two tabs."""

import asyncio

import pytest

from common.events import CancelReason
from common.testing.waiting import until
from payments.errors import KeyReused, OrderNotFound, OrderNotPayable
from payments.testing import Desk, cancelled, claimed, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio

INSUFFICIENT, THREE_D_SECURE = "4000000000009995", "4000002760003184"


async def is_creating(double: Double) -> bool:
    """Tell whether Stripe has been asked for an intent."""
    return bool(await double.control.requests("payment_intents.create"))


async def test_r34_two_tabs_get_the_same_intent(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await asyncio.gather(*(till_desk.open(order) for _ in range(6)))
    assert len({one.client_secret for one in opened}) == 1
    again = await till_desk.open(order)
    assert again.client_secret == opened[0].client_secret
    answers = [
        await double.control.pay(again.client_secret),
        await double.control.pay(again.client_secret),
    ]
    assert answers[0]["status"] == "requires_capture"
    assert answers[1]["error"]["code"] == "payment_intent_unexpected_state"
    payment = await till_desk.look(order)
    assert (payment.status, payment.attempt) == ("authorized", 1)


async def test_r35_after_a_decline_the_same_intent_takes_another_card(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret, INSUFFICIENT)
    payment = await till_desk.look(order)
    assert (payment.status, payment.decline_code) == ("declined", "insufficient_funds")
    assert await till_desk.subjects() == []
    again = await till_desk.open(order)
    assert again.client_secret == opened.client_secret
    await double.control.pay(again.client_secret)
    payment = await till_desk.look(order)
    assert (payment.status, payment.decline_code) == ("authorized", None)


async def test_r36_an_abandoned_3d_secure_step_ends_with_the_order(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret, THREE_D_SECURE)
    assert (await till_desk.look(order)).status == "requires_action"
    await till_desk.hear(cancelled(order))
    payment = await till_desk.rest(order)
    assert (payment.status, payment.due_at) == ("voided", None)
    intent_id = opened.client_secret.partition("_secret_")[0]
    assert (await till_desk.gateway.read(intent_id)).status == "canceled"


async def test_r23_cancelling_in_the_middle_of_3d_secure_voids(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret, THREE_D_SECURE)
    intent_id = str((await till_desk.payment(order)).intent_id)
    await asyncio.gather(
        double.control.authenticate(intent_id),
        till_desk.hear(cancelled(order, cancel_reason=CancelReason.BUYER)),
        till_desk.settler.settle((await till_desk.payment(order)).id),
    )
    payment = await till_desk.rest(order)
    assert payment.status == "voided"
    assert await till_desk.net(order) == 0


async def test_i5_another_intent_only_after_the_old_one_is_canceled(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    first = await till_desk.open(order)
    intent_id = str((await till_desk.payment(order)).intent_id)
    await double.control.force(intent_id, status="canceled")
    with pytest.raises(OrderNotPayable):
        await till_desk.open(order)
    assert (await till_desk.rest(order)).status == "voided"
    second = await till_desk.open(order)
    assert second.client_secret != first.client_secret
    payment = await till_desk.payment(order)
    assert (payment.attempt, payment.status) == (2, "intent")
    keys = [
        call["idempotency_key"]
        for call in await double.control.requests("payment_intents.create")
    ]
    assert keys == [f"intent:{order.id}:1", f"intent:{order.id}:2"]
    await double.control.pay(second.client_secret)
    assert (await till_desk.look(order)).status == "authorized"


async def test_i5_tabs_that_begin_again_at_once_share_one_new_intent(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    await till_desk.open(order)
    payment = await till_desk.payment(order)
    await double.control.force(str(payment.intent_id), status="canceled")
    assert (await till_desk.look(order)).status == "voided"
    work = [till_desk.open(order) for _ in range(4)]
    opened = await asyncio.gather(*work, return_exceptions=True)
    secrets = {
        one.client_secret for one in opened if not isinstance(one, BaseException)
    }
    # Whoever came between the two intents may be asked to try once more.
    assert len(secrets | {(await till_desk.open(order)).client_secret}) == 1
    assert (await till_desk.payment(order)).attempt == 2


async def test_a_claim_for_a_hold_that_is_gone_ends_the_new_intent_too(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await till_desk.look(order)
    await double.control.force(str(payment.intent_id), status="canceled")
    await till_desk.look(order)
    await till_desk.open(order)
    await till_desk.hear(claimed(order, payment.id))
    assert (await till_desk.rest(order)).status == "failed"
    assert (await till_desk.subjects())[-1] == "payments.failed"


async def test_only_a_buyers_own_open_order_can_be_paid(till_desk: Desk) -> None:
    order = make_order()
    with pytest.raises(OrderNotFound):
        await till_desk.open(order)
    await till_desk.hear(order)
    with pytest.raises(OrderNotFound):
        await till_desk.open(make_order(id=order.id, buyer_id="somebody-else"))
    await till_desk.hear(cancelled(order))
    with pytest.raises(OrderNotPayable):
        await till_desk.open(order)


async def test_an_idempotency_key_belongs_to_one_order(till_desk: Desk) -> None:
    one, other = make_order(), make_order()
    await till_desk.hear(one, other)
    first = await till_desk.open(one, key="k1")
    assert (await till_desk.open(one, key="k1")).client_secret == first.client_secret
    with pytest.raises(KeyReused):
        await till_desk.open(other, key="k1")


async def test_an_order_cancelled_without_a_payment_asks_nothing_of_stripe(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order, cancelled(order))
    assert await double.control.requests() == []
    assert await till_desk.subjects() == []


async def test_i11_an_order_that_ends_while_its_intent_is_made_is_voided(
    till_desk: Desk, double: Double
) -> None:
    await double.control.add_fault(
        "payment_intents.create", when="after", how="delay", delay_seconds=0.3
    )
    order = make_order()
    await till_desk.hear(order)
    opening = asyncio.create_task(till_desk.open(order))
    await until(lambda: is_creating(double))
    await till_desk.hear(cancelled(order))
    with pytest.raises(OrderNotPayable):
        await opening
    payment = await till_desk.rest(order)
    assert payment.status == "voided"
    assert (await till_desk.gateway.read(str(payment.intent_id))).status == "canceled"


async def test_events_of_an_order_in_any_order_end_the_same(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(cancelled(order), claimed(order, "p"), order, order)
    with pytest.raises(OrderNotPayable):
        await till_desk.open(order)
    assert await double.control.requests() == []
