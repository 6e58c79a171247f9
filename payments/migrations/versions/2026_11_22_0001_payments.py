"""Orders seen, payments, ledger, webhooks, requests, outbox and inbox."""

import sqlalchemy as sa
from alembic import op

from common.db import BigSerial, UtcDateTime, key
from common.db.messaging_tables import create_messaging_tables, drop_messaging_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    _create_orders()
    _create_payments()
    _create_ledger()
    op.create_table(
        "stripe_events",
        sa.Column("id", key(255), primary_key=True),
        sa.Column("type", key(100), nullable=False),
        sa.Column("payment_id", key()),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "payment_requests",
        sa.Column("buyer_id", key(), primary_key=True),
        sa.Column("idempotency_key", key(64), primary_key=True),
        sa.Column("order_id", key(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    create_messaging_tables()


def downgrade() -> None:
    """Drop everything, children first."""
    drop_messaging_tables()
    for table in ("payment_requests", "stripe_events", "ledger", "payments", "orders"):
        op.drop_table(table)


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", key(), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("buyer_id", key(), nullable=False),
        sa.Column("status", key(20), nullable=False),
        sa.Column("claimed_payment", key()),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("currency", key(3), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("cancel_reason", key(20)),
    )


def _create_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", key(), primary_key=True),
        sa.Column(
            "order_id",
            key(),
            sa.ForeignKey("orders.order_id"),
            nullable=False,
            unique=True,
        ),
        sa.Column("buyer_id", key(), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", key(3), nullable=False),
        sa.Column("status", key(20), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("intent_id", key(64), unique=True),
        sa.Column("decline_code", key(64)),
        sa.Column("due_at", UtcDateTime),
        sa.Column("lease", key()),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("trace", key(64)),
        sa.Column("alert", sa.String(200)),
        sa.Column("alerted_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_payments_due", "payments", ["due_at"])
    op.create_index("ix_payments_alert", "payments", ["alerted_at"])


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", BigSerial, primary_key=True, autoincrement=True),
        sa.Column("payment_id", key(), sa.ForeignKey("payments.id"), nullable=False),
        sa.Column("order_id", key(), nullable=False),
        sa.Column("kind", key(20), nullable=False),
        sa.Column("stripe_id", key(64), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", key(3), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("payment_id", "kind", "stripe_id", name="uq_ledger_once"),
    )
    op.create_index("ix_ledger_order", "ledger", ["order_id"])
