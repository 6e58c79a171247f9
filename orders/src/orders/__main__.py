"""`python -m orders`: serve, migrate, replay, dead-letters (see common.cli)."""

from common.cli import run_sql_service
from orders.main import MIGRATIONS, create_app
from orders.settings import Settings

if __name__ == "__main__":
    run_sql_service("orders", Settings, create_app, MIGRATIONS)
