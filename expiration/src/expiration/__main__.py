"""`python -m expiration`: serve until SIGTERM, or list what was parked."""

from common.cli import run_bus_service
from expiration.main import NAME, create_app
from expiration.settings import Settings

if __name__ == "__main__":
    run_bus_service(NAME, Settings, create_app)
