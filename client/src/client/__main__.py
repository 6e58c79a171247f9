"""`python -m client` serves the pages; settings come from the environment."""

from client.main import create_app
from client.settings import Settings
from common.cli import run_service

if __name__ == "__main__":
    run_service("client", Settings(), create_app)
