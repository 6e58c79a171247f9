"""Requests and responses of the tickets API."""

import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Annotated, Final, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    computed_field,
    model_validator,
)

from common import money
from common.clock import now
from common.errors import InvalidInput
from common.events import TicketStatus
from common.ids import is_id
from tickets.listing import Listing
from tickets.search import DEFAULT_LIMIT, MAX_LIMIT, Position, Search, Sort, fold

_FAR_FUTURE: Final = datetime(9000, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
_MAX_WORDS: Final = 8
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE: Final = frozenset({"Cf", "Mn", "Zs"})


def _one_line(text: str) -> str:
    """Refuse what breaks a line or turns it around; joiners belong to scripts."""
    categories = {unicodedata.category(character) for character in text}
    if categories & _CONTROLS or not _OVERRIDES.isdisjoint(text):
        raise ValueError("must not contain control characters")
    return text


def _visible(text: str) -> str:
    if text and {unicodedata.category(one) for one in text} <= _INVISIBLE:
        raise ValueError("must contain something that can be seen")
    return text


@cache
def _zones() -> frozenset[str]:
    # Looking them up walks through hundreds of files.
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("is not an IANA time zone such as Europe/Paris")
    return name


def _text_only(value: object) -> object:
    """Refuse numbers, which pydantic would read as seconds since 1970."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or value.lstrip("+-").replace(".", "").isdecimal():
        raise ValueError("must be a time such as 2026-01-31T20:00:00Z")
    return value


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside of what the calendar can hold") from error


def _known_form(identifier: str) -> str:
    if not is_id(identifier):
        raise ValueError("is not an id of ours")
    return identifier


_Instant = Annotated[
    AwareDatetime, BeforeValidator(_text_only), AfterValidator(_in_utc)
]
_Id = Annotated[str, Field(max_length=36), AfterValidator(_known_form)]
_Words = Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
_Ascii = Annotated[str, Field(max_length=36, pattern="^[!-~]+$")]


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


_Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_one_line),
    AfterValidator(_visible),
]
_Place = Annotated[
    Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=100),
        AfterValidator(_one_line),
        AfterValidator(_visible),
    ]
    | None,
    BeforeValidator(_none_if_blank),
]
_Position = Annotated[
    Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=40),
        AfterValidator(_one_line),
        AfterValidator(_visible),
    ]
    | None,
    BeforeValidator(_none_if_blank),
]
_Zone = Annotated[str, AfterValidator(_known_zone)]


class ListingIn(BaseModel):
    """An offer as a seller sends it. Money in minor units, as JSON integers."""

    model_config = ConfigDict(extra="forbid")

    title: _Title
    price: StrictInt
    currency: str | None = None
    venue: _Place = None
    city: _Place = None
    starts_at: _Instant | None = None
    timezone: _Zone | None = None
    section: _Position = None
    row: _Position = None
    seat: _Position = None
    face_value: Annotated[StrictInt, Field(ge=0, le=money.MAXIMUM_CHARGE)] | None = None

    @model_validator(mode="after")
    def _time_with_zone(self) -> Self:
        if (self.starts_at is None) != (self.timezone is None):
            raise ValueError("starts_at and timezone belong together")
        return self

    def to_listing(self, currency: str, sale_closes: timedelta) -> Listing:
        """Return the offer, checked against the rules of this deployment.

        Raises:
            InvalidInput: the currency is not the one we sell in, the price cannot
                be charged (R56, R58), or the sale would be over already.
        """
        if self.currency not in {None, currency}:
            raise InvalidInput("currency", f"must be {currency}")
        try:
            money.check_price(self.price, currency)
        except money.InvalidAmount as error:
            raise InvalidInput("price", str(error)) from error
        sale_ends_at = _NEVER
        if self.starts_at is not None:
            if not now() + sale_closes < self.starts_at < _FAR_FUTURE:
                raise InvalidInput("starts_at", "must be in the future")
            sale_ends_at = self.starts_at - sale_closes
        values = self.model_dump(exclude={"currency"})
        return Listing(**values, currency=currency, sale_ends_at=sale_ends_at)


class TicketOut(BaseModel):
    """A listing as anyone may see it; who holds it is nobody's business."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    version: int
    user_id: Annotated[str, Field(validation_alias="seller_id")]
    title: str
    price: int
    currency: str
    status: TicketStatus
    venue: str | None
    city: str | None
    starts_at: datetime | None
    timezone: str | None
    section: str | None
    row: str | None
    seat: str | None
    face_value: int | None
    created_at: datetime
    updated_at: datetime

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fee(self) -> int:
        """The buyer's fee."""
        return money.fee(self.price)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """What the buyer pays, all in."""
        return money.total(self.price)


def _instant(value: object) -> object:
    """Read a bare date as its first moment in UTC."""
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return value


def _end(value: object) -> object:
    """Read a bare date as the first moment after it, in UTC."""
    instant = _instant(value)
    if isinstance(instant, datetime) and instant is not value:
        # The calendar ends with that day, and so does what can be listed.
        last = instant.date() == date.max
        return instant if last else instant + timedelta(days=1)
    return instant


_Start = Annotated[_Instant, BeforeValidator(_instant)]
_End = Annotated[_Instant, BeforeValidator(_end)]
_Price = Annotated[int, Field(ge=0, le=money.MAXIMUM_CHARGE)]


class SearchQuery(BaseModel):
    """Query parameters of the listing. ``to`` includes a bare date's whole day."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    q: _Words = ""
    city: _Words = ""
    from_: Annotated[_Start | None, Field(alias="from")] = None
    to: _End | None = None
    min_price: _Price | None = None
    max_price: _Price | None = None
    seller: _Ascii | None = None
    sort: Sort = Sort.NEWEST
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=300)] | None = None

    def to_search(self) -> Search:
        """Return the question.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        return Search(
            words=tuple(fold(self.q).split()[:_MAX_WORDS]),
            city=fold(self.city.strip()) or None,
            seller=self.seller,
            starts_from=self.from_,
            starts_before=self.to,
            min_price=self.min_price,
            max_price=self.max_price,
            sort=self.sort,
            after=Position.decode(self.cursor, self.sort) if self.cursor else None,
            limit=self.limit,
        )


class OwnQuery(BaseModel):
    """Query parameters of one's own listings."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: _Id | None = None
