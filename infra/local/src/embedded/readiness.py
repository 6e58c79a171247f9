"""Asking a process whether it is ready to serve, over the protocol it speaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

ANSWER_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.03
LONGEST_PAUSE_SECONDS = 0.3


class Probe(Protocol):
    async def problem(self) -> str | None:
        """None when the process serves; otherwise what is wrong, in plain words."""


@contextlib.asynccontextmanager
async def _connected(
    host: str, port: int
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Says something, if anything, and waits for the server's known first bytes."""

    port: int
    say: bytes = b""
    expect: bytes = b""
    host: str = "127.0.0.1"

    async def problem(self) -> str | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._converse()
        except (OSError, TimeoutError, EOFError) as error:
            return f"port {self.port} does not answer ({type(error).__name__})"
        if answer != self.expect:
            return f"port {self.port} answers {answer!r}"
        return None

    async def _converse(self) -> bytes:
        async with _connected(self.host, self.port) as (reader, writer):
            writer.write(self.say)
            await writer.drain()
            return await reader.readexactly(len(self.expect))


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Ready when GET answers a status below the limit (300: only success)."""

    url: str
    below: int = 300

    async def problem(self) -> str | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await self._status()
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            return f"{self.url} does not answer ({type(error).__name__})"
        return None if 200 <= status < self.below else f"{self.url} answers {status}"

    async def _status(self) -> int:
        target = urlsplit(self.url)
        host, port = target.hostname or "127.0.0.1", target.port or 80
        request = (
            f"GET {target.path or '/'} HTTP/1.1\r\nHost: {target.netloc}\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        )
        async with _connected(host, port) as (reader, writer):
            writer.write(request.encode())
            await writer.drain()
            status_line = await reader.readline()
        return int(status_line.split()[1])


async def until_ready(probe: Probe, *, seconds: float) -> str | None:
    """Ask again and again; None once ready, else the last problem at the deadline."""
    problem: str | None = "was not asked"
    pause = FIRST_PAUSE_SECONDS
    try:
        async with asyncio.timeout(seconds):
            while (problem := await probe.problem()) is not None:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    except TimeoutError:
        return problem
    return None
