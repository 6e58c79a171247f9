"""The service as it runs: its own wiring, a real broker, a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from common.bus import JetStream, connected
from common.bus.decoding import decode
from common.db import Database
from common.events import Event, OrderState, TicketState, TicketStatus
from common.outbox import OutboxMessage
from common.testing.asgi import running_app
from common.testing.plugin import DatabaseUrlFactory
from common.testing.waiting import until
from orders.main import create_app
from orders.models import Base, Order
from orders.reserving import Outcome, ReserveRequest
from orders.settings import Settings

pytestmark = pytest.mark.asyncio

PATIENCE = 20.0


@pytest.fixture
def database_url(database_url_factory: DatabaseUrlFactory, migrations: Path) -> str:
    """Return the URL of the database that the service and the test share."""
    return database_url_factory("orders", migrations, Base.metadata)


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
    """Lend a client of the running service, which sweeps often."""
    settings = Settings(
        database_url=database_url,
        nats_url=empty_nats,
        jwks_url="http://127.0.0.1:1",
        sweep_seconds=0.05,
    )
    async with running_app(create_app(settings)) as app:
        yield await app.client()


@pytest_asyncio.fixture
async def bus(empty_nats: str) -> AsyncIterator[JetStream]:
    """Lend a connection in the role of tickets, with both streams."""
    async with connected(empty_nats, name="test", streams=["ORDERS", "TICKETS"]) as bus:
        yield bus


async def _publish(bus: JetStream, event: Event) -> None:
    message = OutboxMessage.from_event(event)
    await bus.context.publish(
        message.subject, message.payload.encode(), headers=message.headers
    )


async def test_an_order_is_held_and_swept_through_the_broker(
    service: httpx.AsyncClient,
    bus: JetStream,
    list_ticket: Callable[..., Awaitable[str]],
    reserve_all: Callable[[list[ReserveRequest]], Awaitable[list[Outcome]]],
    ticket_event: Callable[..., TicketState],
    set_deadline: Callable[..., Awaitable[None]],
) -> None:
    heard = await bus.context.subscribe("orders.>", ordered_consumer=True)

    async def told() -> tuple[str, str | None]:
        event = decode(await heard.next_msg(timeout=PATIENCE))
        assert isinstance(event, OrderState)
        return event.subject, event.cancel_reason

    ticket_id = await list_ticket()
    [order] = await reserve_all([ReserveRequest(buyer_id="b", ticket_id=ticket_id)])
    assert isinstance(order, Order)
    assert await told() == ("orders.created", None)
    await _publish(
        bus,
        ticket_event(
            ticket_id, version=2, status=TicketStatus.RESERVED, order_id=order.id
        ),
    )
    assert await told() == ("orders.awaiting_payment", None)
    await set_deadline(order.id, seconds=-1)
    assert await told() == ("orders.cancelled", "expired")


async def test_the_service_says_when_it_is_ready(service: httpx.AsyncClient) -> None:
    async def is_ready() -> bool:
        return (await service.get("/readyz")).status_code == 200

    await until(is_ready)
    assert (await service.get("/livez")).status_code == 200
    assert "http_" in (await service.get("/metrics")).text
