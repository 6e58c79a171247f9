"""Object-level authorisation: what is newcomer else's is not there (S16)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import pytest

from common.testing.http import assert_problem
from common.testing.routes import ApiRoute
from embedded.visitor import Json, Visitor

pytestmark = pytest.mark.stack

Fields = Callable[[Mapping[str, str]], Json]

# What a stranger would send; a route that is not named here sends nothing.
BODIES: Final[Mapping[str, Fields]] = {
    "PUT /api/tickets/{ticket_id}": lambda _: {"title": "Mine now", "price": 100},
    "POST /api/payments": lambda sale: {"order_id": sale["order_id"]},
}
FOR_EVERYONE: Final = {"GET /api/tickets/{ticket_id}"}

# Nothing in their path or body belongs to anybody.
WITHOUT_IDS: Final = {
    "POST /api/users/signup", "POST /api/users/signin", "POST /api/users/signout",
    "POST /api/users/signout-everywhere", "POST /api/users/password",
    "GET /api/users/currentuser", "GET /api/users/.well-known/jwks.json",
    "GET /api/tickets", "POST /api/tickets", "GET /api/tickets/mine",
    "POST /api/orders", "GET /api/orders", "POST /api/payments/webhook",
}  # fmt: skip
"""A ticket is ordered from anybody; a webhook is signed by Stripe."""


def test_s16_somebody_elses_things_are_404_and_stay_as_they_are(
    routes: tuple[ApiRoute, ...],
    sale: Mapping[str, str],
    seller: Visitor,
    buyer: Visitor,
    newcomer: httpx.Client,
) -> None:
    before = _seen_by(seller, sale), _seen_by(buyer, sale)

    tried = [route for route in routes if str(route) not in WITHOUT_IDS | FOR_EVERYONE]
    for route in tried:
        assert_problem(_try(newcomer, route, sale), 404)

    assert len(tried) == 7 - len(FOR_EVERYONE)
    assert (_seen_by(seller, sale), _seen_by(buyer, sale)) == before


def test_s16_the_two_sides_of_a_sale_are_strangers_to_each_others_things(
    sale: Mapping[str, str], seller: Visitor, buyer: Visitor
) -> None:
    order = f"/api/orders/{sale['order_id']}"
    payment = f"/api/payments/{sale['order_id']}"
    ticket = f"/api/tickets/{sale['ticket_id']}"
    wanted = [
        (seller, "GET", order), (seller, "DELETE", order), (seller, "GET", payment),
        (buyer, "DELETE", ticket),
    ]  # fmt: skip
    for visitor, method, path in wanted:
        with _browser_of(visitor) as browser:
            assert_problem(browser.request(method, path), 404)


def test_s16_lists_hold_nothing_of_others(
    sale: Mapping[str, str], seller: Visitor, newcomer: httpx.Client
) -> None:
    assert newcomer.get("/api/orders").json() == []
    assert newcomer.get("/api/tickets/mine").json() == []
    with _browser_of(seller) as browser:
        assert browser.get("/api/orders").json() == []
        own = browser.get("/api/tickets/mine").json()
        assert [ticket["id"] for ticket in own] == [sale["ticket_id"]]


def _try(
    browser: httpx.Client, route: ApiRoute, sale: Mapping[str, str]
) -> httpx.Response:
    body = BODIES.get(str(route), lambda _: None)(sale)
    return browser.request(
        route.method, route.path.format_map(sale), json=body, headers={"If-Match": "*"}
    )


def _seen_by(visitor: Visitor, sale: Mapping[str, str]) -> list[Any]:
    paths = (
        f"/api/tickets/{sale['ticket_id']}",
        "/api/tickets/mine",
        f"/api/orders/{sale['order_id']}",
        f"/api/payments/{sale['order_id']}",
    )
    with _browser_of(visitor) as browser:
        answers = [browser.get(path) for path in paths]
    # The clock goes on, and each refusal has an id of its own.
    moving = {"seconds_left", "request_id"}
    return [_without(answer.json(), moving) for answer in answers]


def _without(body: Any, names: set[str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(body, dict):
        return {name: value for name, value in body.items() if name not in names}
    return body


def _browser_of(visitor: Visitor) -> httpx.Client:
    return httpx.Client(
        base_url=visitor.http.base_url,
        cookies=visitor.http.cookies,
        timeout=30,
        trust_env=False,
    )
