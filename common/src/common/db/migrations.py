"""Alembic, driven by code: one function for a service's `migrate` command."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData

from common.db.database import Database


def alembic_config(migrations: Path, url: str) -> Config:
    """Return the Alembic configuration of the service that owns ``migrations``."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = url
    return config


def upgrade(migrations: Path, url: str) -> None:
    """Bring the database at ``url`` to the newest revision."""
    command.upgrade(alembic_config(migrations, url), "head")


def downgrade(migrations: Path, url: str, revision: str = "base") -> None:
    """Take the database at ``url`` back to ``revision``."""
    command.downgrade(alembic_config(migrations, url), revision)


def run_environment(metadata: MetaData) -> None:
    """Do what an `env.py` does: run the revisions in one connection."""
    asyncio.run(_run(metadata, context.config.attributes["database_url"]))


async def _run(metadata: MetaData, url: str) -> None:
    database = Database(url)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_run_sync, metadata)
    finally:
        await database.close()


def _run_sync(connection: Connection, metadata: MetaData) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True
    )
    with context.begin_transaction():
        context.run_migrations()
