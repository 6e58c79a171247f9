"""What the tests of tickets share: builders, a database, an API, an inbox."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from common.clock import now
from common.db import Database
from common.events import CancelReason, Event, OrderCreated, OrderState
from common.inbox import Inbox
from common.testing import FakeIdentity, published
from common.testing.events import order_event, ordered_ticket
from common.testing.http import lend_api, signed_in
from common.testing.plugin import DatabaseFactory
from tickets.api import router
from tickets.consumers import HANDLERS
from tickets.listing import Listing
from tickets.models import Base, Ticket
from tickets.settings import Settings

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
def migrations() -> Path:
    """Return the folder of the service's migrations."""
    return MIGRATIONS


@pytest.fixture
def settings() -> Settings:
    """Return settings whose servers nobody asks."""
    return Settings(database_url="unused", jwks_url="unused")


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    """Lend an empty database, on each backend."""
    async with database_factory("tickets", MIGRATIONS, Base.metadata) as database:
        yield database


@pytest_asyncio.fixture
async def client(
    database: Database, identity: FakeIdentity, settings: Settings
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of the API, in which nobody is signed in."""
    state = {
        "database": database,
        "verifier": identity.verifier,
        "settings": settings,
    }
    async with lend_api(router, state) as client:
        yield client


@pytest.fixture
def headers_of(identity: FakeIdentity) -> Callable[[str], dict[str, str]]:
    """Return a function from a user's id to the headers of their browser."""
    return lambda user_id: signed_in(identity, user_id)


@pytest.fixture
def make_offer() -> Callable[..., dict[str, Any]]:
    """Return a builder of what a seller sends."""

    def make(**overrides: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        return {"title": "Concert", "price": 5_000, **overrides}

    return make


@pytest.fixture
def make_listing() -> Callable[..., Listing]:
    """Return a builder of checked offers."""

    def make(**overrides: Any) -> Listing:  # noqa: ANN401 - any field
        fields = {
            "title": "Concert",
            "price": 5_000,
            "currency": "usd",
            "sale_ends_at": now() + timedelta(days=1),
        }
        return Listing(**{**fields, **overrides})

    return make


@pytest.fixture
def make_ticket(make_listing: Callable[..., Listing]) -> Callable[..., Ticket]:
    """Return a builder of tickets that no database has seen."""

    def make(*, seller: str = "seller", **overrides: Any) -> Ticket:  # noqa: ANN401 - any field
        return Ticket.list_for_sale(seller, make_listing(**overrides))

    return make


@pytest.fixture
def list_ticket(
    client: httpx.AsyncClient,
    headers_of: Callable[[str], dict[str, str]],
    make_offer: Callable[..., dict[str, Any]],
) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Return a function that lists a ticket through the API and returns it."""

    async def list_one(*, seller: str = "seller", **overrides: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        response = await client.post(
            "/api/tickets", json=make_offer(**overrides), headers=headers_of(seller)
        )
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json()
        return body

    return list_one


@pytest.fixture
def store(database: Database) -> Callable[..., Awaitable[None]]:
    """Return a function that stores tickets as they are, without events."""

    async def store_all(*tickets: Ticket) -> None:
        async with database.transaction() as session:
            session.add_all(tickets)

    return store_all


@pytest.fixture
def order_of() -> Callable[..., OrderState]:
    """Return a builder of events of an order for a ticket as the API answers it."""

    def make(
        ticket: dict[str, Any],
        event_type: type[OrderState] = OrderCreated,
        **overrides: Any,  # noqa: ANN401 - any field
    ) -> OrderState:
        snapshot = ordered_ticket(
            id=ticket["id"], version=ticket["version"], seller_id=ticket["user_id"]
        )
        if "reason" in overrides:
            overrides["cancel_reason"] = CancelReason(overrides.pop("reason"))
        return order_event(event_type, **{"ticket": snapshot, **overrides})

    return make


@pytest.fixture
def apply(database: Database) -> Callable[..., Awaitable[None]]:
    """Return a function that handles events, each in a transaction of its own."""
    inbox = Inbox(database, HANDLERS)

    async def apply_each(*events: Event) -> None:
        for event in events:
            await inbox.apply([event])

    return apply_each


@pytest.fixture
def outbox(database: Database) -> Callable[[], Awaitable[list[Event]]]:
    """Return a function that returns every event that was decided on."""
    return lambda: published(database)


@pytest.fixture
def look_up(database: Database) -> Callable[[str], Awaitable[Ticket]]:
    """Return a function that reads a ticket past the API."""

    async def read(ticket_id: str) -> Ticket:
        async with database.reading() as session:
            return await session.get_one(Ticket, ticket_id)

    return read
