"""Webhooks are hints that arrive twice, late, in any order, forged, or never."""

import asyncio
import json
import time

import httpx
import pytest
from sqlalchemy import func, select

from common.testing.http import assert_problem
from common.testing.waiting import until
from payments.models import StripeEvent
from payments.testing import Desk, cancelled, claimed, make_order
from stripe_double.testing import Double
from stripe_double.webhooks import sign

pytestmark = pytest.mark.asyncio

PATH = "/api/payments/webhook"


NO_EVENTS = (
    "", "[]", "null", "7", '"x"', "{}",
    '{"id": 1, "type": 2, "data": {"object": {}}}',
    '{"id": "e", "type": "payment_intent.succeeded"}',
    '{"id": "e", "type": "payment_intent.succeeded", "data": {"object": []}}',
    '{"id": "e", "type": "payment_intent.succeeded", "data": {"object": {"id": 7}}}',
    '{"id": "e", "type": "refund.failed", "data": {"object": null}}',
)  # fmt: skip


def event_body(kind: str = "payment_intent.succeeded", **subject: object) -> str:
    """Return a webhook's body, about an intent that does not exist if not told."""
    about = {"id": "pi_x", "client_secret": "pi_x_secret_y", **subject}
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": about}})


async def send(client: httpx.AsyncClient, body: str, signature: str) -> httpx.Response:
    """Send a webhook as Stripe does."""
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    return await client.post(PATH, content=body, headers=headers)


async def events_stored(desk: Desk) -> int:
    """Count the webhooks that were taken."""
    async with desk.database.reading() as session:
        return await session.scalar(select(func.count(StripeEvent.id))) or 0


async def is_creating(double: Double) -> bool:
    """Tell whether Stripe has been asked for an intent."""
    return bool(await double.control.requests("payment_intents.create"))


async def test_a_webhook_leads_from_authorised_to_captured(
    live_desk: Desk, double: Double
) -> None:
    order = make_order()
    await live_desk.hear(order)
    opened = await live_desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await live_desk.until(order, "authorized")
    await live_desk.hear(claimed(order, payment.id))
    await live_desk.until(order, "captured")
    assert await live_desk.net(order) == order.total


async def test_r24_five_times_the_same_webhook_is_one_authorisation(
    live_desk: Desk, double: Double
) -> None:
    await double.control.set_chaos(duplicate=4)
    order = make_order()
    await live_desk.hear(order)
    opened = await live_desk.open(order)
    await double.control.pay(opened.client_secret)
    await live_desk.until(order, "authorized")
    deliveries = await double.control.wait_until_delivered()
    assert {one["last_status"] for one in deliveries} == {200}
    assert {one["attempts"] for one in deliveries} == {1}
    await live_desk.rest(order)
    assert await live_desk.subjects() == ["payments.authorized"]
    assert await live_desk.ledger(order) == [("authorise", order.total)]


async def test_r25_webhooks_in_reverse_order_end_in_the_same_state(
    live_desk: Desk, double: Double
) -> None:
    await double.control.set_chaos(reorder=100)
    order = make_order()
    await live_desk.hear(order)
    opened = await live_desk.open(order)
    await double.control.pay(opened.client_secret, "4000000000009995")
    await double.control.pay(opened.client_secret, "4000002760003184")
    intent_id = (await live_desk.payment(order)).intent_id
    await double.control.authenticate(str(intent_id))
    await double.control.release()
    await double.control.wait_until_delivered()
    await live_desk.until(order, "authorized")
    await live_desk.rest(order)
    assert (await live_desk.payment(order)).status == "authorized"
    assert await live_desk.subjects() == ["payments.authorized"]


async def test_r26_a_webhook_for_an_unknown_payment_is_not_taken(
    client: httpx.AsyncClient, live_desk: Desk, double: Double
) -> None:
    body = event_body()
    answer = await send(client, body, sign(body, double.webhook_secret))
    assert_problem(answer, 503, code="unknown_intent")
    assert await events_stored(live_desk) == 0


async def test_r26_a_webhook_inside_the_create_call_finds_our_row(
    live_desk: Desk, double: Double, client: httpx.AsyncClient
) -> None:
    await double.control.add_fault(
        "payment_intents.create", when="after", how="delay", delay_seconds=0.5
    )
    order = make_order()
    await live_desk.hear(order)
    opening = asyncio.create_task(live_desk.open(order))
    await until(lambda: is_creating(double))
    kind = "payment_intent.payment_failed"
    body = event_body(kind, id="pi_new", metadata={"order_id": order.id})
    answer = await send(client, body, sign(body, double.webhook_secret))
    assert answer.status_code == 200
    assert not opening.done()
    opened = await opening
    payment = await live_desk.rest(order)
    assert payment.intent_id == opened.client_secret.partition("_secret_")[0]


async def test_r27_without_any_webhook_the_poll_finds_out(
    live_desk: Desk, double: Double
) -> None:
    await double.control.set_chaos(drop_all=True)
    order = make_order()
    await live_desk.hear(order)
    opened = await live_desk.open(order)
    await double.control.pay(opened.client_secret)
    payment = await live_desk.until(order, "authorized")
    await live_desk.hear(claimed(order, payment.id))
    await live_desk.until(order, "captured")
    assert await events_stored(live_desk) == 0


@pytest.mark.parametrize(
    ("secret", "age", "tampers"),
    [
        ("whsec_wrong", 0, False),
        ("whsec_double", 301, False),
        ("whsec_double", 0, True),
    ],
    ids=["forged", "stale", "tampered"],
)
async def test_r28_forged_stale_and_tampered_webhooks_are_refused(
    client: httpx.AsyncClient, live_desk: Desk, secret: str, age: int, *, tampers: bool
) -> None:
    body = event_body()
    signature = sign(body, secret, int(time.time()) - age)
    answer = await send(client, body + " " if tampers else body, signature)
    assert_problem(answer, 400, code="invalid_webhook")
    assert await events_stored(live_desk) == 0
    metrics = await client.get("/metrics")
    assert 'payment_webhooks_total{outcome="invalid"}' in metrics.text


async def test_r28_nonsense_for_a_signature_is_refused(
    client: httpx.AsyncClient, subtests: pytest.Subtests
) -> None:
    for text in ("", "t=1", "v1=x", "t=x,v1=x", "t=1,v1=é", "=,=", "t=" + "9" * 5000):
        with subtests.test(signature=text[:10]):
            headers = [(b"Stripe-Signature", text.encode("latin-1"))]
            answer = await client.post(PATH, content=event_body(), headers=headers)
            assert_problem(answer, 400, code="invalid_webhook")


async def test_a_signed_body_that_is_no_event_is_refused(
    client: httpx.AsyncClient, double: Double, subtests: pytest.Subtests
) -> None:
    for body in NO_EVENTS:
        with subtests.test(body=body):
            answer = await send(client, body, sign(body, double.webhook_secret))
            assert_problem(answer, 400, code="invalid_webhook")


async def test_an_event_of_no_interest_is_stored_and_ignored(
    client: httpx.AsyncClient, live_desk: Desk, double: Double
) -> None:
    body = event_body("customer.created")
    signature = sign(body, double.webhook_secret)
    for _ in range(2):
        assert (await send(client, body, signature)).status_code == 200
    assert await events_stored(live_desk) == 1


async def test_the_same_webhook_twice_at_once_is_taken_once(
    client: httpx.AsyncClient, live_desk: Desk, double: Double
) -> None:
    order = make_order()
    await live_desk.hear(order)
    await live_desk.open(order)
    body = event_body(id=(await live_desk.payment(order)).intent_id)
    signature = sign(body, double.webhook_secret)
    sent = [send(client, body, signature) for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {200}
    stored = await events_stored(live_desk)
    assert stored == 2  # With the creation of the intent.


async def test_r20_an_authorisation_after_the_end_of_the_order_is_voided(
    live_desk: Desk, double: Double
) -> None:
    await double.control.set_chaos(delay_seconds=1200)
    order = make_order()
    await live_desk.hear(order)
    opened = await live_desk.open(order)
    await double.control.pay(opened.client_secret)
    await live_desk.hear(cancelled(order))
    await live_desk.until(order, "voided")
    await double.control.hurry()
    await double.control.wait_until_delivered()
    await live_desk.rest(order)
    assert (await live_desk.payment(order)).status == "voided"
    assert await live_desk.net(order) == 0
    assert "payments.captured" not in await live_desk.subjects()
