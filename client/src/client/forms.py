"""What people type, read into what the services take, with an error a field."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData

from client.api_types import FieldError, ListingBody, Ticket
from client.display import local_time, zone_names
from common.ids import is_id, new_id
from common.money import InvalidAmount, check_price, parse_amount

LISTING_FIELDS = (
    "title",
    "price",
    "face_value",
    "venue",
    "city",
    "date",
    "time",
    "timezone",
    "section",
    "row",
    "seat",
)
SEARCH_FIELDS = ("q", "city", "from", "to", "min_price", "max_price", "sort")
SORTS = {
    "newest": "Newest first",
    "date": "Event date",
    "price": "Price, low to high",
    "-price": "Price, high to low",
}
LIMITS = {"title": 100, "venue": 100, "city": 100, "section": 40, "row": 40, "seat": 40}
_MAX_TYPED = 200
_VERSION = re.compile(r"[0-9]{1,9}")
_MAX_SEARCHED = 100
_API_FIELDS = {"starts_at": "date", "currency": "price"}


@dataclass
class Form:
    """What was typed, kept as typed, and what is wrong with it."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def add_service_errors(self, errors: list[FieldError]) -> None:
        """Put a service's own field errors next to the fields people see."""
        for error in errors:
            name = error.field.rsplit(".", 1)[-1]
            self.errors.setdefault(_API_FIELDS.get(name, name), sentence(error.message))


def typed(source: object, names: tuple[str, ...]) -> dict[str, str]:
    """The named text fields of a form or query, trimmed; files count as empty."""
    get = getattr(source, "get")  # noqa: B009 - FormData and QueryParams share it
    found = {name: get(name, "") for name in names}
    return {
        name: value.strip()[:_MAX_TYPED] if isinstance(value, str) else ""
        for name, value in found.items()
    }


def read_key(sent: FormData) -> str:
    """The idempotency key a form was given, or a new one if it was tampered with."""
    key = sent.get("key")
    return key if isinstance(key, str) and is_id(key) else new_id()


def read_version(sent: FormData) -> int | None:
    """The version of a listing that a form was made from; None if it says none."""
    match = _VERSION.fullmatch(str(sent.get("version", "")))
    return int(match[0]) if match else None


def read_listing(form: Form, currency: str, *, now: datetime) -> ListingBody | None:
    """Read the sell form; None means `form.errors` says what to correct."""
    values = form.values
    _check_texts(form)
    price = _read_price(form, currency)
    face_value = read_amount(form, "face_value", currency)
    starts_at = _read_start(form, now)
    if form.errors or price is None:
        return None
    optional = {
        name: values[name] or None
        for name in ("venue", "city", "section", "row", "seat")
    }
    return ListingBody(
        title=values["title"],
        price=price,
        currency=currency,
        face_value=face_value,
        starts_at=starts_at,
        timezone=values["timezone"] or None if starts_at else None,
        **optional,
    )


def listing_values(ticket: Ticket, amount: "dict[str, str]") -> dict[str, str]:
    """The sell form filled in with a listing; `amount` holds the money as text."""
    values = {name: getattr(ticket, name, None) or "" for name in LISTING_FIELDS}
    if ticket.starts_at:
        local = local_time(ticket.starts_at, ticket.timezone)
        values |= {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}"}
        values["timezone"] = ticket.timezone or "UTC"
    return {**values, **amount}


def _check_texts(form: Form) -> None:
    if not form.values["title"]:
        form.errors["title"] = "Say what the ticket is for."
    for name, limit in LIMITS.items():
        if len(form.values[name]) > limit:
            form.errors[name] = f"Use at most {limit} characters."


def _read_price(form: Form, currency: str) -> int | None:
    if not form.values["price"]:
        form.errors["price"] = "Say what you want to be paid."
        return None
    price = read_amount(form, "price", currency)
    if price is None:
        return None
    try:
        return check_price(price, currency)
    except InvalidAmount as error:
        form.errors["price"] = sentence(f"this {error}")
        return None


def read_amount(form: Form, name: str, currency: str) -> int | None:
    """Read an optional amount of money into minor units, never through a float."""
    text = form.values[name]
    if not text:
        return None
    try:
        return parse_amount(text, currency)
    except InvalidAmount as error:
        form.errors[name] = sentence(f"this {error}")
        return None


def sentence(message: str) -> str:
    """Write what a service says about a field, often a fragment, as a sentence."""
    whole = message[:1].upper() + message[1:]
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."


def _read_start(form: Form, now: datetime) -> datetime | None:
    values = form.values
    if not values["date"] and not values["time"]:
        return None
    if values["timezone"] not in zone_names():
        form.errors["timezone"] = "Pick the time zone of the venue from the list."
    day, clock = _read_date(form, "date"), _read_time(form)
    if day is None or clock is None or "timezone" in form.errors:
        return None
    return _instant(form, datetime.combine(day, clock), now)


def _instant(form: Form, wall: datetime, now: datetime) -> datetime | None:
    moment = wall.replace(tzinfo=ZoneInfo(form.values["timezone"])).astimezone(UTC)
    # A wall time the clocks jump over comes back from UTC as another one.
    if local_time(moment, form.values["timezone"]).replace(tzinfo=None) != wall:
        form.errors["time"] = "The clocks go forward then: that time does not exist."
        return None
    if moment <= now:
        form.errors["date"] = "The event must be in the future."
        return None
    return moment


def _read_date(form: Form, name: str) -> date | None:
    try:
        return date.fromisoformat(form.values[name])
    except ValueError:
        form.errors[name] = "Write a date such as 2027-06-14."
        return None


def _read_time(form: Form) -> time | None:
    try:
        return time.fromisoformat(form.values["time"]).replace(tzinfo=None)
    except ValueError:
        form.errors["time"] = "Write the time the event starts, such as 19:30."
        return None


def read_search(form: Form, currency: str) -> dict[str, str]:
    """The filters that make sense, as the tickets API takes them."""
    values = form.values
    filters = {}
    for name in ("q", "city"):
        if len(values[name]) > _MAX_SEARCHED:
            form.errors[name] = f"Use at most {_MAX_SEARCHED} characters."
        elif values[name]:
            filters[name] = values[name]
    for name in ("from", "to"):
        if values[name] and _read_date(form, name):
            filters[name] = values[name]
    for name in ("min_price", "max_price"):
        amount = read_amount(form, name, currency)
        if amount is not None:
            filters[name] = str(amount)
    if values["sort"] in SORTS:
        filters["sort"] = values["sort"]
    _check_ranges(form, filters)
    return filters


def _check_ranges(form: Form, filters: dict[str, str]) -> None:
    if "from" in filters and "to" in filters and filters["from"] > filters["to"]:
        form.errors["to"] = "This is before the first date."
        del filters["to"]
    lowest, highest = filters.get("min_price"), filters.get("max_price")
    if lowest and highest and int(lowest) > int(highest):
        form.errors["max_price"] = "This is less than the lowest price."
        del filters["max_price"]
