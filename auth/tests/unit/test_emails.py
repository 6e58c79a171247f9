import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import emails


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("Jose\u0301@example.com", "jos\u00e9@example.com"),
    ],
)
def test_one_address_has_one_form(written: str, stored: str) -> None:
    assert emails.normalise(written) == stored


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = emails.normalise(text)
    assert emails.normalise(once) == once


@pytest.mark.parametrize(
    "email",
    [
        "a@b.co", "first.last+tag@sub.example.com", "o'neil@example.org",
        "jos\u00e9@example.com", "x@m\u00fcnchen.de", "a_b-c@x-y.example",
    ],
)  # fmt: skip
def test_addresses_are_recognised(email: str) -> None:
    assert emails.looks_like_address(email)


@pytest.mark.parametrize(
    "email",
    [
        "", "@", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com",
        "a b@example.com", "ada@exam ple.com", "ada@.com", "ada@example..com",
        "ada@-example.com", "ada@example-.com", ".ada@example.com",
        "ada.@example.com", "a..b@example.com", "ada@127.0.0.1", "a" * 65 + "@b.co",
        "ada@example.com\x00", "a\u202eda@example.com", "<ada@example.com>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_not(email: str) -> None:
    assert not emails.looks_like_address(email)


def test_others_see_the_local_part_only() -> None:
    assert emails.display_name("ada@example.com") == "ada"
