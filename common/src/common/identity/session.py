"""Who is signed in, as the token says."""

from datetime import datetime
from typing import Final, NamedTuple

COOKIE: Final = "session"
ISSUER: Final = "ticketing"
AUDIENCE: Final = "ticketing"
ALGORITHM: Final = "EdDSA"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - the media type of RFC 9068


class Session(NamedTuple):
    """A verified session token.

    ``issued_at`` has fractions of a second: a sign-in right after "sign out
    everywhere" must come out as later.
    """

    user_id: str
    email: str
    session_id: str
    issued_at: datetime
    expires_at: datetime
