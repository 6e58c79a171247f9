"""Starting stand-ins from a test, and looking at what becomes of them."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded import procfs, state_file

PATIENCE_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.02


class WaitedInVain(Exception):
    """Something that a test waits for did not happen; the message says what."""


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds. Raises WaitedInVain."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            # The condition is about other processes, which set no event of ours.
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise WaitedInVain(what) from None


def all_gone(pids: list[int]) -> bool:
    """Whether none of these processes is alive."""
    return all(procfs.identity(pid) is None for pid in pids)


@dataclass
class StandinStack:
    """The supervisor, run on stand-ins as a process of its own."""

    state_dir: Path
    output: Path
    process: asyncio.subprocess.Process

    @property
    def file(self) -> dict[str, Any]:
        return state_file.read(self.state_dir) or {}

    def service(self, name: str) -> dict[str, Any]:
        return dict(self.file["services"][name])

    def pids(self) -> list[int]:
        return [entry["pid"] for entry in self.file.get("services", {}).values()]

    def said(self) -> str:
        return self.output.read_text()

    async def ready(self) -> "StandinStack":
        def is_ready() -> bool:
            ours = self.file.get("pid") == self.process.pid
            return ours and bool(self.file.get("ready"))

        await until(is_ready, f"a ready stack; it said {self.said()}")
        return self

    async def restarted(self, name: str, old_pid: int) -> dict[str, Any]:
        def is_back() -> bool:
            entry = self.service(name)
            return entry["pid"] != old_pid and bool(entry["ready"])

        await until(is_back, f"{name} to be back; it said {self.said()}")
        return self.service(name)

    async def end(self, number: signal.Signals = signal.SIGINT) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)


class StandinStacks:
    """Starts stand-in stacks on one state, and ends those that a test left."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._started: list[StandinStack] = []

    async def start(self, parts: list[dict[str, object]]) -> StandinStack:
        output = self.state_dir.parent / f"output-{len(self._started)}.log"
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "embedded.testing.standin_stack"),
                str(self.state_dir),
                json.dumps(parts),
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
            )
        stack = StandinStack(self.state_dir, output, process)
        self._started.append(stack)
        return stack

    async def end_all(self) -> None:
        for stack in self._started:
            if stack.process.returncode is None:
                await stack.end(signal.SIGTERM)


@dataclass
class StandinService:
    """One stand-in service, run without a supervisor."""

    name: str
    port: int
    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, name: str, port: int) -> "StandinService":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "embedded.testing.standin_service", name, str(port)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        return cls(name, port, process)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
