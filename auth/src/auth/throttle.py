"""Counting tries in MongoDB, so that all replicas count together."""

import asyncio
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from auth.errors import StoreUnavailable, TooManyAttempts
from auth.mongo import Mongo, unavailable_when_away
from auth.settings import Settings
from common.clock import now

_IPV6_HOME_BITS: Final = 64
"""One household or server gets a /64; counting its addresses would count nothing."""

_FIRST_DELAY_SECONDS: Final = 0.25
_LONGEST_DELAY_SECONDS: Final = 2.0
_TRIES: Final = 5


@dataclass(frozen=True)
class Attempt:
    """One try to sign in: who is meant, and from where.

    The counters are named by a digest, so that they tell no e-mail.
    """

    email: str
    address: str

    @property
    def pair(self) -> str:
        """The counter of this account from this address."""
        return f"pair:{self._account}:{_place(self.address)}"

    @property
    def from_address(self) -> str:
        """The counter of this address, whatever the account."""
        return f"address:{_place(self.address)}"

    @property
    def on_account(self) -> str:
        """The counter of this account, from wherever."""
        return f"account:{self._account}"

    @property
    def _account(self) -> str:
        return sha256(self.email.encode()).hexdigest()[:32]


class _Count:
    """How often something was tried in the window that ends at ``ends_at``."""

    def __init__(self, number: int, ends_at: datetime) -> None:
        self.number = number
        self._ends_at = ends_at

    def check(self, limit: int) -> None:
        if self.number > limit:
            seconds = (self._ends_at - now()).total_seconds()
            raise TooManyAttempts(
                "too many attempts; try again later", retry_after=max(seconds, 1.0)
            )


class Throttle:
    """Bounds guessing without letting a stranger lock somebody out.

    Tries are counted before they are made, so that parallel ones count too, and
    given back when they were right. From one address an account, and from one
    address all accounts, have a limit. An account that is tried from many
    addresses answers more slowly; it is never closed.
    """

    def __init__(self, mongo: Mongo, settings: Settings) -> None:
        self._counters = mongo.database["throttle"]
        self._settings = settings

    async def create_indexes(self) -> None:
        """Create what is missing; does nothing the second time."""
        await self._counters.create_index(
            "expires_at", expireAfterSeconds=0, name="forget_expired"
        )

    async def admit(self, attempt: Attempt) -> None:
        """Count the try; make it wait if its account is under attack.

        Raises:
            TooManyAttempts: there were too many wrong ones.
        """
        seconds = self._settings.sign_in_window_seconds
        # First alone: a try refused here is not held against the neighbours.
        pair = await self._count(attempt.pair, seconds)
        pair.check(self._settings.sign_in_limit)
        from_address, on_account = await asyncio.gather(
            self._count(attempt.from_address, seconds),
            self._count(attempt.on_account, seconds),
        )
        from_address.check(self._settings.sign_in_limit_per_address)
        await asyncio.sleep(self.delay(on_account.number))

    async def succeeded(self, attempt: Attempt) -> None:
        """Give the try back: this place knows the password of this account."""
        with unavailable_when_away():
            await asyncio.gather(
                self._counters.delete_one({"_id": attempt.pair}),
                self._give_back(attempt.from_address),
                self._give_back(attempt.on_account),
            )

    async def admit_sign_up(self, address: str) -> None:
        """Count a new account from ``address``.

        Raises:
            TooManyAttempts: there were too many.
        """
        count = await self._count(
            f"sign-up:{_place(address)}", self._settings.sign_up_window_seconds
        )
        count.check(self._settings.sign_up_limit_per_address)

    def delay(self, tries: int) -> float:
        """Return how many seconds the next try on an account waits.

        None up to the limit of one address, then doubling up to a bound.
        """
        excess = tries - self._settings.sign_in_limit
        if excess <= 0:
            return 0.0
        doubled = _FIRST_DELAY_SECONDS * 2.0 ** min(excess - 1, 10)
        return min(doubled, _LONGEST_DELAY_SECONDS)

    async def _count(self, name: str, window_seconds: int) -> _Count:
        for _ in range(_TRIES):
            with unavailable_when_away():
                counted = await self._try_to_count(name, window_seconds)
            if counted is not None:
                return counted
        raise StoreUnavailable("sign-in is busy; try again", retry_after=1.0)

    async def _try_to_count(self, name: str, window_seconds: int) -> _Count | None:
        started = now()
        try:
            found = await self._counters.find_one_and_update(
                {"_id": name, "expires_at": {"$gt": started}},
                {
                    "$inc": {"count": 1},
                    "$setOnInsert": {
                        "expires_at": started + timedelta(seconds=window_seconds)
                    },
                },
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # Either another request began the window just now, or an old window
            # is still there, since MongoDB removes expired ones once a minute.
            await self._counters.delete_one(
                {"_id": name, "expires_at": {"$lte": started}}
            )
            return None
        if found is None:
            # secantusdb counts but loses the answer when two upserts meet.
            found = await self._counters.find_one({"_id": name})
        return _Count(found["count"], found["expires_at"]) if found else None

    async def _give_back(self, name: str) -> None:
        await self._counters.update_one(
            {"_id": name, "count": {"$gt": 0}}, {"$inc": {"count": -1}}
        )


def _place(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return address
    network = ipaddress.ip_network((parsed, _IPV6_HOME_BITS), strict=False)
    return str(network)
