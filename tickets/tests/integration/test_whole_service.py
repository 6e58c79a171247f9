"""The service as it runs: its own wiring, a real broker, a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from common.bus import JetStream, connected
from common.bus.decoding import decode
from common.db import Database
from common.events import (
    Event,
    OrderCancelled,
    OrderCreated,
    TicketStatus,
    TicketUpdated,
)
from common.ids import new_id
from common.outbox import OutboxMessage
from common.testing.asgi import running_app
from common.testing.events import order_event, ordered_ticket
from common.testing.plugin import DatabaseUrlFactory
from common.testing.waiting import until
from tickets.main import create_app
from tickets.models import Base, Ticket
from tickets.settings import Settings

pytestmark = pytest.mark.asyncio

PATIENCE = 20.0


@pytest.fixture
def database_url(database_url_factory: DatabaseUrlFactory, migrations: Path) -> str:
    """Return the URL of the database that the service and the test share."""
    return database_url_factory("tickets", migrations, Base.metadata)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Lend the service's database."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def service(
    database_url: str, empty_nats: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of the running service."""
    settings = Settings(
        database_url=database_url, nats_url=empty_nats, jwks_url="http://127.0.0.1:1"
    )
    async with running_app(create_app(settings)) as app:
        yield await app.client()


@pytest_asyncio.fixture
async def bus(empty_nats: str) -> AsyncIterator[JetStream]:
    """Lend a connection in the role of orders, with both streams."""
    async with connected(empty_nats, name="test", streams=["ORDERS", "TICKETS"]) as bus:
        yield bus


async def publish(bus: JetStream, event: Event) -> None:
    message = OutboxMessage.from_event(event)
    await bus.context.publish(
        message.subject, message.payload.encode(), headers=message.headers
    )


async def test_an_order_reserves_and_frees_a_ticket_through_the_broker(
    service: httpx.AsyncClient,
    bus: JetStream,
    make_ticket: Callable[..., Ticket],
    store: Callable[..., Awaitable[None]],
) -> None:
    ticket = make_ticket()
    await store(ticket)
    heard = await bus.context.subscribe("tickets.updated", ordered_consumer=True)
    snapshot, order_id = ordered_ticket(id=ticket.id), new_id()
    steps = {
        OrderCreated: TicketStatus.RESERVED,
        OrderCancelled: TicketStatus.AVAILABLE,
    }
    for event_type, status in steps.items():
        await publish(bus, order_event(event_type, id=order_id, ticket=snapshot))
        told = decode(await heard.next_msg(timeout=PATIENCE))
        assert isinstance(told, TicketUpdated)
        assert (told.id, told.status) == (ticket.id, status)
        found = await service.get(f"/api/tickets/{ticket.id}")
        assert found.json()["status"] == status


async def test_the_service_says_when_it_is_ready(service: httpx.AsyncClient) -> None:
    async def is_ready() -> bool:
        return (await service.get("/readyz")).status_code == 200

    await until(is_ready)
    assert (await service.get("/livez")).status_code == 200
    assert "http_" in (await service.get("/metrics")).text


async def test_a_damaged_session_needs_no_keys_to_be_refused(
    service: httpx.AsyncClient,
) -> None:
    headers = {"Cookie": "session=" + "x" * 100}
    assert (await service.get("/api/tickets/mine", headers=headers)).status_code == 401
    assert (await service.get("/api/tickets")).status_code == 200
