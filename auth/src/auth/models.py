"""What auth keeps about a person, and about sessions that ended early."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class User:
    """An account.

    ``not_before``: sessions begun earlier are over; None if none ever was.
    """

    id: str
    email: str
    password_hash: str
    not_before: datetime | None = None

    def ended(self, issued_at: datetime) -> bool:
        """Tell whether a session begun at ``issued_at`` is over."""
        return self.not_before is not None and issued_at < self.not_before

    def first_moment_after(self, moment: datetime) -> datetime:
        """Return when a session begun at ``moment`` counts as begun.

        Never before ``not_before``: the clock of another replica, which wrote it,
        may be ahead of ours, and a new session must not be over at birth.
        """
        return max(moment, self.not_before or moment)


@dataclass(frozen=True)
class EndedSession:
    """A single session that was signed out."""

    session_id: str
    user_id: str
    ended_at: datetime
    expires_at: datetime


def revocation_moment(moment: datetime) -> datetime:
    """Return ``moment`` rounded up to what MongoDB can store, a millisecond.

    Rounded down it would spare sessions begun within the same millisecond.
    """
    rest = moment.microsecond % 1000
    return moment if rest == 0 else moment + _MILLISECOND - timedelta(microseconds=rest)
