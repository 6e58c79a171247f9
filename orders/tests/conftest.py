"""What the tests of orders share: a database, an API, people, tickets and payments."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import update

from common import money
from common.clock import now
from common.db import Database
from common.events import (
    Event,
    OrderState,
    PaymentAuthorized,
    PaymentState,
    TicketCreated,
    TicketState,
    TicketStatus,
    TicketUpdated,
)
from common.ids import new_id
from common.inbox import Inbox
from common.testing import FakeIdentity, published
from common.testing.http import lend_api, signed_in
from common.testing.plugin import DatabaseFactory
from orders.api import router
from orders.consumers import HANDLERS
from orders.models import Base, Order
from orders.reserving import Outcome, ReserveRequest, SaleRules, reserve_tickets

MIGRATIONS = Path(__file__).parents[1] / "migrations"
PRICE = 5_000

Apply = Callable[..., Awaitable[None]]
Json = dict[str, Any]


@pytest.fixture
def migrations() -> Path:
    """Return the folder of the service's migrations."""
    return MIGRATIONS


@pytest.fixture
def rules() -> SaleRules:
    """Return a window that no test outlives, and a sale open until the event."""
    return SaleRules(window=timedelta(minutes=15), closes_before=timedelta(0))


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    """Lend an empty database, on each backend."""
    async with database_factory("orders", MIGRATIONS, Base.metadata) as database:
        yield database


@pytest_asyncio.fixture
async def client(
    database: Database, identity: FakeIdentity, rules: SaleRules
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of the API, in which nobody is signed in."""
    state = {"database": database, "verifier": identity.verifier, "rules": rules}
    async with lend_api(router, state) as client:
        yield client


@pytest.fixture
def headers_of(identity: FakeIdentity) -> Callable[[str], dict[str, str]]:
    """Return a function from a user's id to the headers of their browser."""
    return lambda user_id: signed_in(identity, user_id)


@pytest.fixture
def apply(database: Database) -> Apply:
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
def news_of(database: Database) -> Callable[[str], Awaitable[list[OrderState]]]:
    """Return a function that returns what was announced of one order."""

    async def read(order_id: str) -> list[OrderState]:
        events = await published(database)
        return [e for e in events if isinstance(e, OrderState) and e.id == order_id]

    return read


@pytest.fixture
def reserve_all(
    database: Database, rules: SaleRules
) -> Callable[[Sequence[ReserveRequest]], Awaitable[list[Outcome]]]:
    """Return a function that reserves a batch in a transaction of its own."""

    async def reserve(requests: Sequence[ReserveRequest]) -> list[Outcome]:
        async with database.transaction() as session:
            return await reserve_tickets(session, requests, rules)

    return reserve


@pytest.fixture
def ticket_event() -> Callable[..., TicketState]:
    """Return a builder of news of a ticket; version 1 is its creation."""

    def make(ticket_id: str | None = None, **overrides: Any) -> TicketState:  # noqa: ANN401 - any field
        version = overrides.get("version", 1)
        fields = {
            "id": ticket_id or new_id(),
            "version": version,
            "offer_version": 1,
            "seller_id": "seller",
            "title": "Concert",
            "price": PRICE,
            "currency": "usd",
            "status": TicketStatus.AVAILABLE,
        }
        event_type = TicketCreated if version == 1 else TicketUpdated
        return event_type.model_validate({**fields, **overrides})

    return make


@pytest.fixture
def list_ticket(
    apply: Apply, ticket_event: Callable[..., TicketState]
) -> Callable[..., Awaitable[str]]:
    """Return a function that makes orders hear of a new ticket; it returns its id."""

    async def list_one(**overrides: Any) -> str:  # noqa: ANN401 - any field
        event = ticket_event(**overrides)
        await apply(event)
        return event.id

    return list_one


@pytest.fixture
def post_order(
    client: httpx.AsyncClient, headers_of: Callable[[str], dict[str, str]]
) -> Callable[..., Awaitable[httpx.Response]]:
    """Return a function that posts an order, whatever comes of it."""

    async def post(
        buyer: str, ticket_id: str, *, key: str | None = None, **body: object
    ) -> httpx.Response:
        headers = headers_of(buyer) | ({"Idempotency-Key": key} if key else {})
        return await client.post(
            "/api/orders", json={"ticket_id": ticket_id, **body}, headers=headers
        )

    return post


@pytest.fixture
def reserve(
    post_order: Callable[..., Awaitable[httpx.Response]],
    list_ticket: Callable[..., Awaitable[str]],
) -> Callable[..., Awaitable[Json]]:
    """Return a function that makes an order, for a new ticket if none is named."""

    async def make(buyer: str = "buyer", ticket_id: str | None = None) -> Json:
        answer = await post_order(buyer, ticket_id or await list_ticket())
        assert answer.status_code == 201, answer.text
        order: Json = answer.json()
        return order

    return make


@pytest.fixture
def held(
    reserve: Callable[..., Awaitable[Json]],
    apply: Apply,
    ticket_event: Callable[..., TicketState],
) -> Callable[..., Awaitable[Json]]:
    """Return a function that makes an order whose ticket is held for it."""

    async def make(buyer: str = "buyer") -> Json:
        order = await reserve(buyer)
        await apply(hold_of(ticket_event, order))
        return order

    return make


def hold_of(ticket_event: Callable[..., TicketState], order: Json) -> TicketState:
    """Return the news that ``order`` has its ticket."""
    return ticket_event(
        order["ticket"]["id"],
        version=order["ticket"]["version"] + 1,
        status=TicketStatus.RESERVED,
        order_id=order["id"],
    )


@pytest.fixture
def hold() -> Callable[..., TicketState]:
    """Return `hold_of`."""
    return hold_of


@pytest.fixture
def payment() -> Callable[..., PaymentState]:
    """Return a builder of news of an order's payment."""

    def make(
        order: Json,
        event_type: type[PaymentState] = PaymentAuthorized,
        **overrides: Any,  # noqa: ANN401 - any field
    ) -> PaymentState:
        fields = {
            "id": f"payment of {order['id'][-20:]}",
            "version": 1,
            "order_id": order["id"],
            "amount": money.total(PRICE),
            "currency": "usd",
        }
        return event_type.model_validate({**fields, **overrides})

    return make


@pytest.fixture
def look_up(database: Database) -> Callable[[str], Awaitable[Order]]:
    """Return a function that reads an order past the API."""

    async def read(order_id: str) -> Order:
        async with database.reading() as session:
            return await session.get_one(Order, order_id)

    return read


@pytest.fixture
def set_deadline(database: Database) -> Callable[..., Awaitable[None]]:
    """Return a function that moves an order's deadline to seconds from now."""

    async def move(order_id: str, *, seconds: float) -> None:
        async with database.transaction() as session:
            await session.execute(
                update(Order)
                .where(Order.id == order_id)
                .values(expires_at=now() + timedelta(seconds=seconds))
            )

    return move
