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

from common.bus import connected
from common.bus.dead_letters import CONSUMER, REASON, SEQUENCE, SUBJECT
from common.bus.streams import DEAD_LETTERS
from common.events import OrderCreated
from common.outbox import MESSAGE_ID

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


async def test_what_it_could_not_handle_is_listed_and_sent_again(
    empty_nats: str,
) -> None:
    consumer = "expiration-orders"
    parked = {
        MESSAGE_ID: "parked-1",
        SUBJECT: OrderCreated.subject,
        CONSUMER: consumer,
        REASON: json.dumps("does not fit"),
        SEQUENCE: "1",
    }
    streams = ["ORDERS", DEAD_LETTERS]
    async with connected(empty_nats, name="test", streams=streams) as bus:
        subject = f"dead.{consumer}.{OrderCreated.subject}"
        await bus.context.publish(subject, b"{}", headers=parked)
        listed = await _dead_letters(empty_nats)
        assert [(one["consumer"], one["reason"]) for one in listed] == [
            (consumer, "does not fit")
        ]
        assert await _dead_letters(empty_nats, "--redrive") == listed
        assert await _dead_letters(empty_nats) == []
        again = await bus.context.get_last_msg("ORDERS", OrderCreated.subject)
        assert again.data == b"{}"


async def _dead_letters(nats_url: str, *options: str) -> list[dict[str, object]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "expiration", "dead-letters", *options,
        env={**os.environ, "NATS_URL": nats_url, "LOG_LEVEL": "warning"},
        stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return [json.loads(line) for line in out.splitlines()]
