"""The pytest plugin that every service's tests use; the root conftest loads it.

Servers are real, private, on loopback, and started when first asked for:

``nats_url`` (session)
    URL of a NATS server with JetStream on disk. Tests share it and its streams.
``empty_nats``
    The same URL, with every stream deleted before the test: what a test wants in
    which a service runs.
``nats_server``
    A `NatsServer` of the test's own, to ``kill()`` (SIGKILL) and ``start()`` again
    on the same port with the same store.
``mariadb`` (session)
    A `MariaDb`. Skips, with the reason, where no server is installed.
``sql_backend``
    "sqlite" and "mariadb" in turn: a test that reaches it runs once on each, the
    second time with the mark ``mariadb``. A test decorated with ``@on_mariadb``
    runs on that one alone, ``@on_sqlite`` on the other.
``database_url_factory``
    ``database_url_factory(service, migrations, *metadata) -> str``: the URL of a
    database of the present ``sql_backend``, migrated and without rows.
``blank_database_url``
    The URL of a database of the present ``sql_backend`` without any table, for tests
    of the migrations themselves (`common.testing.migrations`).
``database_factory``
    ``database_factory(service, migrations, *metadata)``: an async context manager
    that lends a `Database` at such a URL. Outbox and inbox are emptied too.
``identity``
    A `FakeIdentity`: signs tokens as auth does, and verifies them.

A service's conftest needs no more than this::

    MIGRATIONS = Path(__file__).parents[1] / "migrations"

    @pytest_asyncio.fixture
    async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
        async with database_factory("tickets", MIGRATIONS, metadata) as database:
            yield database

Migrations run once in a session and backend. SQLite tests get a copy of the
migrated file; MariaDB tests share one database, emptied before each.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import pytest
import pytest_asyncio
import structlog
from sqlalchemy import MetaData

from common.db import Database
from common.testing.databases import (
    MariaDb,
    MigratedDatabases,
    mariadb_server,
    running_mariadb,
    sqlite_url,
)
from common.testing.identity import FakeIdentity
from common.testing.nats import NatsServer, delete_streams, running_nats

_MARIADB: Final = pytest.param("mariadb", marks=pytest.mark.mariadb)

on_sqlite: Final = pytest.mark.parametrize("sql_backend", ["sqlite"], indirect=True)
"""For a test of what only SQLite does."""

on_mariadb: Final = pytest.mark.parametrize("sql_backend", [_MARIADB], indirect=True)
"""For a test of what only a database server does, such as two writers at once."""


class DatabaseUrlFactory(Protocol):
    """The type of the fixture `database_url_factory`."""

    def __call__(self, service: str, migrations: Path, *metadata: MetaData) -> str:
        """Return the URL of a migrated database without rows."""


class DatabaseFactory(Protocol):
    """The type of the fixture `database_factory`."""

    def __call__(
        self, service: str, migrations: Path, *metadata: MetaData
    ) -> AbstractAsyncContextManager[Database]:
        """Lend a migrated database without rows."""


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Log plainly: to draw a traceback with every local takes seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ]
    )


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Lend the URL of the session's NATS server."""
    with running_nats(tmp_path_factory.mktemp("nats")) as server:
        yield server.url


@pytest_asyncio.fixture
async def empty_nats(nats_url: str) -> str:
    """Return the URL of the session's NATS server, which has no streams now."""
    await delete_streams(nats_url)
    return nats_url


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """Lend a NATS server that this test alone uses and may kill."""
    folder = tmp_path / "nats"
    folder.mkdir()
    with running_nats(folder) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """Lend the session's MariaDB server."""
    if mariadb_server() is None:
        pytest.skip("no MariaDB or MySQL server is installed")
    with running_mariadb() as server:
        yield server


@pytest.fixture(params=["sqlite", _MARIADB])
def sql_backend(request: pytest.FixtureRequest) -> str:
    """Return the name of the backend that this run of the test is for."""
    backend: str = request.param
    if backend == "mariadb":
        request.getfixturevalue("mariadb")
    return backend


@pytest.fixture
def blank_database_url(
    request: pytest.FixtureRequest, sql_backend: str, tmp_path: Path
) -> str:
    """Return the URL of a database without tables."""
    if sql_backend == "sqlite":
        return sqlite_url(tmp_path)
    server: MariaDb = request.getfixturevalue("mariadb")
    server.execute("DROP DATABASE IF EXISTS test_blank")
    return server.create("test_blank")


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> MigratedDatabases:
    return MigratedDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def database_url_factory(
    request: pytest.FixtureRequest,
    sql_backend: str,
    tmp_path: Path,
    _migrated: MigratedDatabases,
) -> DatabaseUrlFactory:
    """Make URLs of migrated databases without rows; see the module's docstring."""
    if sql_backend == "sqlite":

        def make(service: str, migrations: Path, *_: MetaData) -> str:
            return _migrated.sqlite(service, migrations, tmp_path)

        return make

    server: MariaDb = request.getfixturevalue("mariadb")

    def make_on_server(service: str, migrations: Path, *metadata: MetaData) -> str:
        return _migrated.mariadb(server, service, migrations, metadata)

    return make_on_server


@pytest.fixture
def database_factory(database_url_factory: DatabaseUrlFactory) -> DatabaseFactory:
    """Lend migrated databases without rows; see the module's docstring."""

    @asynccontextmanager
    async def lend(
        service: str, migrations: Path, *metadata: MetaData
    ) -> AsyncIterator[Database]:
        database = Database(database_url_factory(service, migrations, *metadata))
        try:
            yield database
        finally:
            await database.close()

    return lend


@pytest.fixture
def identity() -> FakeIdentity:
    """Return an issuer of session tokens that this test alone uses."""
    return FakeIdentity()
