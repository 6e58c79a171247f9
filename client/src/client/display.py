"""Times, seats and durations the way people write them."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from client.api_types import Offer

_AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def zone_names() -> tuple[str, ...]:
    """The IANA zones named after places, and UTC; what a seller can pick."""
    places = (name for name in available_timezones() if name.split("/")[0] in _AREAS)
    return (*sorted(places), "UTC")


def local_time(moment: datetime, zone: str | None) -> datetime:
    """The moment on the venue's own clock, or in UTC when its zone is unknown."""
    if zone is None or zone not in available_timezones():
        return moment.astimezone(UTC)
    return moment.astimezone(ZoneInfo(zone))


def event_day(moment: datetime, zone: str | None) -> str:
    local = local_time(moment, zone)
    return f"{local:%a}, {local:%b} {local.day}, {local.year}"


def event_time(moment: datetime, zone: str | None) -> str:
    local = local_time(moment, zone)
    return f"{clock(local)} {_zone_label(local)}"


def clock(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    return f"{hour}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


def _zone_label(local: datetime) -> str:
    # Zones without an abbreviation of their own are named by their offset ("+03").
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in "+-" else name


def day_and_time(moment: datetime) -> str:
    """A moment of the site's own, such as when an order was made, in UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc:%b} {utc.day}, {utc.year}, {clock(utc)} UTC"


def seat_line(offer: Offer) -> str:
    """ "Section 112 · Row C · Seat 4", or that there is no seat to name."""
    named = (("Section", offer.section), ("Row", offer.row), ("Seat", offer.seat))
    parts = [f"{label} {value}" for label, value in named if value]
    return " · ".join(parts) or "General admission"


def place_line(offer: Offer) -> str:
    return ", ".join(part for part in (offer.venue, offer.city) if part)


def duration(seconds: int) -> str:
    """A wait in words: "45 seconds", "14 minutes"; part of a minute counts whole."""
    if seconds < 60:
        return _count(seconds, "second")
    return _count(-(-seconds // 60), "minute")


def countdown(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
