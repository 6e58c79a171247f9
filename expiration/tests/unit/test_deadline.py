"""A deadline as Redis holds it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from expiration.deadlines import Deadline, to_milliseconds
from expiration.service import event_id

EXPIRES_AT = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)


def test_a_member_holds_the_exact_deadline() -> None:
    deadline = Deadline("an order, with spaces", EXPIRES_AT)
    assert Deadline.from_member(deadline.member.encode()) == deadline


def test_one_instant_in_two_zones_is_one_deadline() -> None:
    elsewhere = EXPIRES_AT.astimezone(timezone(timedelta(hours=9)))
    assert Deadline("order", elsewhere).member == Deadline("order", EXPIRES_AT).member


def test_a_deadline_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Deadline("order", EXPIRES_AT.replace(tzinfo=None))


def test_milliseconds_are_rounded_up() -> None:
    exact = EXPIRES_AT.replace(microsecond=123_000)
    assert to_milliseconds(EXPIRES_AT) == to_milliseconds(exact) + 1
    assert to_milliseconds(exact) == int(exact.timestamp()) * 1000 + 123


def test_the_event_id_follows_from_order_and_deadline() -> None:
    deadline = Deadline("order", EXPIRES_AT)
    extended = Deadline("order", EXPIRES_AT + timedelta(microseconds=1))
    assert event_id(deadline) == event_id(Deadline("order", EXPIRES_AT))
    assert len({event_id(deadline), event_id(extended)}) == 2
    assert event_id(deadline) != event_id(Deadline("another", EXPIRES_AT))
