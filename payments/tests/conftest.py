"""What the tests of payments share: a database, a Stripe double, and a desk."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI

from common.background import background
from common.db import Database
from common.testing import FakeIdentity
from common.testing.http import signed_in
from common.testing.plugin import DatabaseUrlFactory
from common.testing.waiting import until
from common.web import create_service_app
from payments import api
from payments.models import Base
from payments.settings import Settings
from payments.testing import BUYER, Desk, desk
from payments.worker import Worker
from stripe_double.testing import Double, running_double

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
def migrations() -> Path:
    """Return the folder of the service's migrations."""
    return MIGRATIONS


@pytest.fixture
def database_url(database_url_factory: DatabaseUrlFactory) -> str:
    """Return the URL of a migrated database without rows, on each backend."""
    return database_url_factory("payments", MIGRATIONS, Base.metadata)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Lend that database."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def double() -> AsyncIterator[Double]:
    """Lend a Stripe double that this test alone uses; it sends no webhooks."""
    async with running_double() as running:
        yield running


@pytest.fixture
def make_settings(database_url: str, double: Double) -> Callable[..., Settings]:
    """Return a maker of settings for this test's database and double."""

    def make(**changes: object) -> Settings:
        values: dict[str, object] = {
            "database_url": database_url,
            "jwks_url": "http://127.0.0.1:9/jwks.json",
            "stripe_secret_key": double.secret_key,
            "stripe_webhook_secrets": double.webhook_secret,
            "stripe_api_base": double.url,
            "stripe_retries": 0,
            **changes,
        }
        return Settings.model_validate(values)

    return make


@pytest_asyncio.fixture
async def till_desk(
    database: Database, make_settings: Callable[..., Settings]
) -> AsyncIterator[Desk]:
    """Lend a desk: the service, worked by hand."""
    async with desk(database, make_settings()) as lent:
        yield lent


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve ``app`` on a loopback port; lend its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started or task.done())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def serve() -> Callable[[FastAPI], Any]:
    """Return an async context manager that serves an app on a socket."""
    return _serving


@pytest_asyncio.fixture
async def live_desk(
    database: Database,
    double: Double,
    identity: FakeIdentity,
    make_settings: Callable[..., Settings],
) -> AsyncIterator[Desk]:
    """Lend a desk whose worker runs and whose API Stripe's webhooks reach."""
    settings = make_settings(poll_first_seconds=1, poll_max_seconds=1)
    async with desk(database, settings) as lent:

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
            worker = Worker(database, lent.settler, lent.alarm, concurrency=8)
            async with background("worker", worker.run()):
                yield {
                    "pings": {},
                    "database": database,
                    "verifier": identity.verifier,
                    "till": lent.till,
                }

        app = create_service_app(
            title="Test", prefix=api.PREFIX, routers=[api.router], lifespan=lifespan
        )
        async with _serving(app) as url:
            lent.url = url
            await double.control.send_webhooks_to(f"{url}{api.PREFIX}/webhook")
            yield lent


@pytest_asyncio.fixture
async def client(
    live_desk: Desk, identity: FakeIdentity
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of the live desk's API, signed in as `BUYER`."""
    async with httpx.AsyncClient(
        base_url=live_desk.url, headers=signed_in(identity, BUYER), trust_env=False
    ) as client:
        yield client


@pytest.fixture
def headers_of(identity: FakeIdentity) -> Callable[[str], dict[str, str]]:
    """Return a function from a user's id to the headers of their browser."""
    return lambda user_id: signed_in(identity, user_id)
