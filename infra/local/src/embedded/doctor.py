"""Saying in plain words whether the stack could run on this machine."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from functools import partial

from embedded import ports
from embedded.addresses import SERVICES
from embedded.ingress import UnsupportedIngress, read_routes
from embedded.programs import MissingProgram, nginx_program, script, valkey_program
from embedded.settings import INGRESS

OLDEST_PYTHON = (3, 11)


def check(port: int) -> int:
    """Print each finding; 0 when nothing stands in the way."""
    problems = [problem for problem in _problems(port) if problem]
    for problem in problems:
        print(f"- {problem}")
    if not problems:
        print("Nothing stands in the way: make up")
    return 1 if problems else 0


def _problems(port: int) -> Iterator[str | None]:
    if sys.version_info < OLDEST_PYTHON:
        yield f"Python {sys.version.split()[0]} is too old; 3.11 or newer is needed."
    for name in ("nats-server", "secantusd-py"):
        yield _refusal(partial(script, name))
    yield _refusal(valkey_program)
    yield _refusal(nginx_program)
    yield _refusal(lambda: read_routes(INGRESS))
    yield _refusal(lambda: ports.require_free(port, ports.gateway_hosts()))
    missing = [name for name in SERVICES if importlib.util.find_spec(name) is None]
    if missing:
        yield f"Not installed: {', '.join(missing)}. Run: make venv"


def _refusal(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except (
        MissingProgram,
        UnsupportedIngress,
        ports.PortTaken,
        OSError,
        RuntimeError,
    ) as problem:
        return str(problem)
    return None
