"""The database edge: engine, transaction, portable types, plumbing tables."""

from common.db.database import Database, DatabaseUnavailable, mark_outbox_filled
from common.db.types import (
    BigSerial,
    LongText,
    UtcDateTime,
    folded,
    key,
    seconds_until,
    utc_in,
    utc_now,
)

__all__ = [
    "BigSerial",
    "Database",
    "DatabaseUnavailable",
    "LongText",
    "UtcDateTime",
    "folded",
    "key",
    "mark_outbox_filled",
    "seconds_until",
    "utc_in",
    "utc_now",
]
