"""Running a list of processes until someone asks to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from embedded.child import PreparationFailed
from embedded.output import Terminal
from embedded.process import Process
from embedded.settings import StackSettings
from embedded.state_file import StackFile
from embedded.supervisor import StartFailed, Supervisor

WhenStarted = Callable[[], Awaitable[None]]


class NotServing(Exception):
    """Every process runs, but the whole does not answer as it should."""


START_PROBLEMS = (StartFailed, PreparationFailed, NotServing)


class Asked:
    """Ctrl-C, SIGTERM or a closed terminal: the first asks to stop, the next kills."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self.to_stop = asyncio.Event()
        self._kill = kill

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self.to_stop.is_set():
            self._kill()
        self.to_stop.set()


async def run(
    processes: Sequence[Process],
    *,
    settings: StackSettings,
    stack_file: StackFile,
    terminal: Terminal,
    when_started: WhenStarted,
) -> int:
    """Start them, watch them, and stop them when asked; the exit code."""
    supervisor = Supervisor(
        processes,
        stack_file=stack_file,
        logs=settings.state_dir / "logs",
        terminal=terminal,
        environment=settings.child_environment(),
        warnings_only=settings.warnings_only,
    )
    asked = Asked(supervisor.kill)
    asked.listen()

    async def start() -> None:
        await supervisor.start()
        await when_started()
        stack_file.all_ready()

    try:
        return await _until_asked(asked, start, terminal)
    finally:
        terminal.say("stopping (once more Ctrl-C kills at once)")
        asked.to_stop.set()
        await supervisor.stop()
        stack_file.remove()
        terminal.say("stopped")


async def _until_asked(asked: Asked, start: WhenStarted, terminal: Terminal) -> int:
    starting = asyncio.ensure_future(start())
    asking = asyncio.ensure_future(asked.to_stop.wait())
    await asyncio.wait({starting, asking}, return_when=asyncio.FIRST_COMPLETED)
    if asking.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 0
    try:
        starting.result()
    except START_PROBLEMS as problem:
        asking.cancel()
        terminal.say(str(problem), "ERROR")
        return 1
    await asking
    return 0
