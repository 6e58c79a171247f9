"""The public keys of auth, fetched once and kept (rotation without sign-out)."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

import httpx
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from common.errors import Unavailable
from common.telemetry import logger

log = logger(__name__)

REFRESH_SECONDS: Final = 30.0
"""An unknown key id makes us look again at most this often."""

KEEP_SECONDS: Final = 300.0
"""So old a key set is looked at anew: a key that auth withdrew ends with it."""

FIRST_TRY_SECONDS: Final = 1.0
"""Until we have any keys we look more often: auth may still be starting."""

# JSON that is no key set fails wherever the library first touches it.
_NO_KEY_SET: Final = (
    httpx.HTTPError, PyJWTError, ValueError, TypeError, AttributeError
)  # fmt: skip


class KeysUnavailable(Unavailable):
    """No key set was ever fetched, and auth does not answer."""

    slug = "keys_unavailable"


class KeySource(Protocol):
    """Where a token's public key is found by its id."""

    async def key(self, key_id: str) -> PyJWK | None:
        """Return the key, or None when auth does not publish such a key.

        Raises:
            KeysUnavailable: it cannot be known.
        """


class JwksCache:
    """The last good key set of one JWKS address; served while auth is down."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Prepare; nothing is fetched before the first key is asked for.

        Args:
            client: makes the request; its timeout bounds how long a caller waits.
            url: of auth's key set.
            clock: seconds that only grow; a test moves them by hand.
        """
        self._clock = clock
        self._client = client
        self._url = url
        self._keys: dict[str, PyJWK] = {}
        self._next_fetch = 0.0
        self._old_at = 0.0
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str) -> PyJWK | None:
        """Return the key named ``key_id``; ask auth if it is new, or the set old.

        Raises:
            KeysUnavailable: no key set was ever fetched and auth does not answer.
        """
        if self._wants_news(key_id):
            async with self._fetching:
                if self._wants_news(key_id):
                    await self._fetch()
        if not self._keys:
            raise KeysUnavailable(
                "sign-in cannot be checked at the moment", retry_after=1.0
            )
        return self._keys.get(key_id)

    def _wants_news(self, key_id: str) -> bool:
        now = self._clock()
        unknown_or_old = key_id not in self._keys or now >= self._old_at
        return unknown_or_old and now >= self._next_fetch

    async def _fetch(self) -> None:
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            found = PyJWKSet.from_dict(answer.json()).keys
            self._keys = {key.key_id: key for key in found if key.key_id}
            self._old_at = self._clock() + KEEP_SECONDS
        except _NO_KEY_SET as error:
            log.warning("jwks_not_fetched", reason=str(error) or type(error).__name__)
        wait = REFRESH_SECONDS if self._keys else FIRST_TRY_SECONDS
        self._next_fetch = self._clock() + wait
