"""Orders, the copy of tickets, outbox and inbox."""

import sqlalchemy as sa
from alembic import op

from common.db import LongText, UtcDateTime, key
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
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("currency", key(3), nullable=False),
        sa.Column("status", key(16), nullable=False),
        sa.Column("order_id", key()),
        sa.Column("venue", sa.String(100)),
        sa.Column("city", sa.String(100)),
        sa.Column("starts_at", UtcDateTime),
        sa.Column("timezone", sa.String(64)),
        sa.Column("section", sa.String(40)),
        sa.Column("seat_row", sa.String(40)),
        sa.Column("seat", sa.String(40)),
    )
    op.create_table(
        "orders",
        sa.Column("id", key(), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("buyer_id", key(), nullable=False),
        sa.Column("ticket_id", key(), nullable=False),
        sa.Column("live_ticket_id", key()),
        sa.Column("status", key(20), nullable=False),
        sa.Column("claimed_payment", key()),
        sa.Column("cancel_reason", key(20)),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("fee", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("currency", key(3), nullable=False),
        sa.Column("ticket_snapshot", LongText, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("idempotency_key", key(64)),
        sa.Column("fingerprint", key(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("live_ticket_id", name="uq_orders_live_ticket"),
        sa.UniqueConstraint("buyer_id", "idempotency_key", name="uq_orders_key"),
    )
    op.create_index("ix_orders_buyer", "orders", ["buyer_id", "id"])
    op.create_index("ix_orders_deadline", "orders", ["status", "expires_at"])
    create_messaging_tables()


def downgrade() -> None:
    """Drop everything."""
    drop_messaging_tables()
    op.drop_table("orders")
    op.drop_table("tickets")
