"""The command line of a service.

    python -m tickets                                    serve
    python -m tickets migrate                            newest schema, then exit
    python -m tickets replay --since 2026-11-01T00:00Z   publish the outbox again
    python -m tickets dead-letters [--redrive]           what was parked

Settings come from the environment alone.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from fastapi import FastAPI

from common.bus import connected
from common.bus.dead_letters import DeadLetter, list_dead_letters, redrive
from common.db import Database
from common.db.migrations import upgrade
from common.outbox import SqlOutbox
from common.settings import BusSettings, DatabaseSettings, ServiceSettings
from common.telemetry import configure_logging, configure_tracing, logger
from common.web import serve

log = logger(__name__)

S = TypeVar("S", bound=ServiceSettings)
B = TypeVar("B", bound=BusSettings)
D = TypeVar("D", bound=DatabaseSettings)


def run_service(name: str, settings: S, create_app: Callable[[S], FastAPI]) -> None:
    """Configure logs and traces, then serve until SIGTERM."""
    configure_logging(name, settings.log_level)
    configure_tracing(name)
    serve(create_app(settings), settings)


def run_bus_service(
    name: str, settings_type: type[B], create_app: Callable[[B], FastAPI]
) -> None:
    """Do what the command line of a service without a database of ours asks."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    commands = parser.add_subparsers(dest="command")
    _takes_redrive(commands.add_parser("dead-letters", help="list parked messages"))
    arguments = parser.parse_args()
    settings = settings_type()
    if arguments.command is None:
        run_service(name, settings, create_app)
        return
    configure_logging(name, settings.log_level)
    asyncio.run(_dead_letters(name, settings, again=arguments.redrive))


def run_sql_service(
    name: str,
    settings_type: type[D],
    create_app: Callable[[D], FastAPI],
    migrations: Path,
) -> None:
    """Do what the command line of a service with a database asks."""
    arguments = _parser(name).parse_args()
    settings = settings_type()
    if arguments.command is None:
        run_service(name, settings, create_app)
        return
    configure_logging(name, settings.log_level)
    if arguments.command == "migrate":
        url = settings.migration_database_url or settings.database_url
        upgrade(migrations, url.get_secret_value())
        log.info("migrated")
    elif arguments.command == "replay":
        asyncio.run(_replay(settings, arguments.since))
    else:
        asyncio.run(_dead_letters(name, settings, again=arguments.redrive))


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("migrate", help="bring the database to the newest schema")
    takes_since(commands.add_parser("replay", help="publish the outbox again"))
    _takes_redrive(commands.add_parser("dead-letters", help="list parked messages"))
    return parser


def takes_since(replay: argparse.ArgumentParser) -> None:
    """Give the replay command its option: an instant, in UTC unless it says."""
    replay.add_argument(
        "--since", type=_instant, required=True, help="RFC 3339 time of publishing"
    )


def _takes_redrive(letters: argparse.ArgumentParser) -> None:
    letters.add_argument("--redrive", action="store_true", help="send them again")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


async def _replay(settings: DatabaseSettings, since: datetime) -> None:
    database = Database(settings.database_url.get_secret_value())
    try:
        count = await SqlOutbox(database).replay(since)
    finally:
        await database.close()
    tell_replayed(count)


def tell_replayed(count: int) -> None:
    """Say how many events the relay will publish again, whatever the log level."""
    sys.stdout.write(json.dumps({"events_to_publish_again": count}) + "\n")


async def _dead_letters(name: str, settings: BusSettings, *, again: bool) -> None:
    url = settings.nats_url.get_secret_value()
    async with connected(url, name=f"{name}-cli") as bus:
        async for letter in list_dead_letters(bus.context):
            if not letter.consumer.startswith(f"{name}-"):
                continue
            sys.stdout.write(_describe(letter) + "\n")
            if again:
                await redrive(bus.context, letter)


def _describe(letter: DeadLetter) -> str:
    return json.dumps(
        {
            "sequence": letter.sequence,
            "subject": letter.subject,
            "consumer": letter.consumer,
            "reason": letter.reason,
        }
    )
