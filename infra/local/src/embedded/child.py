"""Starting one process so that it can never outlive the stack."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping

from embedded.output import Output
from embedded.process import Process

PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec must not load anything.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class PreparationFailed(Exception):
    """A command that must succeed before a process starts did not."""


def _dies_with(parent: int, orphan_signal: int) -> Callable[[], None] | None:
    """What the child does between fork and exec: ask the kernel for a signal when
    the supervisor ends, and end at once when it has already ended."""
    libc = _LIBC
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


class Child(asyncio.SubprocessProtocol):
    """One started process. Its end is noticed at once, even when something that it
    started still holds its output open, as an NGINX worker does."""

    def __init__(self, output: Output) -> None:
        loop = asyncio.get_running_loop()
        self._output = output
        self._ended = loop.create_future()
        self._closed = loop.create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self.pid = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.SubprocessTransport):
            self._transport = transport
            self.pid = transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        self._output.feed(data if isinstance(data, bytes) else data.encode())

    def process_exited(self) -> None:
        if self._transport is not None and not self._ended.done():
            self._ended.set_result(self._transport.get_returncode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._output.end()
        if self._transport is not None:
            self._transport.close()
        if not self._closed.done():
            self._closed.set_result(None)

    async def wait(self) -> int:
        """Wait for its end; then end what it left behind, and read its last words."""
        code = await asyncio.shield(self._ended)
        kill_session(self.pid)
        await asyncio.shield(self._closed)
        return int(code)

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._transport is not None:
                self._transport.send_signal(number)


async def spawn(
    argv: tuple[str, ...],
    process: Process,
    output: Output,
    environment: Mapping[str, str],
) -> Child:
    """Start a command in a session of its own, so that the terminal's Ctrl-C reaches
    only the supervisor, and so that all it leaves behind can be found and ended."""
    _, child = await asyncio.get_running_loop().subprocess_exec(
        lambda: Child(output),
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**environment, **process.env},
        cwd=process.cwd,
        start_new_session=True,
        preexec_fn=_dies_with(os.getpid(), process.orphan_signal),
    )
    return child


async def prepare(
    process: Process, output: Output, environment: Mapping[str, str]
) -> None:
    """Run the commands a process needs done first, one after the other."""
    for argv in process.prepare:
        child = await spawn(argv, process, output, environment)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            kill_session(child.pid)
            await child.wait()
            raise
        if code != 0:
            command = " ".join(argv[1:])
            raise PreparationFailed(f"`python {command}` ended with {describe(code)}")


def kill_session(pid: int) -> None:
    """End the process and whatever it started; its group has its own number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def describe(code: int) -> str:
    """An exit code in plain words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
