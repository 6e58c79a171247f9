"""The two tables that every service with an SQL database has: outbox and inbox."""

from alembic import op
from sqlalchemy import Column, Index, MetaData, Table

from common.db.types import BigSerial, LongText, UtcDateTime, key

metadata = MetaData()

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigSerial, primary_key=True, autoincrement=True),
    Column("event_id", key(64), nullable=False, unique=True),
    Column("subject", key(100), nullable=False),
    Column("headers", LongText, nullable=False),
    Column("payload", LongText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime, nullable=True),
    Index("ix_outbox_unpublished", "published_at", "id"),
)
"""Events that a transaction decided on; kept after publishing, for replay."""

inbox = Table(
    "inbox",
    metadata,
    Column("event_id", key(64), primary_key=True),
    Column("subject", key(100), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_inbox_received_at", "received_at"),
)
"""Ids of events whose effect is committed: the guarantee against doing it twice."""

__all__ = ["create_messaging_tables", "drop_messaging_tables", "inbox", "outbox"]

_TABLES = (outbox, inbox)


def create_messaging_tables() -> None:
    """Create both tables; called by the first migration of a service."""
    for table in _TABLES:
        table.create(op.get_bind())


def drop_messaging_tables() -> None:
    """Undo `create_messaging_tables`."""
    for table in reversed(_TABLES):
        table.drop(op.get_bind())
