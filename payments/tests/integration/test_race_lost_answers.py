"""What became of the money is told again until the order has followed."""

from datetime import timedelta

import pytest

from common.outbox import Reminder, SqlOutbox
from payments.repository import find_unanswered
from payments.testing import Desk, cancelled, claimed, completed, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio


async def publish_all(desk: Desk) -> list[str]:
    """Do what the relay does; return the subjects."""
    async with SqlOutbox(desk.database).claim(100) as claim:
        claim.published = [message.event_id for message in claim.messages]
    return [message.subject for message in claim.messages]


@pytest.mark.parametrize("ending", ["captured", "failed"])
async def test_i09_the_end_of_a_claimed_payment_is_told_until_it_is_heard(
    till_desk: Desk, double: Double, ending: str
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await till_desk.look(order)
    if ending == "failed":
        await double.control.force(str(payment.intent_id), status="canceled")
    await till_desk.hear(claimed(order, payment.id))
    assert (await till_desk.rest(order)).status == ending
    assert await publish_all(till_desk) == [
        "payments.authorized",
        f"payments.{ending}",
    ]

    reminder = Reminder(till_desk.database, find_unanswered, patience=timedelta(0))
    assert await reminder.remind() == 1
    assert await publish_all(till_desk) == [f"payments.{ending}"]

    heard = completed(order, payment.id) if ending == "captured" else cancelled(order)
    await till_desk.hear(heard)
    assert await reminder.remind() == 0


async def test_i09_a_payment_that_waits_for_a_claim_is_not_told_again(
    till_desk: Desk, double: Double
) -> None:
    order = make_order()
    await till_desk.hear(order)
    opened = await till_desk.open(order)
    await double.control.pay(opened.client_secret)
    assert (await till_desk.look(order)).status == "authorized"
    await publish_all(till_desk)
    reminder = Reminder(till_desk.database, find_unanswered, patience=timedelta(0))
    assert await reminder.remind() == 0
