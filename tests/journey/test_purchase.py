"""A ticket's way from its seller to its buyer, through NGINX and every service."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from embedded.testing import RunningStack
from embedded.visitor import NeverHappened, Visitor, eventually

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

Arrive = Callable[[], Awaitable[Visitor]]


async def test_a_listed_ticket_is_found_bought_and_owned(arrive: Arrive) -> None:
    seller, buyer = await arrive(), await arrive()
    ticket = await seller.list_ticket(title="Journey's end", price=12_345)

    order = await buyer.buy(ticket["id"])

    assert order["total"] == 12_345 + 1_235
    assert order["claimed"] is True
    await buyer.wait_for_ticket(ticket["id"], "sold")
    mine = (await buyer.http.get("/api/orders")).json()
    assert [o["status"] for o in mine] == ["complete"]
    payment = (await buyer.http.get(f"/api/payments/{order['id']}")).json()
    assert (payment["status"], payment["amount"]) == ("captured", 13_580)


async def test_a_ticket_on_sale_is_listed_and_a_reserved_one_is_not(
    arrive: Arrive,
) -> None:
    seller, buyer = await arrive(), await arrive()
    ticket = await seller.list_ticket(title="Findable thing")
    search = {"q": "findable", "seller": ticket["user_id"], "sort": "price"}
    found = (await buyer.http.get("/api/tickets", params=search)).json()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")

    search["sort"] = "-price"  # another page, so that no cached answer is asked
    left = (await buyer.http.get("/api/tickets", params=search)).json()

    assert [t["id"] for t in found] == [ticket["id"]]
    assert left == []


async def test_a_declined_card_can_be_followed_by_a_good_one(arrive: Arrive) -> None:
    seller, buyer = await arrive(), await arrive()
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    secret = await buyer.start_payment(order["id"])

    declined = await buyer.confirm_card(
        secret, "pm_card_chargeDeclinedInsufficientFunds"
    )
    again = await buyer.start_payment(order["id"])
    accepted = await buyer.confirm_card(again, "pm_card_visa")

    assert declined.status_code == 402
    assert again == secret
    assert accepted.status_code == 200
    await buyer.wait_for_order(order["id"], "complete")


async def test_an_order_that_is_not_paid_expires_and_frees_its_ticket(
    arrive: Arrive,
) -> None:
    seller, sleeper, buyer = await arrive(), await arrive(), await arrive()
    ticket = await seller.list_ticket()
    order = await sleeper.order(ticket["id"])
    held = await sleeper.wait_for_order(order["id"], "awaiting:payment")

    ended = await sleeper.wait_for_order(
        order["id"], "cancelled", seconds=held["seconds_left"] + 2
    )

    assert ended["cancel_reason"] == "expired"
    bought = await _buy_when_free(buyer, ticket["id"])
    assert bought["status"] == "complete"


async def test_a_cancelled_order_frees_its_ticket_and_holds_no_money(
    arrive: Arrive,
) -> None:
    seller, buyer = await arrive(), await arrive()
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    secret = await buyer.start_payment(order["id"])

    answer = await buyer.http.delete(f"/api/orders/{order['id']}")

    assert answer.status_code == 204
    ended = await buyer.wait_for_order(order["id"], "cancelled")
    assert ended["cancel_reason"] == "buyer"
    refused = await _refused_eventually(buyer, secret)
    assert refused == "payment_intent_unexpected_state"


async def test_r01_fifty_buyers_and_one_ticket(arrive: Arrive) -> None:
    seller = await arrive()
    buyers = await asyncio.gather(*(arrive() for _ in range(50)))
    for _ in range(20):
        ticket = await seller.list_ticket()
        await buyers[0].order_is_possible(ticket["id"])

        answers = await asyncio.gather(
            *(buyer.try_order(ticket["id"]) for buyer in buyers)
        )

        codes = sorted(answer.status_code for answer in answers)
        assert codes == [201] + [409] * 49


async def test_r03_nobody_buys_his_own_ticket(arrive: Arrive) -> None:
    seller = await arrive()
    ticket = await seller.list_ticket()
    await seller.order_is_possible(ticket["id"])

    answer = await seller.try_order(ticket["id"])

    assert (answer.status_code, answer.json()["code"]) == (409, "own_ticket")


async def test_r06_a_reserved_ticket_can_be_neither_edited_nor_withdrawn(
    arrive: Arrive,
) -> None:
    seller, buyer = await arrive(), await arrive()
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    path = f"/api/tickets/{ticket['id']}"

    edited = await seller.http.put(
        path, json={"title": "New", "price": 100}, headers={"If-Match": "*"}
    )
    withdrawn = await seller.http.delete(path)

    assert (edited.status_code, withdrawn.status_code) == (409, 409)


async def test_r39_a_payment_completes_though_the_session_ended(
    arrive: Arrive,
) -> None:
    seller, buyer = await arrive(), await arrive()
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    secret = await buyer.start_payment(order["id"])
    cookies = dict(buyer.http.cookies)
    buyer.http.cookies.clear()

    await buyer.confirm_card(secret, "pm_card_visa")

    assert (await buyer.http.get("/api/orders")).status_code == 401
    buyer.http.cookies.update(cookies)
    await buyer.wait_for_order(order["id"], "complete")


async def test_a_session_ended_everywhere_is_refused_within_a_second(
    arrive: Arrive,
) -> None:
    person = await arrive()
    stolen = dict(person.http.cookies)
    answer = await person.http.post("/api/users/signout-everywhere")
    person.http.cookies.clear()
    person.http.cookies.update(stolen)

    assert answer.status_code == 200
    for path in ("/api/orders", "/api/tickets/mine"):
        await _refused_within(person, path, seconds=1.0)


async def test_the_pages_and_the_services_answer_under_one_address(
    stack: RunningStack, arrive: Arrive
) -> None:
    visitor = await arrive()
    paths = ("/", "/api/tickets", "/api/users/currentuser", "/api/orders")
    answers = [await visitor.http.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert "text/html" in answers[0].headers["content-type"]
    unknown = await visitor.http.get("/api/tickets/no/such/path")
    assert unknown.headers["content-type"] == "application/problem+json"


async def _buy_when_free(visitor: Visitor, ticket_id: str) -> dict[str, object]:
    """orders hears that a ticket is free a moment after tickets has decided it."""
    await visitor.wait_for_ticket(ticket_id, "available")

    async def reserved() -> dict[str, object] | None:
        answer = await visitor.try_order(ticket_id)
        return answer.json() if answer.status_code == 201 else None

    order = await eventually(reserved, f"ticket {ticket_id} can be reserved again")
    return await visitor.pay(order)


async def _refused_eventually(visitor: Visitor, secret: str) -> str:
    async def refused() -> str | None:
        answer = await visitor.confirm_card(secret, "pm_card_visa")
        return str(answer.json()["error"]["code"]) if answer.is_error else None

    return await eventually(refused, "the voided intent refuses the card")


async def _refused_within(visitor: Visitor, path: str, *, seconds: float) -> None:
    async def refused() -> bool | None:
        return (await visitor.http.get(path)).status_code == 401 or None

    try:
        await eventually(refused, f"{path} refuses", seconds=seconds)
    except NeverHappened:
        pytest.fail(f"{path} still accepts the session")
