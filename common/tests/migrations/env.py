"""Alembic environment of the tests of common."""

from common.db.messaging_tables import metadata
from common.db.migrations import run_environment

run_environment(metadata)
