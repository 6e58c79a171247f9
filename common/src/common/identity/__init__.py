"""Who is signed in: token verification, keys, revocations."""

from common.identity.dependencies import CurrentUser, OptionalUser
from common.identity.jwks import JwksCache, KeySource, KeysUnavailable
from common.identity.revocations import RevocationFeed, Revocations
from common.identity.session import (
    ALGORITHM,
    AUDIENCE,
    COOKIE,
    ISSUER,
    TOKEN_TYPE,
    Session,
)
from common.identity.verifier import InvalidSession, TokenVerifier

__all__ = [
    "ALGORITHM",
    "AUDIENCE",
    "COOKIE",
    "ISSUER",
    "TOKEN_TYPE",
    "CurrentUser",
    "InvalidSession",
    "JwksCache",
    "KeySource",
    "KeysUnavailable",
    "OptionalUser",
    "RevocationFeed",
    "Revocations",
    "Session",
    "TokenVerifier",
]
