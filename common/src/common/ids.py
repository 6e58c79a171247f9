"""Identifiers: UUID version 7, so that new rows land at the end of an index."""

import os
import time
from uuid import UUID

_RANDOM_BYTES = 10


def new_id() -> str:
    """Return a UUIDv7 (RFC 9562 section 5.7) in its 36-character text form.

    The first 48 bits are Unix milliseconds; the rest is random, so ids neither
    collide between processes nor tell how many there are.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(_RANDOM_BYTES), "big")
    value = (milliseconds << 80) | random
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(UUID(int=value))


def is_id(text: str) -> bool:
    """Tell whether ``text`` is an id in the one form that new_id writes."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
