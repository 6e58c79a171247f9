"""Engine, transaction and session: the one place that commits.

One request, or one message, is one transaction. Use cases flush and never
commit; whoever opened the transaction does (docs/decisions/0001).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final

from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from common.errors import Unavailable

_OUTBOX_FILLED: Final = "outbox_filled"
_READ_ONLY: Final = {"read_only": True}
_LOCK_WAIT_SECONDS: Final = 5
# The driver calls every error that it does not know operational. These are not: an
# unknown column, a value out of range or missing, a CHECK that refuses the row, text
# that cannot be compared with an identifier (1267, 1270, 1271, 3988).
_FAULTS_OF_THE_STATEMENT: Final = {
    1054, 1136, 1264, 1265, 1267, 1270, 1271, 1292, 1364, 1366, 1690, 3819, 3988, 4025
}  # fmt: skip
_RETRY_AFTER_SECONDS: Final = 1.0


class DatabaseUnavailable(Unavailable):
    """The database is away, overloaded or chose this transaction to give way."""

    slug = "database_unavailable"


def mark_outbox_filled(session: AsyncSession) -> None:
    """Remember that the relay has work once this session's transaction commits."""
    session.info[_OUTBOX_FILLED] = True


class Database:
    """One service's database: a bounded pool and its transactions."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Prepare the pool; nothing connects before the first use.

        Args:
            url: an SQLAlchemy URL for asyncmy (MySQL, MariaDB) or aiosqlite.
            pool_size: connections kept and at most open; 8 to 16 served this
                workload best when measured.
        """
        parsed = _normalised(make_url(url))
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.engine = _create_engine(parsed, pool_size)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._reads = async_sessionmaker(
            self.engine.execution_options(**_READ_ONLY), expire_on_commit=False
        )
        # SQLite has one writer at a time; queueing here is first come, first
        # served, where its own busy handler sleeps and lets anyone overtake.
        self._writer = asyncio.Lock() if self.is_sqlite else None
        self._after_commit: list[Callable[[], None]] = []

    def on_outbox_commit(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` right after each commit that left rows in the outbox."""
        self._after_commit.append(wake)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session; commit when the block ends, roll back when it raises.

        Raises:
            DatabaseUnavailable: no connection, a lock waited for too long, or a
                deadlock. The transaction is rolled back; repeating it is right.
        """
        turn: AbstractAsyncContextManager[object] = self._writer or nullcontext()
        async with turn:
            with _translated():
                async with self._sessions.begin() as session:
                    yield session
        if session.info.pop(_OUTBOX_FILLED, False):
            for wake in self._after_commit:
                wake()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session that only reads: it waits for no writer.

        Raises:
            DatabaseUnavailable: as `transaction`.
        """
        with _translated():
            async with self._reads() as session:
                yield session

    async def ping(self) -> None:
        """Run the smallest query; for readiness.

        Raises:
            DatabaseUnavailable: it did not answer.
        """
        async with self.reading() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


class _translated:  # noqa: N801 - reads as a word in a with statement
    """Turn what the driver raises for an absent database into our category."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if error is not None and _is_away(error):
            raise DatabaseUnavailable(
                "the database is not available", retry_after=_RETRY_AFTER_SECONDS
            ) from error


def _is_away(error: BaseException) -> bool:
    """Tell whether the same statement may succeed at another time."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, OperationalError):
        return _code(error) not in _FAULTS_OF_THE_STATEMENT
    return isinstance(error, InterfaceError | PoolTimeoutError)


def _code(error: DBAPIError) -> object:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments else None


def _normalised(url: URL) -> URL:
    """MariaDB is MySQL to us: column types and functions are chosen by that name."""
    if url.get_backend_name() == "mariadb":
        return url.set(drivername=url.drivername.replace("mariadb", "mysql", 1))
    return url


def _create_engine(url: URL, pool_size: int) -> AsyncEngine:
    """Errors hide their parameters: what people wrote does not belong in a log."""
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_LOCK_WAIT_SECONDS,
            hide_parameters=True,
        )
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return create_async_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_LOCK_WAIT_SECONDS,
        pool_recycle=1800,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": _LOCK_WAIT_SECONDS,
            "init_command": f"SET innodb_lock_wait_timeout={_LOCK_WAIT_SECONDS}",
        },
    )


def _configure_sqlite(connection: object, _: object) -> None:
    """Durable write-ahead log, foreign keys on, and BEGIN left to us."""
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_LOCK_WAIT_SECONDS * 1000}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once; upgrading a read lock later can deadlock."""
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
