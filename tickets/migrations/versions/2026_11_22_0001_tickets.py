"""Tickets, seen orders, outbox and inbox."""

import sqlalchemy as sa
from alembic import op

from common.db import UtcDateTime, folded, key
from common.db.messaging_tables import create_messaging_tables, drop_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "tickets",
        sa.Column("id", key(), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("offer_version", sa.Integer, nullable=False),
        sa.Column("seller_id", key(), nullable=False),
        sa.Column("status", key(16), nullable=False),
        sa.Column("order_id", key()),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("currency", key(3), nullable=False),
        sa.Column("venue", sa.String(100)),
        sa.Column("city", sa.String(100)),
        sa.Column("starts_at", UtcDateTime),
        sa.Column("timezone", sa.String(64)),
        sa.Column("section", sa.String(40)),
        sa.Column("seat_row", sa.String(40)),
        sa.Column("seat", sa.String(40)),
        sa.Column("face_value", sa.BigInteger),
        sa.Column("sale_ends_at", UtcDateTime, nullable=False),
        sa.Column("search_text", folded(1000), nullable=False),
        sa.Column("city_key", folded(300)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_tickets_newest", "tickets", ["status", "id"])
    op.create_index("ix_tickets_date", "tickets", ["status", "sale_ends_at", "id"])
    op.create_index("ix_tickets_price", "tickets", ["status", "price", "id"])
    op.create_index("ix_tickets_seller", "tickets", ["seller_id", "id"])
    op.create_table(
        "seen_orders",
        sa.Column("order_id", key(), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("ticket_id", key(), nullable=False),
    )
    create_messaging_tables()


def downgrade() -> None:
    """Drop everything."""
    drop_messaging_tables()
    op.drop_table("seen_orders")
    op.drop_table("tickets")
