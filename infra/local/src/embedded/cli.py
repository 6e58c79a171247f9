"""python -m embedded up | status | check | clean | demo | reconcile | service"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded.settings import DEFAULT_PORT, StackSettings, default_state_dir

_ELSEWHERE = {
    "demo": "demo",
    "reconcile": "reconcile",
    "service": "service_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in _ELSEWHERE:
        return _elsewhere(_ELSEWHERE[given[0]], given[1:])
    options = _parser().parse_args(given)
    return _COMMANDS[options.command](options)


def _elsewhere(name: str, arguments: list[str]) -> int:
    """Commands that take their own options, loaded only when they are asked for."""
    module = importlib.import_module(f"embedded.{name}")
    return int(module.main(arguments) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    state = argparse.ArgumentParser(add_help=False)
    state.add_argument(
        "--state-dir",
        type=Path,
        default=default_state_dir(),
        help="where data, logs and secrets are kept (STATE_DIR; default .local)",
    )
    up = commands.add_parser("up", parents=[state], help="run the whole stack")
    _add_port(up)
    up.add_argument("--no-demo", action="store_true", help="make no demo listings")
    up.add_argument(
        "--warnings-only",
        action="store_true",
        help="show only warnings and errors of the services; the raw logs keep all",
    )
    commands.add_parser("status", parents=[state], help="say what runs")
    check = commands.add_parser(
        "check", parents=[state], help="say whether the stack could run here"
    )
    _add_port(check)
    commands.add_parser(
        "clean", parents=[state], help="forget all data, logs and secrets"
    )
    commands.add_parser("demo", help="tell one purchase, step by step")
    commands.add_parser("reconcile", help="check that the books agree")
    commands.add_parser("service", help="a service's own command, such as replay")
    return parser


def _add_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_port,
        default=os.environ.get("PORT") or str(DEFAULT_PORT),
        help=f"the gateway's port (PORT; default {DEFAULT_PORT}; 0 chooses one)",
    )


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number")
    return int(text)


def _up(options: argparse.Namespace) -> int:
    from embedded.stack import up  # noqa: PLC0415

    return up(
        StackSettings(
            state_dir=options.state_dir.absolute(),
            port=options.port,
            demo=not options.no_demo,
            warnings_only=options.warnings_only,
            environment=dict(os.environ),
        )
    )


def _status(options: argparse.Namespace) -> int:
    from embedded.status import status  # noqa: PLC0415

    return status(options.state_dir.absolute())


def _check(options: argparse.Namespace) -> int:
    from embedded.doctor import check  # noqa: PLC0415

    return check(options.port)


def _clean(options: argparse.Namespace) -> int:
    from embedded.clean import clean  # noqa: PLC0415

    return clean(options.state_dir.absolute())


_COMMANDS = {"up": _up, "status": _status, "check": _check, "clean": _clean}
