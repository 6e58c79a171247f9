"""Times on the venue's clock, seats and durations as people write them."""

from datetime import UTC, datetime

import pytest

from client.api_types import Offer
from client.display import (
    clock,
    countdown,
    day_and_time,
    event_day,
    event_time,
    place_line,
    seat_line,
    zone_names,
)

MOMENT = datetime(2027, 3, 14, 1, 30, tzinfo=UTC)


def offer(**parts: str) -> Offer:
    return Offer(
        id="t", version=1, user_id="u", title="x", price=1, currency="usd", **parts
    )


@pytest.mark.parametrize(
    ("zone", "day", "time"),
    [
        ("America/Chicago", "Sat, Mar 13, 2027", "7:30 PM CST"),
        ("Asia/Tokyo", "Sun, Mar 14, 2027", "10:30 AM JST"),
        ("America/Sao_Paulo", "Sat, Mar 13, 2027", "10:30 PM UTC-03"),
        (None, "Sun, Mar 14, 2027", "1:30 AM UTC"),
        ("Mars/One", "Sun, Mar 14, 2027", "1:30 AM UTC"),
    ],
)
def test_an_event_is_shown_on_its_venues_clock(
    zone: str | None, day: str, time: str
) -> None:
    assert event_day(MOMENT, zone) == day
    assert event_time(MOMENT, zone) == time


@pytest.mark.parametrize(
    ("hour", "written"), [(0, "12:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
)
def test_noon_and_midnight_are_twelve(hour: int, written: str) -> None:
    assert clock(datetime(2027, 1, 1, hour, 5, tzinfo=UTC)) == written


def test_seats_name_only_what_is_known() -> None:
    assert seat_line(offer(section="112", seat="4")) == "Section 112 · Seat 4"
    assert seat_line(offer()) == "General admission"


def test_a_place_is_venue_and_city() -> None:
    assert place_line(offer(venue="Harpa", city="Reykjavík")) == "Harpa, Reykjavík"
    assert place_line(offer()) == ""


def test_the_sites_own_times_say_their_zone() -> None:
    assert day_and_time(MOMENT) == "Mar 14, 2027, 1:30 AM UTC"


def test_a_countdown_is_minutes_and_two_digits() -> None:
    assert [countdown(s) for s in (0, 9, 61, 872)] == ["0:00", "0:09", "1:01", "14:32"]


def test_zones_are_places_and_utc() -> None:
    names = zone_names()
    assert {"Europe/London", "America/New_York", "UTC"} <= set(names)
    assert not any(name.startswith(("Etc/", "posix/", "US/")) for name in names)
