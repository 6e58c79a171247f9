"""An issuer of session tokens with a key of its own, in place of auth."""

from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK
from jwt.algorithms import OKPAlgorithm

from common.clock import now
from common.identity import (
    ALGORITHM,
    AUDIENCE,
    COOKIE,
    ISSUER,
    TOKEN_TYPE,
    Revocations,
    TokenVerifier,
)
from common.ids import new_id


class FakeIdentity:
    """Signs tokens as auth does; is the `KeySource` of the verifier it makes."""

    def __init__(self) -> None:
        self.private_key = Ed25519PrivateKey.generate()
        self.key_id = new_id()
        jwk = OKPAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        self._jwk = PyJWK({**jwk, "alg": ALGORITHM, "kid": self.key_id})
        self.revocations = Revocations()
        self.verifier = TokenVerifier(self, self.revocations)

    async def key(self, key_id: str) -> PyJWK | None:
        """Return the one key there is."""
        return self._jwk if key_id == self.key_id else None

    def token(self, user_id: str, **overrides: Any) -> str:  # noqa: ANN401 - any claim
        """Return a valid token of ``user_id``, but for the claims overridden."""
        issued: datetime = now()
        claims = {
            "sub": user_id,
            "email": f"{user_id}@example.com",
            "sid": new_id(),
            "jti": new_id(),
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": issued.timestamp(),
            "exp": (issued + timedelta(hours=1)).timestamp(),
            **overrides,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": self.key_id, "typ": TOKEN_TYPE}
        return jwt.encode(claims, self.private_key, ALGORITHM, headers=headers)

    def cookies(self, user_id: str) -> dict[str, str]:
        """Return the cookies of a browser in which ``user_id`` is signed in."""
        return {COOKIE: self.token(user_id)}
