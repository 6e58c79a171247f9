"""Checks of a service's migrations, the same for each: sync, as Alembic is here."""

import asyncio
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect

from common.db import Database
from common.db.messaging_tables import metadata as messaging_metadata
from common.db.migrations import downgrade, upgrade


def assert_up_down_up(migrations: Path, url: str) -> None:
    """Go to the newest schema, back to an empty database, and forward again.

    Raises:
        AssertionError: a way failed to do or undo what it is for.
    """
    upgrade(migrations, url)
    tables = table_names(url)
    assert tables, "the migrations create nothing"  # noqa: S101 - a check for tests
    downgrade(migrations, url)
    left = table_names(url)
    assert not left, f"downgrading leaves {left}"  # noqa: S101 - as above
    upgrade(migrations, url)
    assert table_names(url) == tables  # noqa: S101 - as above


def assert_models_match(migrations: Path, url: str, *schemas: MetaData) -> None:
    """Migrate, and compare the tables with ``schemas``, the outbox and the inbox.

    Raises:
        AssertionError: Alembic would generate another migration.
    """
    upgrade(migrations, url)
    differences = _with_connection(
        url, lambda connection: _differences(connection, *schemas)
    )
    assert not differences, differences  # noqa: S101 - a check for tests


def table_names(url: str) -> set[str]:
    """Return the names of the tables at ``url``, without Alembic's own."""
    names: list[str] = _with_connection(
        url, lambda connection: inspect(connection).get_table_names()
    )
    return set(names) - {"alembic_version"}


def _differences(connection: Connection, *schemas: MetaData) -> list[Any]:
    expected = MetaData()
    for schema in (*schemas, messaging_metadata):
        for table in schema.sorted_tables:
            table.to_metadata(expected)
    return list(compare_metadata(MigrationContext.configure(connection), expected))


def _with_connection(url: str, ask: Any) -> Any:  # noqa: ANN401 - whatever is asked
    async def run() -> Any:  # noqa: ANN401 - as above
        database = Database(url)
        try:
            async with database.engine.connect() as connection:
                return await connection.run_sync(ask)
        finally:
            await database.close()

    return asyncio.run(run())
