"""Outbox and inbox, and a table for whatever a test wants to see committed."""

import sqlalchemy as sa
from alembic import op

from common.db import UtcDateTime
from common.db.messaging_tables import create_messaging_tables, drop_messaging_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_messaging_tables()
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.String(200), nullable=False, unique=True),
        sa.Column("due_at", UtcDateTime, nullable=True),
        sa.CheckConstraint("text <> 'forbidden'", name="ck_notes_text"),
    )


def downgrade() -> None:
    op.drop_table("notes")
    drop_messaging_tables()
