"""Run by Alembic through `python -m orders migrate`."""

from common.db.migrations import run_environment
from orders.models import Base

run_environment(Base.metadata)
