"""Find claimed orders without reading all of them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index orders by status."""
    op.create_index("ix_orders_status", "orders", ["status"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_orders_status", "orders")
