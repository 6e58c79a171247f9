"""Business errors of auth, each naming its category."""

from common.errors import Conflict, TooManyRequests, Unauthenticated, Unavailable


class EmailTaken(Conflict):
    """There is an account with this e-mail already."""

    slug = "email_taken"


class WrongCredentials(Unauthenticated):
    """No such user, or not this password: the answer does not tell which."""

    slug = "invalid_credentials"


class SessionEnded(Unauthenticated):
    """The session was signed out, here or by another replica."""

    slug = "invalid_session"


class TooManyAttempts(TooManyRequests):
    """Too many tries from one place; ``retry_after`` says when the next counts."""

    slug = "too_many_attempts"


class StoreUnavailable(Unavailable):
    """MongoDB is away, or not ready for us yet."""

    slug = "store_unavailable"


class HashingBusy(Unavailable):
    """More passwords wait to be hashed than can be in reasonable time."""

    slug = "busy"
