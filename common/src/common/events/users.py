"""What auth publishes."""

from pydantic import AwareDatetime

from common.events._base import Event, Id


class UserSignedUp(Event):
    """An account was created."""

    subject = "users.signed_up"

    id: Id
    display_name: str


class SessionsRevoked(Event):
    """Tokens of a user are no longer valid, although they have not expired.

    Those issued before ``not_before``; only the one session that ``session_id``
    names, if it names one (an ordinary sign-out).
    """

    subject = "users.sessions_revoked"

    id: Id
    not_before: AwareDatetime
    session_id: Id | None = None
