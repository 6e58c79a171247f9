"""Cursors, and how text is compared."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidInput
from common.ids import new_id
from tickets.search import Position, Sort, fold

ID = new_id()
WHEN = datetime(2030, 5, 17, 19, 30, 0, 123456, tzinfo=UTC)
POSITIONS = {
    Sort.NEWEST: Position(ID),
    Sort.DATE: Position(ID, WHEN),
    Sort.PRICE: Position(ID, 5_000),
    Sort.PRICE_DESC: Position(ID, 5_000),
}


def made_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("sort", list(Sort))
def test_a_cursor_says_where_it_was_made(sort: Sort) -> None:
    assert Position.decode(POSITIONS[sort].encode(sort), sort) == POSITIONS[sort]


@pytest.mark.parametrize("other", list(Sort))
@pytest.mark.parametrize("sort", list(Sort))
def test_a_cursor_is_good_for_its_own_sort_only(sort: Sort, other: Sort) -> None:
    cursor = POSITIONS[sort].encode(sort)
    if sort is other:
        assert Position.decode(cursor, other).ticket_id == ID
        return
    with pytest.raises(InvalidInput):
        Position.decode(cursor, other)


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "text", [], {}, {"a": 1, "b": 2, "c": 3}, ["price"], ["price", ID],
        ["price", ID, None], ["price", ID, "5"], ["price", ID, 5.5],
        ["price", ID, True], ["price", ID, -1], ["price", ID, 2**63],
        ["price", ID, 10**200], ["price", 7, 5], ["price", "x", 5],
        ["price", "\ud800", 5], ["price", ID.upper(), 5], ["price", ID, 5, 6],
    ],
)  # fmt: skip
def test_a_cursor_that_was_not_made_here_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        Position.decode(made_of(value), Sort.PRICE)


@pytest.mark.parametrize(
    "instant",
    [
        "tomorrow", "2030-01-01T00:00:00", "2030-01-01", 1_900_000_000, None,
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\ud800",
    ],
)  # fmt: skip
def test_a_cursor_with_no_instant_of_ours_is_refused(instant: object) -> None:
    with pytest.raises(InvalidInput):
        Position.decode(made_of(["date", ID, instant]), Sort.DATE)


@given(cursor=st.text(max_size=300), sort=st.sampled_from(Sort))
def test_any_text_is_a_cursor_or_refused(cursor: str, sort: Sort) -> None:
    try:
        position = Position.decode(cursor, sort)
    except InvalidInput:
        return
    assert Position.decode(position.encode(sort), sort) == position


@given(value=st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_any_json_is_a_cursor_or_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        Position.decode(made_of([Sort.PRICE, value, value]), Sort.PRICE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beyoncé", "BEYONCE"),
        ("São Paulo", "sao paulo"),
        ("Straße", "STRASSE"),
        ("Ñandú", "n\u0303andu\u0301"),
        ("İstanbul", "istanbul"),
    ],
)
def test_case_and_accents_do_not_matter(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("🎸", "🎷"), ("東京", "京都"), ("a", "b")])
def test_what_looks_different_is_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_folding_is_final_and_fits_the_column(text: str) -> None:
    folded = fold(text)
    assert len(folded) <= 3 * len(text)
    assert fold(folded.casefold()) == fold(folded)
