"""Every route of every service, through the gateway of a running system.

The routes come from the OpenAPI documents, so that none can be forgotten: a test
that asks for one of the names of `ROUTES` runs for each route of that kind.
"""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

import auth.api
import orders.api
import payments.api
import tickets.api
from common.ids import new_id
from common.testing.routes import ApiRoute, routes_of
from common.web import create_service_app
from embedded.reconcile import reconcile
from embedded.testing import RunningStack, running_stack
from embedded.visitor import PASSWORD, Json, Visitor, visiting

SERVICES: Final = (auth.api, tickets.api, orders.api, payments.api)

# Nobody is kept out for guessing, and guessing costs little: here it is a machine
# that guesses, from one address. The system has to itself what the tests throw at it.
SETTINGS: Final = {
    "SIGN_IN_LIMIT": "1000000",
    "SIGN_IN_LIMIT_PER_ADDRESS": "1000000",
    "SIGN_UP_LIMIT_PER_ADDRESS": "1000000",
    "PASSWORD_MEMORY_KIB": "1024",
}
REST_SECONDS: Final = 60

KINDS: Final[Mapping[str, Callable[[ApiRoute], bool]]] = {
    "route": lambda _: True,
    "closed_route": lambda route: route.needs_session,
    "unsafe_route": lambda route: route.is_unsafe,
    "safe_route": lambda route: not route.is_unsafe,
    "field_route": lambda route: route.has_fields,
    "body_route": lambda route: route.has_body,
    "id_route": lambda route: route.has_id,
}


def _lifespan(_: FastAPI) -> AbstractAsyncContextManager[Mapping[str, Any]]:
    raise AssertionError("these apps only describe themselves")


def _document(prefix: str) -> Json:
    service = next(one for one in SERVICES if prefix == one.PREFIX)
    app = create_service_app(
        title="Described", prefix=prefix, routers=[service.router], lifespan=_lifespan
    )
    document: Json = json.loads(json.dumps(app.openapi()))
    return document


DOCUMENTS: Final = {one.PREFIX: _document(one.PREFIX) for one in SERVICES}
ROUTES: Final = tuple(itertools.chain.from_iterable(map(routes_of, DOCUMENTS.values())))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for each route of the kind that it names."""
    for kind, belongs in KINDS.items():
        if kind in metafunc.fixturenames:
            chosen = [route for route in ROUTES if belongs(route)]
            metafunc.parametrize(kind, chosen, ids=str)


@pytest.fixture(scope="session")
def documents() -> Mapping[str, Json]:
    """The OpenAPI document of each service, by its prefix."""
    return DOCUMENTS


@pytest.fixture(scope="session")
def routes() -> tuple[ApiRoute, ...]:
    """Every route of every service."""
    return ROUTES


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api_stack(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningStack]:
    """The whole system; whatever was thrown at it, its books agree at the end."""
    async with running_stack(tmp_path_factory.mktemp("api"), env=SETTINGS) as stack:
        yield stack
        await stack.wait_ready()
        restarts = {name: one.restarts for name, one in stack.services.items()}
        assert not any(restarts.values()), restarts
        assert await reconcile(stack.state_dir, wait=REST_SECONDS) == []


@pytest.fixture
def anybody(api_stack: RunningStack) -> Iterator[httpx.Client]:
    """Somebody who is not signed in."""
    with _browser(api_stack) as browser:
        yield browser


@pytest.fixture(scope="session")
def somebody(api_stack: RunningStack) -> Iterator[httpx.Client]:
    """Somebody who is signed in, and does nothing that would succeed."""
    with _signed_in(api_stack) as browser:
        yield browser


@pytest.fixture
def newcomer(api_stack: RunningStack) -> Iterator[httpx.Client]:
    """Somebody with a new account, signed in: he may do what he likes."""
    with _signed_in(api_stack) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def seller(api_stack: RunningStack) -> AsyncIterator[Visitor]:
    """Whose ticket is being bought."""
    async with visiting(api_stack.description) as visitor:
        await visitor.sign_up()
        yield visitor


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(api_stack: RunningStack) -> AsyncIterator[Visitor]:
    """Who is buying it."""
    async with visiting(api_stack.description) as visitor:
        await visitor.sign_up()
        yield visitor


@pytest_asyncio.fixture(loop_scope="session")
async def sale(seller: Visitor, buyer: Visitor) -> dict[str, str]:
    """The ids of a ticket of the seller's and of the order of it, just being paid."""
    ticket = await seller.list_ticket()
    order = await buyer.order(ticket["id"])
    await buyer.wait_for_order(order["id"], "awaiting:payment")
    await buyer.start_payment(order["id"])
    return {"ticket_id": ticket["id"], "order_id": order["id"]}


@contextmanager
def _signed_in(stack: RunningStack) -> Iterator[httpx.Client]:
    with _browser(stack) as browser:
        account = {"email": f"{new_id()}@example.com", "password": PASSWORD}
        browser.post("/api/users/signup", json=account).raise_for_status()
        yield browser


def _browser(stack: RunningStack) -> httpx.Client:
    return httpx.Client(base_url=stack.gateway, timeout=30, trust_env=False)
