"""One process under watch: started again when it ends unasked, with a back-off."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

from embedded.child import Child, describe, kill_session, spawn
from embedded.output import Output, Terminal
from embedded.process import Process
from embedded.readiness import until_ready
from embedded.state_file import StackFile

READY_SECONDS = 120.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
# A process that served this long is healthy: its next crash counts as the first.
HEALTHY_SECONDS = 5.0
# From this many crashes in a row on, it is called a crash loop and its words shown.
LOOP_CRASHES = 3


class StartFailed(Exception):
    """A process never became ready; the message shows its last log lines."""


class Watch:
    def __init__(
        self,
        process: Process,
        *,
        output: Output,
        stack_file: StackFile,
        terminal: Terminal,
        environment: Mapping[str, str],
    ) -> None:
        self.process = process
        self.output = output
        self._stack_file = stack_file
        self._terminal = terminal
        self._environment = environment
        self._running: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._first_ready: asyncio.Future[None] | None = None
        self._crashes = 0

    def begin(self) -> None:
        self._first_ready = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_running())
        self._task.add_done_callback(self._watch_ended)

    def _watch_ended(self, task: asyncio.Task[None]) -> None:
        """The watch itself must not fail silently, for example on a missing program."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        message = f"{self.process.name} cannot be run: {error!r}"
        if not self._fail_start(message):
            self._terminal.say(message, "ERROR")

    async def first_ready(self) -> None:
        """Wait until it serves for the first time; raises StartFailed."""
        if self._first_ready is not None:
            await self._first_ready

    async def _keep_running(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            healthy = time.monotonic() - began > HEALTHY_SECONDS
            self._crashes = 1 if healthy else self._crashes + 1
            self._report_crash(code)
            if self._give_up(f"{self.process.name} ended with {describe(code)}"):
                return
            await self._pause()

    async def _run_once(self) -> int:
        """Start it, see it become ready, and wait until it ends."""
        name = self.process.name
        child = await spawn(
            self.process.argv, self.process, self.output, self._environment
        )
        self._running = child
        self._stack_file.started(name, self.process.url, child.pid)
        if self._stopping.is_set():
            self._ask_to_stop()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._become_ready())
            code = await child.wait()
            asking.cancel()
        self._running = None
        if not self._stopping.is_set():
            self._stack_file.service_ready(name, ready=False)
        return code

    async def _become_ready(self) -> None:
        problem = await until_ready(self.process.ready, seconds=READY_SECONDS)
        if self._stopping.is_set():
            return
        if problem is not None:
            self._never_ready(problem)
            return
        self._stack_file.service_ready(self.process.name, ready=True)
        if self._first_ready is not None and not self._first_ready.done():
            self._first_ready.set_result(None)
        elif self._crashes:
            self._terminal.say(f"{self.process.name} is back.")

    def _never_ready(self, problem: str) -> None:
        message = f"{self.process.name} is not ready: {problem}"
        self._terminal.say(message, "ERROR")
        self._fail_start(message)

    def _fail_start(self, message: str) -> bool:
        waiting = self._first_ready
        if waiting is None or waiting.done():
            return False
        shown = self.output.last_lines() or "(it printed nothing)"
        waiting.set_exception(StartFailed(f"{message}\n{shown}"))
        return True

    def _give_up(self, message: str) -> bool:
        """While the stack starts, a process that keeps ending is the end of it."""
        return self._crashes >= LOOP_CRASHES and self._fail_start(message)

    def _report_crash(self, code: int) -> None:
        again = f"starting it again in {self._pause_seconds():.1f} s"
        if self._crashes < LOOP_CRASHES:
            text = f"{self.process.name} ended with {describe(code)}; {again}."
        else:
            text = (
                f"{self.process.name} keeps ending ({self._crashes} times in a row, "
                f"now with {describe(code)}); {again}. Its last lines:\n"
                f"{self.output.last_lines()}"
            )
        self._terminal.say(text, "ERROR")

    def _pause_seconds(self) -> float:
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(self._crashes - 1, 10)
        return min(doubled, LONGEST_PAUSE_SECONDS)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause_seconds()):
                await self._stopping.wait()

    def stop_restarting(self) -> None:
        self._stopping.set()

    def _ask_to_stop(self) -> None:
        if self._running is not None:
            self._running.send(self.process.stop_signal)

    async def stop(self) -> None:
        """Ask it to end and wait; past its grace it is killed, and that is said."""
        self.stop_restarting()
        if self._task is None:
            return
        self._ask_to_stop()
        _, unfinished = await asyncio.wait(
            [self._task], timeout=self.process.grace_seconds
        )
        if unfinished:
            self._terminal.say(
                f"{self.process.name} did not stop within "
                f"{self.process.grace_seconds:.0f} s and was killed.",
                "WARNING",
            )
            self.kill()
        await asyncio.gather(self._task, return_exceptions=True)

    def kill(self) -> None:
        if self._running is not None:
            kill_session(self._running.pid)
