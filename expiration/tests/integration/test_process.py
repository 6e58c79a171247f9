"""`python -m expiration` as a process."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process

import httpx
import pytest

pytestmark = pytest.mark.asyncio


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _ready(process: Process, url: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=url) as client:
        while process.returncode is None:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # It does not listen yet.
            await asyncio.sleep(0.1)
    raise RuntimeError("the process ended")


async def test_it_serves_until_sigterm_and_logs_json(
    redis_url: str, empty_nats: str
) -> None:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "expiration",
        env={**os.environ, "PORT": str(port), "REDIS_URL": redis_url,
             "NATS_URL": empty_nats},
        stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    await _ready(process, f"http://127.0.0.1:{port}")
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    entries = [json.loads(line) for line in out.splitlines()]
    assert {entry["service"] for entry in entries} == {"expiration"}
    assert [e for e in entries if e["level"] in {"error", "critical"}] == []
    assert err == b""
    assert process.returncode in {0, -signal.SIGTERM}
