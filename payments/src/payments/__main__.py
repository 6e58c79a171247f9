"""`python -m payments`: serve, migrate, replay, dead-letters (see common.cli)."""

from common.cli import run_sql_service
from payments.main import MIGRATIONS, create_app
from payments.settings import Settings

if __name__ == "__main__":
    run_sql_service("payments", Settings, create_app, MIGRATIONS)
