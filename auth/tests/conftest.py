"""A real MongoDB-speaking server for the session, a fresh database for each test."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pymongo import MongoClient

from auth.main import create_app
from auth.mongo import Document, Mongo
from auth.settings import Settings
from common.ids import new_id

GOOD_PASSWORD = "violet kettle under snow"
_START_SECONDS = 30.0

MakeSettings = Callable[..., Settings]


class App:
    """A running replica of auth, and clients at addresses of their own."""

    def __init__(self, app: Any, stack: AsyncExitStack, state: Any) -> None:
        self._app = app
        self._stack = stack
        self.state = state

    async def client(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """Return a browser of somebody at ``address``, with its own cookies."""
        transport = httpx.ASGITransport(self._app, client=(address, 40_000))
        client = httpx.AsyncClient(transport=transport, base_url="http://auth.test")
        return await self._stack.enter_async_context(client)


StartApp = Callable[..., Awaitable[App]]


def private_pem(key: Ed25519PrivateKey) -> str:
    """Return the key as JWT_SIGNING_KEYS holds it."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name) or name


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private server that speaks the protocol of MongoDB."""
    port, folder = free_port(), tmp_path_factory.mktemp("mongo")
    url = f"mongodb://127.0.0.1:{port}/"
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the server of the embedded stack
            [
                _program("secantusd-py"), "--port", str(port),
                "--storage-path", str(folder / "data"), "--log-level", "WARNING",
            ],
            stdout=output,
            stderr=output,
        )  # fmt: skip
    try:
        with MongoClient[Document](url, serverSelectionTimeoutMS=30_000) as client:
            client.admin.command("ping")
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private NATS server with JetStream."""
    port, folder = free_port(), tmp_path_factory.mktemp("nats")
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the server of the embedded stack
            [
                _program("nats-server"), "-js", "-a", "127.0.0.1",
                "-p", str(port), "-sd", str(folder / "data"),
            ],
            stdout=output,
            stderr=output,
        )  # fmt: skip
    try:
        _await_port(port)
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("nats-server did not start")


@pytest.fixture(scope="session")
def signing_key() -> Ed25519PrivateKey:
    """The key that the replicas of a test sign with."""
    return Ed25519PrivateKey.generate()


@pytest.fixture
def make_settings(mongo_url: str, signing_key: Ed25519PrivateKey) -> MakeSettings:
    """Settings on a database of this test's own; hashing made cheap."""
    defaults: dict[str, Any] = {
        "mongo_url": mongo_url,
        "mongo_database": f"auth_{new_id().replace('-', '')}",
        "jwt_signing_keys": private_pem(signing_key),
        "cookie_secure": False,
        "nats_url": f"nats://127.0.0.1:{free_port()}",
        "password_memory_kib": 1024,
    }

    def make(**overrides: Any) -> Settings:
        return Settings(**(defaults | overrides))

    return make


@pytest_asyncio.fixture
async def start_app(make_settings: MakeSettings) -> AsyncIterator[StartApp]:
    """Starts replicas with given settings; all share the database of the test."""
    async with AsyncExitStack() as stack:

        async def start(*, prepared: bool = True, **overrides: Any) -> App:
            app = create_app(make_settings(**overrides))
            manager = await stack.enter_async_context(
                LifespanManager(app, startup_timeout=10, shutdown_timeout=20)
            )
            state: Any = manager._state
            if prepared:
                await state["accounts"].mongo.wait_prepared()
            return App(manager.app, stack, state)

        yield start


@pytest_asyncio.fixture
async def app(start_app: StartApp) -> App:
    """One running replica."""
    return await start_app()


@pytest_asyncio.fixture
async def client(app: App) -> httpx.AsyncClient:
    """A browser."""
    return await app.client()


@pytest.fixture
def credentials() -> dict[str, str]:
    """Who signs up, if it does not matter who."""
    return {"email": "ada@example.com", "password": GOOD_PASSWORD}


@pytest_asyncio.fixture
async def signed_up(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> httpx.AsyncClient:
    """A browser in which somebody has just signed up."""
    answer = await client.post("/api/users/signup", json=credentials)
    assert answer.status_code == 201, answer.text
    return client


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> str:
    """Each driver in turn."""
    name: str = request.param
    return name


@asynccontextmanager
async def prepared_mongo(settings: Settings) -> AsyncIterator[Mongo]:
    """Lend a connection of its own."""
    mongo = Mongo(settings)
    try:
        await mongo.prepare()
        yield mongo
    finally:
        await mongo.close()


@pytest_asyncio.fixture
async def mongo(driver: str, make_settings: MakeSettings) -> AsyncIterator[Mongo]:
    """A prepared connection through each driver in turn."""
    async with prepared_mongo(make_settings(mongo_driver=driver)) as connection:
        yield connection
