"""Run by Alembic through `python -m tickets migrate`."""

from common.db.migrations import run_environment
from tickets.models import Base

run_environment(Base.metadata)
