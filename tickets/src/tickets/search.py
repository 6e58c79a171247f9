"""What a visitor looks for, and where the next page starts."""

import base64
import binascii
import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from common.errors import InvalidInput
from common.ids import is_id

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100

_MAX_PRICE: Final = 2**63 - 1


def fold(text: str) -> str:
    """Return ``text`` as it is compared in a search: no case and no accents."""
    apart = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(one for one in apart if not unicodedata.combining(one))
    return unicodedata.normalize("NFC", bare)


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
        except (
            ValueError,
            TypeError,
            OverflowError,
            RecursionError,
            binascii.Error,
        ) as error:
            raise InvalidInput("cursor", "is not a cursor of this search") from error


def _id(value: object) -> str:
    if not isinstance(value, str) or not is_id(value):
        raise ValueError
    return value


def _value(sort: Sort, made_for: object, value: object) -> int | datetime | None:
    if made_for != sort:
        raise ValueError
    if sort is Sort.NEWEST and value is None:
        return None
    if sort is Sort.DATE and isinstance(value, str):
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    if sort in {Sort.PRICE, Sort.PRICE_DESC}:
        return _price(value)
    raise ValueError


def _price(value: object) -> int:
    # A bool is an int to isinstance, and databases have no larger numbers.
    if type(value) is not int or not 0 <= value <= _MAX_PRICE:
        raise ValueError
    return value


@dataclass(frozen=True, kw_only=True)
class Search:
    """A question to the listing; ``words`` and ``city`` are folded.

    Prices are in minor units; ``starts_before`` is exclusive.
    """

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
