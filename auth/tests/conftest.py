"""A real MongoDB-speaking server for the session, a fresh database for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from auth.main import create_app
from auth.mongo import Mongo
from auth.service import Accounts
from auth.settings import Settings
from common.ids import new_id
from common.testing.asgi import RunningApp, running_app
from common.testing.mongo import MongoServer, running_mongo

GOOD_PASSWORD = "violet kettle under snow"
NOTHING_LISTENS = "nats://127.0.0.1:1"

MakeSettings = Callable[..., Settings]
StartApp = Callable[..., Awaitable[RunningApp]]


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the session's server."""
    with running_mongo(tmp_path_factory.mktemp("mongo")) as server:
        yield server.url


@pytest.fixture
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that this test alone uses and may kill."""
    with running_mongo(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture(scope="session")
def private_pem() -> Callable[[Ed25519PrivateKey], str]:
    """Writes a key as JWT_SIGNING_KEYS holds it."""

    def write(key: Ed25519PrivateKey) -> str:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()

    return write


@pytest.fixture(scope="session")
def signing_key() -> Ed25519PrivateKey:
    """The key with which the replicas of a test sign."""
    return Ed25519PrivateKey.generate()


@pytest.fixture
def make_settings(
    mongo_url: str,
    signing_key: Ed25519PrivateKey,
    private_pem: Callable[[Ed25519PrivateKey], str],
) -> MakeSettings:
    """Settings on a database of this test's own; hashing made cheap, NATS away."""
    defaults: dict[str, Any] = {
        "mongo_url": mongo_url,
        "mongo_database": f"auth_{new_id().replace('-', '')}",
        "jwt_signing_keys": private_pem(signing_key),
        "cookie_secure": False,
        "nats_url": NOTHING_LISTENS,
        "password_memory_kib": 1024,
    }

    def make(**overrides: object) -> Settings:
        return Settings(**(defaults | overrides))

    return make


@pytest_asyncio.fixture
async def start_app(make_settings: MakeSettings) -> AsyncIterator[StartApp]:
    """Starts replicas with given settings; all share the database of the test."""
    async with AsyncExitStack() as stack:

        async def start(*, prepared: bool = True, **overrides: object) -> RunningApp:
            app = create_app(make_settings(**overrides))
            running = await stack.enter_async_context(running_app(app))
            if prepared:
                await running.state["accounts"].mongo.wait_prepared()
            return running

        yield start


@pytest_asyncio.fixture
async def app(start_app: StartApp) -> RunningApp:
    """One running replica."""
    return await start_app()


@pytest.fixture
def accounts(app: RunningApp) -> Accounts:
    """The use cases inside of that replica."""
    found: Accounts = app.state["accounts"]
    return found


@pytest_asyncio.fixture
async def client(app: RunningApp) -> httpx.AsyncClient:
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


@pytest_asyncio.fixture(params=["motor", "pymongo"])
async def mongo(
    request: pytest.FixtureRequest, make_settings: MakeSettings
) -> AsyncIterator[Mongo]:
    """A prepared connection, through each driver in turn."""
    connection = Mongo(make_settings(mongo_driver=request.param))
    try:
        await connection.prepare()
        yield connection
    finally:
        await connection.close()
