"""`python -m tickets`: serve, migrate, replay, dead-letters (see common.cli)."""

from common.cli import run_sql_service
from tickets.main import MIGRATIONS, create_app
from tickets.settings import Settings

if __name__ == "__main__":
    run_sql_service("tickets", Settings, create_app, MIGRATIONS)
