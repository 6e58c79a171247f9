"""What of the stack runs, process by process."""

import sys
from pathlib import Path
from typing import Any

from embedded import procfs, state_file
from embedded.rendering import GREEN, RED, RESET, wants_colour


def status(state_dir: Path) -> int:
    """Print it; 0 when everything runs and serves, 1 when not, 3 when nothing does."""
    stack = state_file.read(state_dir)
    if stack is None or not is_alive(stack.get("pid")):
        print(f"The stack is not running (no live process is named in {state_dir}).")
        return 3
    print(f"{stack['gateway']}  (process {stack['pid']})")
    colour = wants_colour(sys.stdout)
    states = {name: _state(entry) for name, entry in stack["services"].items()}
    for name, entry in stack["services"].items():
        print(_row(name, entry, states[name], colour=colour))
    return 0 if all(state == "serves" for state in states.values()) else 1


def is_alive(pid: object) -> bool:
    return isinstance(pid, int) and procfs.identity(pid) is not None


def _state(entry: dict[str, Any]) -> str:
    found = procfs.identity(entry["pid"])
    if found is None or found.started != entry["started"]:
        return "is not running"
    return "serves" if entry["ready"] else "is starting"


def _row(name: str, entry: dict[str, Any], state: str, *, colour: bool) -> str:
    shown = state
    if colour:
        shown = f"{GREEN if state == 'serves' else RED}{state}{RESET}"
    restarts = entry["restarts"]
    times = "once" if restarts == 1 else f"{restarts} times"
    again = f"  restarted {times}" if restarts else ""
    return f"  {name:<11} {shown}  pid {entry['pid']:<8} {entry['url']}{again}"
