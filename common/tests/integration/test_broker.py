"""The connection to NATS, its declarations, and what runs on it in a service."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI
from nats.js.api import ConsumerConfig
from pydantic import SecretStr
from sqlalchemy import MetaData, Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.background import background
from common.bus import BrokerUnavailable, JetStream, connected
from common.bus.streams import DEAD_LETTERS, declare_consumer, stream_exists
from common.clock import now
from common.db import Database
from common.events import ExpirationCompleted, SessionsRevoked, TicketCreated
from common.identity import RevocationFeed, Revocations, Session
from common.outbox import OutboxMessage, SqlOutbox, add_events
from common.runtime import Messaging, sql_service
from common.settings import DatabaseSettings
from common.testing import FakeIdentity, until
from common.testing.nats import NatsServer
from common.testing.plugin import DatabaseUrlFactory
from common.web import Transaction, create_service_app

pytestmark = pytest.mark.asyncio

MIGRATIONS = Path(__file__).parents[1] / "migrations"
STREAM = "EXPIRATION"


def an_event() -> ExpirationCompleted:
    return ExpirationCompleted(order_id="o1", expires_at=now())


def a_port_where_nobody_listens() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def consumer_subjects(bus: JetStream, durable: str) -> list[str]:
    config: ConsumerConfig = (await bus.context.consumer_info(STREAM, durable)).config
    return list(config.filter_subjects or [config.filter_subject or ""])


async def test_connecting_waits_for_a_server_that_comes_later(
    nats_server: NatsServer,
) -> None:
    nats_server.kill()
    bus = JetStream(nats_server.url, name="early")
    task = asyncio.create_task(bus.connect())
    await asyncio.sleep(0.1)
    assert not task.done()
    nats_server.start()
    await asyncio.wait_for(task, 10)
    assert bus.is_connected
    await bus.close()


async def test_closing_what_never_connected_does_not_hang() -> None:
    url = f"nats://127.0.0.1:{a_port_where_nobody_listens()}"
    bus = JetStream(url, name="never")
    messaging = Messaging(bus, streams=[STREAM])
    started = monotonic()
    async with messaging.running():
        with pytest.raises(BrokerUnavailable):
            await messaging.ping()
        with pytest.raises(BrokerUnavailable):
            await bus.publish([OutboxMessage.from_event(an_event())])
    assert monotonic() - started < 2


async def test_draining_while_reconnecting_does_not_hang(
    nats_server: NatsServer,
) -> None:
    bus = JetStream(nats_server.url, name="test")
    await bus.connect()
    await bus.declare([STREAM])
    nats_server.kill()
    await until(lambda: not bus.is_connected)
    started = monotonic()
    await bus.close()
    await bus.close()
    assert monotonic() - started < 2


async def test_declaring_a_stream_twice_changes_nothing(bus: JetStream) -> None:
    await bus.publish([OutboxMessage.from_event(an_event())])
    before = await bus.context.stream_info(STREAM)
    await bus.declare([STREAM, STREAM])
    after = await bus.context.stream_info(STREAM)
    assert after.config == before.config
    assert after.state.messages == 1


async def test_a_changed_limit_is_applied_to_the_stream_that_exists(
    bus: JetStream,
) -> None:
    config = (await bus.context.stream_info(STREAM)).config
    config.max_bytes = 1024 * 1024
    await bus.context.update_stream(config)
    await bus.declare([STREAM])
    declared = (await bus.context.stream_info(STREAM)).config.max_bytes
    assert declared == 512 * 1024**2


async def test_a_consumer_is_declared_again_with_other_subjects(
    bus: JetStream,
) -> None:
    one, two = "expiration.completed", "expiration.other"
    await declare_consumer(bus.context, STREAM, "d", [one])
    await declare_consumer(bus.context, STREAM, "d", [one])
    assert await consumer_subjects(bus, "d") == [one]
    await declare_consumer(bus.context, STREAM, "d", [two, one])
    assert await consumer_subjects(bus, "d") == [one, two]


async def test_messages_of_a_stream_cannot_be_deleted(bus: JetStream) -> None:
    config = (await bus.context.stream_info(STREAM)).config
    assert config.deny_delete is True
    assert config.deny_purge is True
    assert await stream_exists(bus.context, DEAD_LETTERS)
    assert not await stream_exists(bus.context, "NOTHING")


async def test_publishing_nothing_is_done_at_once(bus: JetStream) -> None:
    assert await bus.publish([]) == []


def a_session(user_id: str, session_id: str = "s1") -> Session:
    return Session(user_id, "a@example.com", session_id, now(), now())


async def test_s15_a_revocation_reaches_every_process_that_verifies(
    empty_nats: str,
) -> None:
    feeds = [Revocations(), Revocations()]
    over = a_session("u1")
    async with connected(empty_nats, name="test", streams=["USERS"]) as bus:
        await bus.publish(
            [OutboxMessage.from_event(SessionsRevoked(id="u1", not_before=now()))]
        )
        async with (
            background("one", RevocationFeed(bus, feeds[0]).run()),
            background("two", RevocationFeed(bus, feeds[1]).run()),
        ):
            await until(lambda: all(feed.is_revoked(over) for feed in feeds))
            later = SessionsRevoked(id="u2", not_before=now(), session_id="s2")
            await bus.context.publish("users.sessions_revoked", b"unreadable")
            await bus.publish([OutboxMessage.from_event(later)])
            other = a_session("u2", "s2")
            await until(lambda: all(feed.is_revoked(other) for feed in feeds))
    assert not feeds[0].is_revoked(a_session("u3", "s3"))


async def test_s15_revocations_come_after_nats_was_killed_and_restarted(
    nats_server: NatsServer,
) -> None:
    revocations = Revocations()
    over = a_session("u1")
    async with (
        connected(nats_server.url, name="test", streams=["USERS"]) as bus,
        background("feed", RevocationFeed(bus, revocations).run()),
    ):
        nats_server.kill()
        await until(lambda: not bus.is_connected)
        nats_server.start()
        await until(lambda: bus.is_connected)
        revoked = SessionsRevoked(id="u1", not_before=now())
        await bus.publish([OutboxMessage.from_event(revoked)])
        await until(lambda: revocations.is_revoked(over))


router = APIRouter()


@router.post("/api/notes", status_code=201)
async def write_note(session: Transaction) -> dict[str, bool]:
    await add_events(session, an_event())
    return {"written": True}


def a_service(url: str, nats_url: str, handlers: Mapping[Any, Any]) -> FastAPI:
    settings = DatabaseSettings(
        database_url=SecretStr(url),
        nats_url=SecretStr(nats_url),
        jwks_url="http://127.0.0.1:1/jwks.json",
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with sql_service("expiration", settings, handlers) as state:
            yield state

    return create_service_app(
        title="Notes", prefix="/api/notes", routers=[router], lifespan=lifespan
    )


@asynccontextmanager
async def browsing(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        LifespanManager(app) as manager,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(manager.app), base_url="http://shop.test"
        ) as client,
    ):
        yield client


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def test_a_whole_service_publishes_and_consumes(
    database_url_factory: DatabaseUrlFactory, notes: Table, empty_nats: str
) -> None:
    url = database_url_factory("common", MIGRATIONS, notes.metadata)
    heard: list[str] = []

    async def on_listed(session: AsyncSession, event: TicketCreated) -> None:
        await session.execute(insert(notes).values(text=event.title))
        heard.append(event.title)

    app = a_service(url, empty_nats, {TicketCreated: on_listed})
    async with (
        connected(empty_nats, name="other", streams=["TICKETS"]) as bus,
        browsing(app) as client,
    ):
        await until(lambda: is_ready(client))
        arrived = await bus.context.subscribe("expiration.completed")
        assert (await client.post("/api/notes")).status_code == 201
        await arrived.next_msg(timeout=5)
        await bus.publish([OutboxMessage.from_event(a_listing())])
        await until(lambda: heard == ["Concert"])


def a_listing() -> TicketCreated:
    return TicketCreated.model_validate(
        {
            "id": "t1",
            "version": 1,
            "offer_version": 1,
            "seller_id": "u1",
            "title": "Concert",
            "price": 5000,
            "currency": "usd",
            "status": "available",
        }
    )


async def test_requests_are_served_while_nats_is_down(
    database_url_factory: DatabaseUrlFactory, nats_server: NatsServer
) -> None:
    url = database_url_factory("common", MIGRATIONS, MetaData())
    async with browsing(a_service(url, nats_server.url, {})) as client:
        await until(lambda: is_ready(client))
        nats_server.kill()
        assert (await client.post("/api/notes")).status_code == 201
        assert await is_ready(client)
        nats_server.start()
        database = Database(url)
        outbox = SqlOutbox(database)

        async def sent() -> bool:
            return (await outbox.backlog()).pending == 0

        await until(sent)
        await database.close()


async def test_a_fake_identity_signs_what_a_verifier_accepts(
    identity: FakeIdentity,
) -> None:
    session = await identity.verifier.verify(identity.cookies("u1")["session"])
    assert session.user_id == "u1"
