"""The connection to MongoDB: the one module that knows which driver it is.

Motor is deprecated in favour of the asynchronous API of PyMongo. Everything here
and in the repositories is written to what both have in common, so that leaving
Motor is a change of one setting; the types are those of PyMongo.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    PyMongoError,
    WriteConcernError,
)

from auth.errors import StoreUnavailable
from auth.settings import Settings
from common.telemetry import logger

log = logger(__name__)

Document = dict[str, Any]
"""A document as stored; never leaves a repository."""

MongoSession = AsyncClientSession
MongoDatabase = AsyncDatabase[Document]

TRANSACTION_SECONDS: Final = 8.0
_PREPARE_RETRY_SECONDS: Final = 0.5
_OPTIONS: Final[dict[str, Any]] = {
    "tz_aware": True,
    "w": "majority",
    "retryWrites": True,
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 5000,
    "waitQueueTimeoutMS": 3000,
    "appname": "auth",
}

_AWAY_LABELS: Final = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
)

T = TypeVar("T")


class Mongo:
    """One client, made in the event loop that uses it."""

    def __init__(self, settings: Settings) -> None:
        url = settings.mongo_url.get_secret_value()
        self._client: AsyncMongoClient[Document]
        if settings.mongo_driver == "motor":
            motor: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url, **_OPTIONS)
            self._client = cast("AsyncMongoClient[Document]", motor)
        else:
            self._client = AsyncMongoClient(url, **_OPTIONS)
        self.database: MongoDatabase = self._client[settings.mongo_database]
        self._prepared = asyncio.Event()
        self._after_commit: Callable[[], None] | None = None

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have ``call`` called whenever a transaction committed."""
        self._after_commit = call

    async def prepare(self, *steps: Callable[[], Awaitable[None]]) -> None:
        """Run ``steps`` (indexes, what is kept in memory) once MongoDB answers.

        Until then nothing is written: without the unique index two accounts
        could get one e-mail.
        """
        while not self._prepared.is_set():
            try:
                with unavailable_when_away():
                    for step in steps:
                        await step()
            except StoreUnavailable as error:
                log.warning("store_not_prepared", reason=str(error.__cause__)[:200])
                await asyncio.sleep(_PREPARE_RETRY_SECONDS)
            else:
                self._prepared.set()
                log.info("store_prepared")

    async def wait_prepared(self) -> None:
        """Return once `prepare` has done its work."""
        await self._prepared.wait()

    async def ping(self) -> None:
        """Raise unless MongoDB answers and is prepared; for readiness."""
        self._require_prepared()
        await self.database.command("ping")

    async def transaction(self, work: Callable[[MongoSession], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction, again when it met another one.

        Raises:
            StoreUnavailable: MongoDB is away; nothing was committed, unless only
                its answer to the commit was lost.
        """
        self._require_prepared()
        with unavailable_when_away():
            async with asyncio.timeout(TRANSACTION_SECONDS):
                result = await self._transact(work)
        if self._after_commit is not None:
            self._after_commit()
        return result

    async def close(self) -> None:
        """Close all connections."""
        # Motor closes at once and returns None, PyMongo returns a coroutine.
        closing = cast("Awaitable[None] | None", self._client.close())
        if closing is not None:
            await closing

    async def _transact(self, work: Callable[[MongoSession], Awaitable[T]]) -> T:
        # Motor returns a coroutine here, PyMongo the session itself.
        started = cast(
            "MongoSession | Awaitable[MongoSession]", self._client.start_session()
        )
        session = await started if isinstance(started, Awaitable) else started
        async with session:
            return await session.with_transaction(work)

    def _require_prepared(self) -> None:
        if not self._prepared.is_set():
            raise StoreUnavailable("accounts are not available yet", retry_after=1.0)


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn the errors that mean "MongoDB is away" into `StoreUnavailable`."""
    try:
        yield
    except (PyMongoError, TimeoutError) as error:
        if not _means_away(error):
            raise
        raise StoreUnavailable(
            "accounts are not available at the moment", retry_after=2.0
        ) from error


def _means_away(error: PyMongoError | TimeoutError) -> bool:
    if not isinstance(error, PyMongoError):
        return True
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WriteConcernError):
        return True
    return any(error.has_error_label(label) for label in _AWAY_LABELS)
