"""The API as a buyer's browser meets it, and as nobody in their right mind would."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from common.clock import now
from common.events import OrderCreated
from common.ids import new_id
from common.testing import published
from common.testing.events import order_event
from common.testing.http import (
    HOSTILE_BODIES,
    HOSTILE_IDS,
    NO_TEXTS,
    REFUSALS,
    assert_problem,
    json_bytes,
)
from payments.testing import BUYER, Desk, cancelled, claimed, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio

PATH = "/api/payments"
SOMEBODY = "019a0000-0000-7000-8000-0000000050b0"

Headers = Callable[[str], dict[str, str]]


async def test_paying_answers_the_client_secret_and_the_state(
    client: httpx.AsyncClient, live_desk: Desk, double: Double
) -> None:
    order = make_order()
    await live_desk.hear(order)
    answer = await client.post(PATH, json={"order_id": order.id})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{PATH}/{order.id}"
    assert "no-store" in answer.headers["Cache-Control"]
    opened = answer.json()
    assert {**opened, "id": "", "payment_id": ""} == {
        "id": "",
        "payment_id": "",
        "order_id": order.id,
        "amount": order.total,
        "currency": "usd",
        "status": "intent",
    }
    await double.control.pay(opened["id"], "4000000000009995")
    await live_desk.until(order, "declined")
    state = (await client.get(f"{PATH}/{order.id}")).json()
    assert state == {
        "payment_id": opened["payment_id"],
        "order_id": order.id,
        "amount": order.total,
        "currency": "usd",
        "status": "declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds. Try another card.",
    }


async def test_an_order_that_is_not_known_or_not_ones_own_is_404(
    client: httpx.AsyncClient, live_desk: Desk, headers_of: Headers
) -> None:
    order = make_order()
    unknown = await client.post(PATH, json={"order_id": order.id})
    assert_problem(unknown, 404, code="order_not_found")
    await live_desk.hear(order)
    unpaid = await client.get(f"{PATH}/{order.id}")
    assert_problem(unpaid, 404, code="payment_not_found")
    await client.post(PATH, json={"order_id": order.id})
    theirs = headers_of(SOMEBODY)
    stolen = await client.post(PATH, json={"order_id": order.id}, headers=theirs)
    assert_problem(stolen, 404, code="order_not_found")
    peeked = await client.get(f"{PATH}/{order.id}", headers=theirs)
    assert_problem(peeked, 404, code="payment_not_found")


async def test_what_cannot_be_paid_now_says_why(
    client: httpx.AsyncClient, live_desk: Desk
) -> None:
    unconfirmed = order_event(OrderCreated, buyer_id=BUYER)
    late = make_order(expires_at=now() - timedelta(seconds=1))
    over, taken = make_order(), make_order()
    await live_desk.hear(
        unconfirmed, late, over, cancelled(over), taken, claimed(taken, new_id())
    )
    for order in (unconfirmed, late, over, taken):
        answer = await client.post(PATH, json={"order_id": order.id})
        body = assert_problem(answer, 409, code="order_not_payable")
        assert ("Retry-After" in answer.headers) == (order is unconfirmed)
        assert body["order_status"] in {"created", "awaiting:payment", "cancelled"}


async def test_nobody_pays_without_a_session(
    client: httpx.AsyncClient, live_desk: Desk
) -> None:
    bare = {"Cookie": ""}
    answer = await client.post(PATH, json={"order_id": new_id()}, headers=bare)
    assert_problem(answer, 401)
    assert_problem(await client.get(f"{PATH}/{new_id()}", headers=bare), 401)


async def test_stripe_being_away_is_503_and_the_same_again_works(
    client: httpx.AsyncClient, live_desk: Desk, double: Double
) -> None:
    order = make_order()
    await live_desk.hear(order)
    await double.control.add_fault("payment_intents.create", how="disconnect")
    answer = await client.post(PATH, json={"order_id": order.id})
    assert_problem(answer, 503, code="gateway_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    again = await client.post(PATH, json={"order_id": order.id})
    assert again.status_code == 201


async def test_an_idempotency_key_used_for_another_order_is_422(
    client: httpx.AsyncClient, live_desk: Desk
) -> None:
    one, other = make_order(), make_order()
    await live_desk.hear(one, other)
    key = {"Idempotency-Key": new_id()}
    for _ in range(2):
        answer = await client.post(PATH, json={"order_id": one.id}, headers=key)
        assert answer.status_code == 201
    refused = await client.post(PATH, json={"order_id": other.id}, headers=key)
    body = assert_problem(refused, 422, code="idempotency_key_reused")
    assert body["errors"][0]["field"] == "Idempotency-Key"


async def test_hostile_requests_are_refused_never_5xx(
    client: httpx.AsyncClient, subtests: pytest.Subtests
) -> None:
    as_json = {"Content-Type": "application/json"}
    for name, body in HOSTILE_BODIES.items():
        with subtests.test(body=name):
            answer = await client.post(PATH, content=body, headers=as_json)
            assert_problem(answer, *REFUSALS)
    for name, value in NO_TEXTS.items():
        with subtests.test(order_id=name):
            sent = json_bytes({"order_id": value})
            answer = await client.post(PATH, content=sent, headers=as_json)
            assert_problem(answer, *REFUSALS, 404)
    for extra in ({"amount": 1}, {"order_id": None}, {"order_id": ""}):
        answer = await client.post(PATH, json={"order_id": new_id(), **extra})
        assert_problem(answer, 422)
    for one in HOSTILE_IDS:
        with subtests.test(path=one[:20]):
            answer = await client.get(f"{PATH}/{quote(one, safe='%')}")
            assert_problem(answer, 400, 404, 422)
    for key in ("", "a b", "x" * 65, "ключ"):
        with subtests.test(key=key[:8]):
            keyed = [(b"Idempotency-Key", key.encode())]
            wish = {"order_id": new_id()}
            answer = await client.post(PATH, json=wish, headers=keyed)
            assert_problem(answer, 404, 422)


async def test_i13_no_secret_is_stored_logged_or_announced(
    client: httpx.AsyncClient,
    live_desk: Desk,
    double: Double,
    capsys: pytest.CaptureFixture[str],
) -> None:
    order = make_order()
    await live_desk.hear(order)
    opened = (await client.post(PATH, json={"order_id": order.id})).json()
    for number in ("4000000000000002", "4242424242424242"):
        await double.control.pay(opened["id"], number)
    payment = await live_desk.until(order, "authorized")
    await double.control.add_fault("payment_intents.capture", status=400)
    await live_desk.hear(claimed(order, payment.id))
    await live_desk.until(order, "captured")
    await double.control.wait_until_delivered()
    state = await client.get(f"{PATH}/{order.id}")
    printed = capsys.readouterr()
    said = [state.text, printed.out, printed.err, await _everything(live_desk)]
    said += [event.model_dump_json() for event in await published(live_desk.database)]
    for secret in ("_secret_", "4242424242424242", double.secret_key, "whsec_"):
        assert not any(secret in one for one in said)


async def _everything(desk: Desk) -> str:
    """Return every value in the database, as text."""
    tables = ("orders", "payments", "ledger", "stripe_events", "outbox", "inbox")
    async with desk.database.reading() as session:
        rows = [
            (await session.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608
            for table in tables
        ]
    return str(rows)
