"""What the tests of common share: a small database and a broker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, String, Table

from common.bus import JetStream, connected
from common.bus.streams import DEAD_LETTERS
from common.db import Database, UtcDateTime
from common.testing.plugin import DatabaseFactory

MIGRATIONS = Path(__file__).parent / "migrations"

metadata = MetaData()
_notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", String(200), nullable=False, unique=True),
    Column("due_at", UtcDateTime, nullable=True),
)


@pytest.fixture
def notes() -> Table:
    """Return a table for whatever a test wants to see committed."""
    return _notes


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    """Lend an empty database with outbox, inbox and notes, on each backend."""
    async with database_factory("common", MIGRATIONS, metadata) as database:
        yield database


@pytest_asyncio.fixture
async def bus(empty_nats: str) -> AsyncIterator[JetStream]:
    """Lend a connection to NATS with one service's stream and the dead letters."""
    streams = ["EXPIRATION", DEAD_LETTERS]
    async with connected(empty_nats, name="test", streams=streams) as bus:
        yield bus
