"""python -m embedded service NAME …: a service's own command, with its settings.

python -m embedded service orders dead-letters
python -m embedded service orders dead-letters --redrive
python -m embedded service tickets replay --since 2026-11-01T00:00Z
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded import state_file
from embedded.process import python_module
from embedded.settings import SQL_SERVICES, default_state_dir

NAMES = ("auth", *SQL_SERVICES, "expiration")


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command against the running stack; its exit code, or 2 if none runs."""
    parser = argparse.ArgumentParser(
        prog="python -m embedded service",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state-dir", type=Path, default=default_state_dir())
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("say which command, such as: dead-letters")
    stack = state_file.read(options.state_dir)
    if stack is None:
        print("No stack is running; start one with: make up", file=sys.stderr)
        return 2
    settings = _settings(options.name, stack, options.state_dir / "secrets")
    return subprocess.call(  # noqa: S603 - a module of our own
        python_module(options.name, *options.command), env={**os.environ, **settings}
    )


def _settings(name: str, stack: Mapping[str, Any], secrets: Path) -> dict[str, str]:
    """What the command needs of what the running service was told."""
    auth = stack["services"]["auth"]["url"]
    settings = {
        "NATS_URL": stack["nats"],
        "JWKS_URL": f"{auth}/api/users/.well-known/jwks.json",
        "LOG_LEVEL": "warning",
    }
    if name in stack["databases"]:
        settings["DATABASE_URL"] = stack["databases"][name]
    if name == "auth":
        settings["MONGO_URL"] = stack["mongo"]
        settings["JWT_SIGNING_KEYS"] = str(secrets / "jwt-signing-keys.pem")
    if name == "payments":
        settings["STRIPE_SECRET_KEY"] = "unused"  # noqa: S105 - these commands pay nothing
        settings["STRIPE_WEBHOOK_SECRETS"] = "unused"
    return settings
