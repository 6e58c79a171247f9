"""Issuing session tokens; `common.identity` verifies them."""

from datetime import datetime, timedelta
from typing import NamedTuple

import jwt

from auth.keys import SigningKeys
from common.identity import ALGORITHM, AUDIENCE, ISSUER, TOKEN_TYPE, Session
from common.ids import new_id


class IssuedSession(NamedTuple):
    """A new session and the token that proves it."""

    session: Session
    token: str


class TokenIssuer:
    """Signs sessions with the first key."""

    def __init__(self, keys: SigningKeys, *, session_seconds: int) -> None:
        self._keys = keys
        self._lifetime = timedelta(seconds=session_seconds)

    def issue(self, user_id: str, email: str, *, issued_at: datetime) -> IssuedSession:
        """Return a new session with an id of its own.

        ``iat`` keeps its fraction of a second: sessions are revoked by comparing
        it, and one begun right after a revocation must come out as later.
        """
        expires_at = (issued_at + self._lifetime).replace(microsecond=0)
        session = Session(user_id, email, new_id(), issued_at, expires_at)
        claims = {
            "sub": user_id,
            "email": email,
            "sid": session.session_id,
            "jti": new_id(),
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": issued_at.timestamp(),
            "exp": int(expires_at.timestamp()),
        }
        key = self._keys.signing
        headers = {"kid": key.key_id, "typ": TOKEN_TYPE}
        token = jwt.encode(claims, key.private, ALGORITHM, headers=headers)
        return IssuedSession(session, token)
