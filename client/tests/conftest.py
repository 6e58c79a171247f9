"""The pages over ASGI, with the services they call played by `FakeServices`."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager

from client.api_types import Order, Ticket
from client.main import create_app
from client.settings import Settings
from client.testing import FakeServices

ORIGIN = "http://tickets.test"
TICKET_ID = "018f0000-0000-7000-8000-000000000001"
ORDER_ID = "018f1111-0000-7000-8000-000000000001"
Json = dict[str, Any]


@pytest.fixture
def settings() -> Settings:
    return Settings(
        auth_url="http://auth",
        tickets_url="http://tickets",
        orders_url="http://orders",
        payments_url="http://payments",
        stripe_publishable_key="pk_test_1",
        stripe_js_url="https://js.stripe.com/v3/",
    )


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest_asyncio.fixture
async def browser(
    settings: Settings, services: FakeServices
) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor's browser: sends Origin with each request, follows no redirect."""
    app = create_app(settings, transport=httpx.MockTransport(services.handle))
    async with (
        LifespanManager(app) as manager,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(manager.app),
            base_url=ORIGIN,
            headers={"origin": ORIGIN},
        ) as client,
    ):
        yield client


@pytest.fixture
def signed_in(browser: httpx.AsyncClient, services: FakeServices) -> httpx.AsyncClient:
    """The same browser with a session cookie that auth knows."""
    services.sign_in()
    browser.cookies.set("session", "token-1")
    return browser


@pytest.fixture
def make_ticket() -> Callable[..., Json]:
    def make(**overrides: object) -> Json:
        ticket = {
            "id": TICKET_ID,
            "version": 3,
            "user_id": "u-seller",
            "title": "Nova Harmonic",
            "price": 8950,
            "currency": "usd",
            "fee": 895,
            "total": 9845,
            "status": "available",
            "venue": "The Armory",
            "city": "Minneapolis",
            "starts_at": "2099-03-14T01:30:00Z",
            "timezone": "America/Chicago",
            "section": "112",
            "row": "C",
            "seat": "4",
            "face_value": 7500,
            **overrides,
        }
        Ticket.model_validate(ticket)
        return ticket

    return make


@pytest.fixture
def make_order(make_ticket: Callable[..., Json]) -> Callable[..., Json]:
    def make(**overrides: object) -> Json:
        order = {
            "id": ORDER_ID,
            "version": 1,
            "status": "awaiting:payment",
            "ticket": make_ticket(),
            "price": 8950,
            "fee": 895,
            "total": 9845,
            "currency": "usd",
            "expires_at": "2099-01-01T12:15:00Z",
            "seconds_left": 872,
            "claimed": False,
            "cancel_reason": None,
            "created_at": "2099-01-01T12:00:00Z",
            **overrides,
        }
        Order.model_validate(order)
        return order

    return make
