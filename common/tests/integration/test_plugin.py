"""The shared fixtures do what services rely on."""

import pytest
from sqlalchemy import text

from common.bus import connected
from common.db import Database
from common.testing.nats import NatsServer

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("again", [1, 2])
async def test_each_test_gets_a_migrated_database_without_rows(
    database: Database, again: int
) -> None:
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO notes (id, text) VALUES (1, 'x')"))
    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM notes")) == 1
        assert await session.scalar(text("SELECT count(*) FROM outbox")) == 0


@pytest.mark.parametrize("again", [1, 2])
async def test_empty_nats_has_no_streams(empty_nats: str, again: int) -> None:
    async with connected(empty_nats, name="test", streams=["USERS"]) as bus:
        assert len(await bus.context.streams_info()) == 1


async def test_a_killed_nats_server_comes_back_with_its_store(
    nats_server: NatsServer,
) -> None:
    async with connected(nats_server.url, name="test", streams=["USERS"]) as bus:
        await bus.context.publish("users.signed_up", b"1")
    nats_server.kill()
    nats_server.start()
    async with connected(nats_server.url, name="test") as bus:
        assert (await bus.context.stream_info("USERS")).state.messages == 1
