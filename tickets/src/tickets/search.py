"""What a visitor looks for, and where the next page starts."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from common.errors import InvalidInput

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100


class Sort(StrEnum):
    """Order of the results."""

    NEWEST = "newest"
    DATE = "date"
    PRICE = "price"
    PRICE_DESC = "-price"


@dataclass(frozen=True)
class Position:
    """The last ticket of a page: its sort value, and its id to break ties."""

    ticket_id: str
    value: int | datetime | None = None

    def encode(self, sort: Sort) -> str:
        """Return the cursor; opaque to clients, good for this sort only."""
        value = (
            self.value.isoformat() if isinstance(self.value, datetime) else self.value
        )
        text = json.dumps([sort, self.ticket_id, value], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, cursor: str, sort: Sort) -> "Position":
        """Read a cursor.

        Raises:
            InvalidInput: it was not made by `encode`, or for another sort.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            made_for, ticket_id, value = json.loads(base64.urlsafe_b64decode(padded))
            return cls(_id(ticket_id), _value(sort, made_for, value))
        except (ValueError, TypeError, binascii.Error, RecursionError) as error:
            raise InvalidInput("cursor", "is not a cursor of this search") from error


def _id(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _value(sort: Sort, made_for: object, value: object) -> int | datetime | None:
    if made_for != sort:
        raise ValueError
    if sort is Sort.NEWEST and value is None:
        return None
    if sort is Sort.DATE and isinstance(value, str):
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant
    if sort in {Sort.PRICE, Sort.PRICE_DESC} and type(value) is int:
        return value
    raise ValueError


@dataclass(frozen=True, kw_only=True)
class Search:
    """A question to the listing. Prices in minor units; ``starts_before`` exclusive."""

    words: tuple[str, ...] = ()
    city: str | None = None
    seller: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    min_price: int | None = None
    max_price: int | None = None
    sort: Sort = Sort.NEWEST
    after: Position | None = None
    limit: int = DEFAULT_LIMIT
