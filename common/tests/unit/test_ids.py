"""Identifiers are UUIDv7: unique, and in the order in which they were made."""

import time
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import is_id, new_id


def test_an_id_is_a_version_7_uuid_in_canonical_text() -> None:
    made = UUID(new_id())
    assert (made.version, made.variant) == (7, RFC_4122)
    assert is_id(str(made))


def test_an_id_starts_with_the_milliseconds_at_which_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = UUID(new_id()).int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_ids_do_not_repeat() -> None:
    assert len({new_id() for _ in range(20_000)}) == 20_000


def test_ids_sort_by_the_millisecond_in_which_they_were_made() -> None:
    ids = [new_id() for _ in range(5_000)]
    stamps = [UUID(one).int >> 80 for one in ids]
    assert stamps == sorted(stamps)
    assert min(ids) < new_id()


def test_every_random_bit_varies() -> None:
    fixed = 0
    varied = 0
    for _ in range(200):
        value = UUID(new_id()).int
        varied |= value
        fixed |= ~value
    random_bits = ((1 << 80) - 1) & ~(0xF << 76) & ~(0x3 << 62)
    assert varied & fixed & random_bits == random_bits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "0" * 32,
        "01936F2E-7C1A-7B3D-9F21-5D0C8A4E0001",
        "{01936f2e-7c1a-7b3d-9f21-5d0c8a4e0001}",
        "urn:uuid:01936f2e-7c1a-7b3d-9f21-5d0c8a4e0001",
        "01936f2e-7c1a-7b3d-9f21-5d0c8a4e0001 ",
        "'; DROP TABLE tickets; --",
        "\ud800",
    ],
)
def test_only_the_canonical_text_is_an_id(text: str) -> None:
    assert not is_id(text)


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    assert is_id(text) in {True, False}
