"""Any process killed in the middle of a purchase or of an expiry: nothing is lost.

The supervisor starts it again; the fixtures check the invariants after each test.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from common.ids import new_id
from embedded.testing import RunningStack
from embedded.visitor import Visitor, eventually

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

Arrive = Callable[[], Awaitable[Visitor]]
Json = dict[str, Any]

VICTIMS = (
    "auth", "tickets", "orders", "payments", "expiration", "client", "nats", "valkey",
    "mongo",
)  # fmt: skip
BACK_SECONDS = 60.0


@pytest.mark.parametrize("victim", VICTIMS)
async def test_killed_while_reserving(
    patient_stack: RunningStack, arrive_patiently: Arrive, victim: str
) -> None:
    seller, buyer = await arrive_patiently(), await arrive_patiently()
    ticket = await seller.list_ticket()
    await buyer.order_is_possible(ticket["id"])

    reserving = asyncio.create_task(_reserve(buyer, ticket["id"]))
    await asyncio.sleep(0)
    patient_stack.kill(victim)
    order = await reserving

    await _pay(buyer, order)
    await _comes_to(buyer, order["id"], "complete")


@pytest.mark.parametrize("victim", VICTIMS)
async def test_killed_while_the_money_is_taken(
    patient_stack: RunningStack, arrive_patiently: Arrive, victim: str
) -> None:
    seller, buyer = await arrive_patiently(), await arrive_patiently()
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    secret = await buyer.start_payment(order["id"])

    await buyer.confirm_card(secret, "pm_card_visa")
    patient_stack.kill(victim)

    await _comes_to(buyer, order["id"], "complete")
    payment = await _ask(buyer, "GET", f"/api/payments/{order['id']}")
    assert payment.json()["status"] == "captured"


@pytest.mark.parametrize(
    "victim", ["expiration", "valkey", "nats", "orders", "tickets"]
)
async def test_killed_while_an_order_runs_out(
    stack: RunningStack, arrive: Arrive, victim: str
) -> None:
    seller, sleeper = await arrive(), await arrive()
    ticket = await seller.list_ticket()
    order = await sleeper.order(ticket["id"])
    await sleeper.wait_for_order(order["id"], "awaiting:payment")

    stack.kill(victim)

    ended = await _comes_to(sleeper, order["id"], "cancelled")
    assert ended["cancel_reason"] == "expired"


async def test_everything_killed_at_once_while_the_money_is_taken(
    patient_stack: RunningStack, arrive_patiently: Arrive
) -> None:
    seller, buyer = await arrive_patiently(), await arrive_patiently()
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    secret = await buyer.start_payment(order["id"])
    await buyer.confirm_card(secret, "pm_card_visa")

    for name in patient_stack.services:
        if name != "nginx":
            patient_stack.kill(name)

    await patient_stack.wait_ready()
    await _comes_to(buyer, order["id"], "complete")


async def _reserve(buyer: Visitor, ticket_id: str) -> Json:
    """Reserve with a key, as often as it takes: a repetition is the same order."""
    answer = await _ask(
        buyer,
        "POST",
        "/api/orders",
        json={"ticket_id": ticket_id},
        headers={"Idempotency-Key": new_id()},
    )
    assert answer.status_code == 201, answer.text
    order: Json = answer.json()
    return order


async def _pay(buyer: Visitor, order: Json) -> None:
    await _comes_to(buyer, order["id"], "awaiting:payment")

    async def secret() -> str | None:
        answer = await _ask(
            buyer, "POST", "/api/payments", json={"order_id": order["id"]}
        )
        return answer.json()["id"] if answer.status_code == 201 else None

    card = await eventually(secret, "the order can be paid", seconds=BACK_SECONDS)
    assert (await buyer.confirm_card(card, "pm_card_visa")).status_code == 200


async def _comes_to(visitor: Visitor, order_id: str, status: str) -> Json:
    async def reached() -> Json | None:
        answer = await _ask(visitor, "GET", f"/api/orders/{order_id}")
        order: Json = answer.json()
        return order if order["status"] == status else None

    return await eventually(
        reached, f"order {order_id} is {status}", seconds=BACK_SECONDS
    )


async def _ask(
    visitor: Visitor,
    method: str,
    path: str,
    **request: Any,  # noqa: ANN401 - httpx takes them
) -> httpx.Response:
    """Send a request until somebody is there to answer it."""

    async def answered() -> httpx.Response | None:
        try:
            answer = await visitor.http.request(method, path, **request)
        except httpx.TransportError:
            return None
        return None if answer.status_code in {502, 503, 504} else answer

    return await eventually(
        answered, f"{method} {path} is answered", seconds=BACK_SECONDS
    )
