"""Hashing passwords with Argon2id, off the event loop and within bounds."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type
from prometheus_client import Histogram

from auth.errors import HashingBusy

HASHING: Final = Histogram(
    "auth_password_hashing_seconds",
    "Time to hash or verify one password, waiting included",
    ["operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_NOBODYS_PASSWORD: Final = "the password of nobody at all"  # noqa: S105 - opens nothing

T = TypeVar("T")


class Verification(NamedTuple):
    """Whether a password is right; whether its hash is weaker than today's."""

    is_right: bool
    is_weak: bool


class PasswordHashing:
    """Argon2id in a few threads.

    Each hash takes its memory for as long as it runs, so the number of threads
    bounds the memory, and the queue bounds how long anyone waits.
    """

    def __init__(
        self, *, memory_kib: int, iterations: int, threads: int, queue: int
    ) -> None:
        self._argon2 = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + queue
        self._dummy = self._argon2.hash(_NOBODYS_PASSWORD)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return the hash, with its salt and parameters, in the PHC format.

        Raises:
            HashingBusy: too many are waiting already.
        """
        return await self._run("hash", lambda: self._argon2.hash(password))

    async def verify(self, stored: str | None, password: str) -> Verification:
        """Compare ``password`` with a stored hash.

        Without one, the same work is done on the hash of a password that nobody
        has: an unknown user takes as long as a wrong password.

        Raises:
            HashingBusy: too many are waiting already.
        """
        hashed = self._dummy if stored is None else stored
        is_right = await self._run("verify", lambda: self._matches(hashed, password))
        if stored is None or not is_right:
            return Verification(is_right=False, is_weak=False)
        return Verification(True, self._argon2.check_needs_rehash(stored))

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._argon2.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, operation: str, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise HashingBusy("too many sign-ins at the moment", retry_after=1.0)
        self._room -= 1
        try:
            with HASHING.labels(operation).time():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, work)
        finally:
            self._room += 1
