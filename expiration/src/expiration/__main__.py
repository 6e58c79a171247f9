"""`python -m expiration`: serve until SIGTERM."""

from common.cli import run_service
from expiration.main import NAME, create_app
from expiration.settings import Settings

if __name__ == "__main__":
    run_service(NAME, Settings(), create_app)
