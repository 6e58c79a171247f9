"""Run by Alembic through `python -m payments migrate`."""

from common.db.migrations import run_environment
from payments.models import Base

run_environment(Base.metadata)
