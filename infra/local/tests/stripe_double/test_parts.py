"""The small parts that need no server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_double import cards
from stripe_double.chaos import Chaos, Fault
from stripe_double.currencies import written
from stripe_double.errors import StripeError
from stripe_double.forms import Params, parse_form


def test_nested_forms_become_objects_and_lists() -> None:
    parsed = parse_form("a=1&m[x]=2&m[y][z]=3&l[0]=a&l[1]=b&e[]=p&e[]=q&empty=")
    assert parsed == {
        "a": "1",
        "m": {"x": "2", "y": {"z": "3"}},
        "l": ["a", "b"],
        "e": ["p", "q"],
        "empty": "",
    }


def test_a_value_that_is_both_text_and_object_is_refused() -> None:
    with pytest.raises(StripeError):
        parse_form("a=1&a[b]=2")


@given(st.text())
def test_any_text_parses_or_is_refused_politely(text: str) -> None:
    try:
        outcome: object = parse_form(text)
    except StripeError as error:
        outcome = error
    assert isinstance(outcome, dict) or getattr(outcome, "status", None) == 400


def test_metadata_has_limits() -> None:
    params = Params({"metadata": {"k": "v" * 501}}, frozenset({"metadata"}))
    with pytest.raises(StripeError):
        params.metadata({})


@pytest.mark.parametrize("card", cards.CARDS, ids=lambda card: card.number)
def test_every_test_card_is_a_valid_number_found_by_all_its_names(
    card: cards.Card,
) -> None:
    assert cards.is_number_valid(card.number)
    assert cards.by_number(card.number) is card
    assert all(cards.find_by_name(name) is card for name in card.names)


@pytest.mark.parametrize("number", ["", "4242", "4242424242424241", "42424242x4242424"])
def test_other_numbers_are_not_valid(number: str) -> None:
    assert not cards.is_number_valid(number)


def test_sums_are_written_with_the_digits_their_currency_has() -> None:
    assert written(50, "usd") == "$0.50 usd"
    assert written(99_999_999, "usd") == "$999,999.99 usd"
    assert written(1000, "jpy") == "¥1,000 jpy"


def test_a_fault_is_used_up() -> None:
    chaos = Chaos(faults=[Fault(operation="refunds.*", times=1)])
    assert chaos.take_fault("payment_intents.create", "before") is None
    assert chaos.take_fault("refunds.create", "before") is not None
    assert chaos.take_fault("refunds.create", "before") is None
