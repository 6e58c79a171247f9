from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from auth.models import User, revocation_moment
from auth.settings import Settings
from common.identity.revocations import TOKEN_LIFETIME

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def make_user(not_before: datetime | None = None) -> User:
    return User("u", "ada@example.com", "hash", not_before)


@given(st.integers(min_value=0, max_value=999_999))
def test_revocation_covers_sessions_of_its_own_millisecond(microseconds: int) -> None:
    issued_at = NOON + timedelta(microseconds=microseconds)
    moment = revocation_moment(issued_at + timedelta(microseconds=1))
    assert moment.microsecond % 1000 == 0
    assert make_user(moment).ended(issued_at)
    assert moment - issued_at <= timedelta(milliseconds=1, microseconds=1)


def test_new_session_is_never_over_at_birth() -> None:
    ahead = NOON + timedelta(seconds=2)
    user = make_user(ahead)
    begun = user.first_moment_after(NOON)
    assert begun == ahead
    assert not user.ended(begun)
    assert make_user().first_moment_after(NOON) == NOON


def test_sessions_are_shorter_than_revocations_are_remembered() -> None:
    seconds = int(TOKEN_LIFETIME.total_seconds())
    with pytest.raises(ValidationError):
        Settings(jwt_signing_keys="x", session_seconds=seconds)
    assert Settings(jwt_signing_keys="x").session_seconds == 12 * 3600


def test_settings_do_not_show_secrets() -> None:
    settings = Settings(jwt_signing_keys="hidden-1", mongo_url="mongodb://u:hidden-2@h")
    assert "hidden" not in repr(settings)
