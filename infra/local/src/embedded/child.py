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
CHUNK_BYTES = 64 * 1024
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


async def spawn(
    argv: tuple[str, ...], process: Process, environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Start a command in a session of its own, so that the terminal's Ctrl-C reaches
    only the supervisor, and so that all it leaves behind can be found and ended."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=CHUNK_BYTES,
        env={**environment, **process.env},
        cwd=process.cwd,
        start_new_session=True,
        preexec_fn=_dies_with(os.getpid(), process.orphan_signal),
    )


async def pump(running: asyncio.subprocess.Process, output: Output) -> None:
    """Carry a process's output until it closes; without a byte there is no work."""
    stream = running.stdout
    while stream is not None and (chunk := await stream.read(CHUNK_BYTES)):
        output.feed(chunk)
    output.end()


async def prepare(
    process: Process, output: Output, environment: Mapping[str, str]
) -> None:
    """Run the commands a process needs done first, one after the other."""
    for argv in process.prepare:
        running = await spawn(argv, process, environment)
        try:
            await pump(running, output)
            code = await running.wait()
        except asyncio.CancelledError:
            kill_session(running.pid)
            await running.wait()
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
