"""What one process of the stack is, as data; the supervisor runs a list of them."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from embedded.readiness import Probe


class Stage(IntEnum):
    """Processes start stage by stage and stop in the reverse order."""

    STORES = 0
    OUTSIDE = 1
    SERVICES = 2
    EDGE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    name: str
    argv: tuple[str, ...]
    url: str
    stage: Stage
    ready: Probe
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    # Commands that must succeed once before the first start, such as migrations.
    prepare: tuple[tuple[str, ...], ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 25.0
    # What the kernel sends when the supervisor itself is killed.
    orphan_signal: signal.Signals = signal.SIGKILL
    # A quiet process shows only its warnings and errors in the terminal.
    quiet: bool = False


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
