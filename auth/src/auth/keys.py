"""The keys that sign sessions, and their public halves."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt import PyJWK
from jwt.algorithms import OKPAlgorithm

from common.identity import ALGORITHM

_PEM: Final = re.compile(
    r"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----", re.DOTALL
)


class SigningKey(NamedTuple):
    """A private key and the id under which its public half is published."""

    key_id: str
    private: Ed25519PrivateKey


class SigningKeys:
    """Keys in order: the first signs, all are published.

    To rotate, publish the new key behind the old one; when every verifier has
    fetched it, put it first; drop the old one when its last session has expired.
    """

    def __init__(self, keys: Sequence[Ed25519PrivateKey]) -> None:
        if not keys:
            raise ValueError("JWT_SIGNING_KEYS holds no Ed25519 private key")
        self._keys = [SigningKey(thumbprint(key), key) for key in keys]
        self._public = {key.key_id: PyJWK(_public_jwk(key)) for key in self._keys}

    @classmethod
    def load(cls, source: str) -> Self:
        """Read PEM text, or the file of which ``source`` is the path."""
        text = source if "-----BEGIN" in source else Path(source).read_text("ascii")
        # A JSON list of PEM texts writes its line ends as \n.
        found = _PEM.findall(text.replace("\\n", "\n"))
        return cls([_private_key(pem) for pem in found])

    @property
    def signing(self) -> SigningKey:
        """The key that signs new sessions."""
        return self._keys[0]

    def public(self) -> dict[str, list[dict[str, str]]]:
        """Return the JSON Web Key Set that other services fetch."""
        return {"keys": [_public_jwk(key) for key in self._keys]}

    async def key(self, key_id: str) -> PyJWK | None:
        """Return a public key: auth is its own `common.identity.KeySource`."""
        return self._public.get(key_id)


def thumbprint(key: Ed25519PrivateKey) -> str:
    """Return the key id: the SHA-256 thumbprint of RFC 7638 (and RFC 8037)."""
    jwk = _bare_jwk(key)
    required = {name: jwk[name] for name in ("crv", "kty", "x")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _private_key(pem: str) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("JWT_SIGNING_KEYS may hold Ed25519 keys only")
    return key


def _bare_jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    return OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)


def _public_jwk(key: SigningKey) -> dict[str, str]:
    jwk = _bare_jwk(key.private)
    return {
        "kty": jwk["kty"],
        "crv": jwk["crv"],
        "x": jwk["x"],
        "kid": key.key_id,
        "use": "sig",
        "alg": ALGORITHM,
    }
