"""Verification of session tokens, offline, with the public key alone."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import jwt
from jwt.exceptions import PyJWTError

from common.clock import now
from common.errors import Unauthenticated
from common.identity.jwks import KeySource
from common.identity.revocations import Revocations
from common.identity.session import ALGORITHM, AUDIENCE, ISSUER, TOKEN_TYPE, Session

_LEEWAY: Final = timedelta(seconds=5)
_REQUIRED: Final = ("exp", "iat", "sub", "aud", "iss", "jti", "sid", "email")
_CACHED_TOKENS: Final = 4096
_LONGEST_TOKEN: Final = 2048


class InvalidSession(Unauthenticated):
    """The session cookie is forged, damaged, expired or revoked."""

    slug = "invalid_session"


class _Verified(NamedTuple):
    """A session, and the id of the key that its token was signed with."""

    session: Session
    key_id: str


class TokenVerifier:
    """Verifies tokens; remembers those it verified, since Ed25519 costs 0.1 ms."""

    def __init__(self, keys: KeySource, revocations: Revocations) -> None:
        self._keys = keys
        self._revocations = revocations
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    async def verify(self, token: str) -> Session:
        """Return the session that ``token`` proves.

        The signature is checked once; every time, that its key is still published
        and the session neither expired nor revoked.

        Raises:
            InvalidSession: the token proves nothing.
            KeysUnavailable: the keys of auth were never fetched.
        """
        verified = self._verified.get(token)
        if verified is None:
            verified = await self._check(token)
            self._verified[token] = verified
            if len(self._verified) > _CACHED_TOKENS:
                self._verified.popitem(last=False)
        elif await self._keys.key(verified.key_id) is None:
            raise InvalidSession("the session is not valid")
        session = verified.session
        if session.expires_at + _LEEWAY <= now():
            raise InvalidSession("the session has expired")
        if self._revocations.is_revoked(session):
            raise InvalidSession("the session was ended")
        return session

    async def _check(self, token: str) -> _Verified:
        if len(token) > _LONGEST_TOKEN:
            raise InvalidSession("the session is not valid")
        try:
            header = jwt.get_unverified_header(token)
            claims = await self._claims(token, header)
            return _Verified(_session(claims), header["kid"])
        except (PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise InvalidSession("the session is not valid") from error

    async def _claims(self, token: str, header: dict[str, Any]) -> dict[str, Any]:
        key_id = header.get("kid")
        if header.get("typ") != TOKEN_TYPE or not isinstance(key_id, str):
            raise InvalidSession("the session is not valid")
        key = await self._keys.key(key_id)
        if key is None:
            raise InvalidSession("the session is not valid")
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_LEEWAY,
            options={"require": list(_REQUIRED)},
        )


def _session(claims: dict[str, Any]) -> Session:
    texts = [claims[name] for name in ("sub", "email", "sid")]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidSession("the session is not valid")
    user_id, email, session_id = texts
    return Session(
        user_id=user_id,
        email=email,
        session_id=session_id,
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )
