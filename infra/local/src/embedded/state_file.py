"""What is written down about a running stack: stack.json, and the lock beside it."""

import contextlib
import fcntl
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from embedded import procfs

STACK_FILE = "stack.json"
LOCK_FILE = "lock"


class AlreadyRunning(Exception):
    """Another stack runs on this state; the message says which."""


@contextlib.contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Hold the state for one stack. The kernel lets go when the holder ends, however
    it ends. Raises AlreadyRunning."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / LOCK_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_who_runs(state_dir)) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _who_runs(state_dir: Path) -> str:
    try:
        pid = (state_dir / LOCK_FILE).read_text().strip()
    except OSError:
        pid = ""
    stack = read(state_dir) or {}
    where = f" at {stack['gateway']}" if stack.get("gateway") else ""
    process = f" (process {pid})" if pid else ""
    return (
        f"The stack is already running{where}{process}.\n"
        "Stop it with Ctrl-C in its terminal, or run a second one beside it: "
        "STATE_DIR=.local-2 make up PORT=8081"
    )


def read(state_dir: Path) -> dict[str, Any] | None:
    """What stack.json says, or None when there is none to read."""
    try:
        content = json.loads((state_dir / STACK_FILE).read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_atomically(path: Path, text: str, *, mode: int = 0o600) -> None:
    """A reader sees the old text or the new, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(temporary, mode)
    os.replace(temporary, path)


class StackFile:
    """stack.json, rewritten whenever a process starts or becomes ready."""

    def __init__(self, state_dir: Path, addresses: Mapping[str, Any]) -> None:
        self._path = state_dir / STACK_FILE
        self._content: dict[str, Any] = {
            **addresses,
            "ready": False,
            "pid": os.getpid(),
            "services": {},
        }

    def started(self, name: str, url: str, pid: int) -> None:
        found = procfs.identity(pid)
        before = self._content["services"].get(name)
        self._content["services"][name] = {
            "url": url,
            "pid": pid,
            "ready": False,
            "restarts": before["restarts"] + 1 if before else 0,
            "started": found.started if found else None,
            "executable": found.executable if found else None,
        }
        self.write()

    def service_ready(self, name: str, *, ready: bool) -> None:
        self._content["services"][name]["ready"] = ready
        self.write()

    def all_ready(self) -> None:
        self._content["ready"] = True
        self.write()

    def write(self) -> None:
        write_atomically(self._path, json.dumps(self._content, indent=2) + "\n")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def end_leftovers(state_dir: Path) -> list[str]:
    """End what a stack that was itself killed left running, and name it.

    Only what is certainly ours: the pid recorded in stack.json with the same start
    time and program, or a process of the session it began, with the same program.
    Call it only while holding the lock.
    """
    stack = read(state_dir) or {}
    ended = []
    for name, entry in dict(stack.get("services", {})).items():
        for pid in _ours(entry):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                ended.append(f"{name} (process {pid})")
    return ended


def _ours(entry: Mapping[str, Any]) -> list[int]:
    pid, program = entry.get("pid"), entry.get("executable")
    if not isinstance(pid, int) or not program:
        return []
    leader = procfs.identity(pid)
    if leader is not None and leader.started != entry.get("started"):
        return []
    # With its leader gone, a session's number could have been used again; then only
    # a program of this very installation (an NGINX worker) is certainly ours.
    if leader is None and not program.startswith(sys.prefix):
        return []
    members = procfs.session_members(pid)
    return [member.pid for member in members if member.executable == program]
