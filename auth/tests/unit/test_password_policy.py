"""Row S11: length, no composition rules, nothing common."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from auth.password_policy import LONGEST, SHORTEST, refusal
from auth.schemas import NewAccount

EMAIL = "grace.hopper@navy.example"


@pytest.mark.parametrize(
    "password",
    [
        "violet kettle under snow", "correct-horse-staple-9", "Übergrößenträger",
        "lower case only please", "дождь идёт над морем", "🎸🎺🥁🎻🪕🎷🪗🎹🪘🎤🎧🎼",
        "hQ7!vz0Lw@4t", "x" * 20 + "and more of it",
    ],
)  # fmt: skip
def test_long_and_uncommon_is_enough(password: str) -> None:
    assert refusal(password, email=EMAIL) is None


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "password1234", "Password2026!", "1q2w3e4r5t6y",
        "QWERTY123456", "123456789012", "aaaaaaaaaaaa", "abababababab",
        "abcdefghijklm", "qwertyuiopas", "polniypizdec0211", "liverpool2024",
    ],
)  # fmt: skip
def test_common_passwords_are_refused(password: str) -> None:
    told = refusal(password, email=EMAIL)
    assert told is not None
    assert "common" in told or "guess" in told


@pytest.mark.parametrize(
    "password",
    [
        "grace.hopper", "Grace.Hopper1", "grace.hopper2026", EMAIL,
        "ticketingticketing", "Ticketing2026",
    ],
)  # fmt: skip
def test_words_of_the_account_and_the_site_are_refused(password: str) -> None:
    told = refusal(password, email=EMAIL)
    assert told is not None
    assert "e-mail" in told


@given(st.text(max_size=SHORTEST - 1))
def test_short_ones_are_refused(password: str) -> None:
    assert refusal(password, email=EMAIL) == "use at least 12 characters"


@given(st.text(min_size=LONGEST + 1, max_size=LONGEST + 50))
def test_overlong_ones_are_refused_rather_than_cut(password: str) -> None:
    assert refusal(password, email=EMAIL) == "use at most 256 characters"


@given(st.text(min_size=SHORTEST, max_size=LONGEST))
def test_any_text_gets_an_answer(password: str) -> None:
    told = refusal(password, email=EMAIL)
    assert told is None or told


@given(st.text(alphabet="äöüÅñ한글e\u0301", min_size=24, max_size=60))
def test_one_password_however_its_letters_are_composed(text: str) -> None:
    forms: set[str | None] = set()
    for form in ("NFC", "NFD"):
        password = unicodedata.normalize(form, text)
        try:
            account = NewAccount(email=EMAIL, password=password)
        except ValidationError:
            forms.add(None)
        else:
            forms.add(account.password)
    assert len(forms) == 1
