"""`python -m auth` serves; `python -m auth replay --since TIME` publishes again."""

import argparse
import asyncio
from datetime import datetime

from auth.main import create_app
from auth.mongo import Mongo
from auth.outbox import MongoOutbox
from auth.settings import Settings
from common.cli import run_service, takes_since, tell_replayed
from common.telemetry import configure_logging


def main() -> None:
    """Do what the command line asks."""
    arguments = _parser().parse_args()
    settings = Settings()
    if arguments.command is None:
        run_service("auth", settings, create_app)
        return
    configure_logging("auth", settings.log_level)
    tell_replayed(asyncio.run(_replay(settings, arguments.since)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth")
    commands = parser.add_subparsers(dest="command")
    takes_since(commands.add_parser("replay", help="publish the outbox again"))
    return parser


async def _replay(settings: Settings, since: datetime) -> int:
    mongo = Mongo(settings)
    try:
        return await MongoOutbox(mongo).replay(since)
    finally:
        await mongo.close()


if __name__ == "__main__":
    main()
