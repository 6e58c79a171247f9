"""Wall-clock time, always aware and always UTC.

A deadline is never decided here: the clock of the database that owns it does
(`common.db.utc_now`, rule R54).
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant as an aware UTC datetime."""
    return datetime.now(UTC)
