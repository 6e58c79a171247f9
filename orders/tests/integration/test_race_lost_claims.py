"""A claim whose news is lost on the way is told again until somebody answers."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from common.db import Database
from common.events import PaymentCaptured, PaymentState
from common.outbox import Reminder, SqlOutbox
from orders.repository import find_unanswered_claims

pytestmark = pytest.mark.asyncio

AT_ONCE = timedelta(0)


async def publish_all(database: Database) -> list[str]:
    """Do what the relay does; return the payloads on `orders.claimed`."""
    async with SqlOutbox(database).claim(100) as claim:
        claim.published = [message.event_id for message in claim.messages]
    return [m.payload for m in claim.messages if m.subject == "orders.claimed"]


async def test_i09_a_claim_that_nobody_answers_is_sent_again_under_its_id(
    database: Database,
    held: Callable[..., Awaitable[dict[str, Any]]],
    apply: Callable[..., Awaitable[None]],
    payment: Callable[..., PaymentState],
) -> None:
    lost, answered = await held("buyer-a"), await held("buyer-b")
    await apply(payment(lost), payment(answered))
    await apply(payment(answered, PaymentCaptured, version=2))
    first = await publish_all(database)
    assert len(first) == 2

    reminder = Reminder(database, find_unanswered_claims, patience=AT_ONCE)
    assert await reminder.remind() == 1

    (again,) = await publish_all(database)
    assert again in first
    assert lost["id"] in again
    await apply(payment(lost, PaymentCaptured, version=2))
    assert await reminder.remind() == 0


async def test_i09_an_answer_has_its_time(
    database: Database,
    held: Callable[..., Awaitable[dict[str, Any]]],
    apply: Callable[..., Awaitable[None]],
    payment: Callable[..., PaymentState],
) -> None:
    await apply(payment(await held()))
    await publish_all(database)
    assert await Reminder(database, find_unanswered_claims).remind() == 0
