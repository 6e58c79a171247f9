"""Starting a whole stack in a test, and doing it harm.

async with running_stack(tmp_path) as stack:
    await httpx.AsyncClient().get(f"{stack.gateway}/api/tickets")
    stack.kill("payments")
    await stack.wait_ready()
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded import procfs, state_file
from embedded.settings import ROOT

READY_SECONDS = 180.0
STOP_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.05
OUTPUT_FILE = "stack-output.log"


class StackNotReady(Exception):
    """The stack ended or did not become ready; the message shows its output."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process as stack.json tells of it now."""

    name: str
    url: str
    pid: int
    ready: bool
    restarts: int


@dataclass(slots=True)
class RunningStack:
    """A stack that runs as a process of its own, as a person would start it.

    Addresses stay the same while it runs, also of a process that was killed and came
    back; `restart` may change them.
    """

    state_dir: Path
    environment: dict[str, str]
    options: tuple[str, ...]
    # Processes that were killed, by the pid that must not be taken for a new one.
    _killed: dict[str, int] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None

    @property
    def description(self) -> dict[str, Any]:
        """All of stack.json, read now; empty while this run has written none."""
        found = state_file.read(self.state_dir) or {}
        ours = self._process is not None and found.get("pid") == self._process.pid
        return found if ours else {}

    @property
    def gateway(self) -> str:
        return str(self.description["gateway"])

    @property
    def stripe(self) -> str:
        return str(self.description["stripe"])

    @property
    def nats(self) -> str:
        return str(self.description["nats"])

    @property
    def redis(self) -> str:
        return str(self.description["redis"])

    @property
    def mongo(self) -> str:
        return str(self.description["mongo"])

    @property
    def databases(self) -> dict[str, str]:
        return dict(self.description["databases"])

    @property
    def services(self) -> dict[str, Service]:
        """Every process, data servers and the gateway included."""
        found = self.description.get("services", {})
        return {
            name: Service(
                name, entry["url"], entry["pid"], entry["ready"], entry["restarts"]
            )
            for name, entry in found.items()
        }

    def url(self, name: str) -> str:
        return self.services[name].url

    def pid(self, name: str) -> int:
        return self.services[name].pid

    @property
    def supervisor_pid(self) -> int:
        if self._process is None:
            raise StackNotReady("the stack was not started")
        return self._process.pid

    def log(self, name: str) -> str:
        """The raw log of one process, over all its restarts."""
        return (self.state_dir / "logs" / f"{name}.log").read_text(errors="replace")

    def output(self) -> str:
        """What the supervisor has printed."""
        path = self.state_dir / OUTPUT_FILE
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process (SIGSTOP and SIGCONT make it hang and go on).

        After SIGKILL or SIGTERM, wait_ready waits for the process that replaces it.
        Answers the pid that was signalled.
        """
        pid = self.pid(name)
        os.kill(pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._killed[name] = pid
        return pid

    async def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every process runs and serves. Raises StackNotReady."""
        try:
            async with asyncio.timeout(seconds):
                while not self._all_ready():
                    self._require_running()
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except TimeoutError:
            raise StackNotReady(
                f"not ready after {seconds:.0f} s: {self.services}\n{self.output()}"
            ) from None
        self._killed.clear()

    def _all_ready(self) -> bool:
        if not self.description.get("ready"):
            return False
        return all(
            service.ready
            and service.pid != self._killed.get(name)
            and procfs.identity(service.pid) is not None
            for name, service in self.services.items()
        )

    def _require_running(self) -> None:
        if self._process is None or self._process.returncode is not None:
            raise StackNotReady(f"the stack ended:\n{self.output()}")

    async def start(self) -> None:
        """Start it; wait_ready tells when it serves."""
        self._killed.clear()
        self.state_dir.mkdir(parents=True, exist_ok=True)
        command = ("-m", "embedded", "up", "--state-dir", str(self.state_dir))
        with (self.state_dir / OUTPUT_FILE).open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                *self.options,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=self.environment,
                cwd=ROOT,
            )

    async def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Stop it as Ctrl-C would and wait; its exit code."""
        return await self._end(signal.SIGINT, seconds)

    async def kill_everything(self) -> None:
        """Kill every process at once, as a power cut would; start() may follow."""
        pids = [service.pid for service in self.services.values()]
        for pid in (self.supervisor_pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._end(signal.SIGKILL, STOP_SECONDS)

    async def restart(self) -> None:
        """Stop it and start it again on the same state, and wait until it serves."""
        await self.stop()
        await self.start()
        await self.wait_ready()

    async def _end(self, number: signal.Signals, seconds: float) -> int:
        running = self._process
        if running is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(number)
        try:
            return await asyncio.wait_for(running.wait(), seconds)
        except TimeoutError:
            # Its children go with it: the kernel ends them.
            running.kill()
            await running.wait()
            raise StackNotReady(f"it did not stop:\n{self.output()}") from None


@contextlib.asynccontextmanager
async def running_stack(
    state_dir: Path,
    *,
    env: Mapping[str, str] | None = None,
    demo: bool = False,
    port: int = 0,
    ready_seconds: float = READY_SECONDS,
) -> AsyncIterator[RunningStack]:
    """A whole stack on free ports, its state in `state_dir` (an absolute path), until
    the block ends.

    `env` is set over this process's environment: ORDER_WINDOW_SECONDS, a database
    URL, or any setting of a service. Raises StackNotReady with the stack's output.
    """
    options = ("--port", str(port), *(() if demo else ("--no-demo",)))
    stack = RunningStack(state_dir, {**os.environ, **(env or {})}, options)
    try:
        await stack.start()
        await stack.wait_ready(ready_seconds)
        yield stack
    finally:
        await stack.stop()
