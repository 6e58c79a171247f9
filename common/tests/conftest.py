"""What the tests of common share: a small database with outbox and inbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, String, Table

from common.db import Database, UtcDateTime
from common.testing.plugin import DatabaseFactory

MIGRATIONS = Path(__file__).parent / "migrations"

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", String(200), nullable=False),
    Column("due_at", UtcDateTime, nullable=True),
)


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    """Lend an empty database with outbox, inbox and notes, on each backend."""
    async with database_factory("common", MIGRATIONS, metadata) as database:
        yield database
