"""A tiny service for the tests of the embedded stack.

It answers every path with what it was sent, logs JSON lines as the services do, and
ends on SIGTERM. Run: python -m embedded.testing.standin_service NAME PORT, with
--ends-at-once, --stubborn (SIGTERM does nothing) or --with-child (which holds its
output open, as a worker does) for one that misbehaves.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime

counter = 0


def log(service: str, message: str, level: str = "info") -> None:
    now = datetime.now(UTC).isoformat()
    record = {"ts": now, "level": level, "service": service, "msg": message}
    print(json.dumps(record), flush=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *rows = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (row.split(": ", 1) for row in rows if row)
    headers = {name.lower(): value for name, value in pairs}
    await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target, headers


def answer(name: str, method: str, target: str, headers: dict[str, str]) -> bytes:
    """The request as JSON; ?cache=…, ?cookie=… and ?status=… shape the answer."""
    global counter  # noqa: PLW0603 The whole point is to count across requests.
    counter += 1
    body = json.dumps(
        {
            "service": name,
            "method": method,
            "target": target,
            "headers": headers,
            "count": counter,
        }
    )
    query = dict(
        pair.split("=", 1) for pair in target.partition("?")[2].split("&") if pair
    )
    extra = ""
    if "cache" in query:
        extra += f"Cache-Control: {query['cache'].replace('+', ' ')}\r\n"
    if "cookie" in query:
        extra += f"Set-Cookie: session={query['cookie']}\r\n"
    return (
        f"HTTP/1.1 {query.get('answer', '200')} Whatever\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Request-ID: upstream\r\n{extra}\r\n{body}"
    ).encode()


async def serve(name: str, port: int) -> None:
    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                request = await read_request(reader)
                writer.write(answer(name, *request))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    listen = (lambda: None) if "--stubborn" in sys.argv else stop.set
    loop.add_signal_handler(signal.SIGTERM, listen)
    server = await asyncio.start_server(handle, "127.0.0.1", port)
    if "--with-child" in sys.argv:
        await asyncio.create_subprocess_exec("/bin/sleep", "1000")
    log(name, f"serving as {os.getpid()}")
    async with server:
        await stop.wait()
    log(name, "bye")


if __name__ == "__main__":
    if "--ends-at-once" in sys.argv:
        log(sys.argv[1], "the database is made of cheese", "error")
        sys.exit(7)
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
