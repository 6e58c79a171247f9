"""The rule book and the tests tell of the same rules."""

import re
from pathlib import Path

import pytest

from embedded.reconcile.invariants import INVARIANTS

ROOT = Path(__file__).parents[3]
BOOK = (ROOT / "docs" / "rules.md").read_text()
LATER_INVARIANTS = {"I12"}


def _rows(letter: str) -> dict[str, bool]:
    """Return each rule of the book, and whether it is for later."""
    found = re.findall(rf"^\| ({letter}\d+)( \*later\*)? \|", BOOK, re.MULTILINE)
    return {name: bool(later) for name, later in found}


def _tested() -> set[str]:
    """Return every rule that a test names."""
    names: set[str] = set()
    for path in ROOT.glob("**/tests/**/test_*.py"):
        if ".venv" in path.parts:
            continue
        for test in re.findall(r"def (test_\w+)", path.read_text()):
            names |= {
                f"R{int(number)}" for number in re.findall(r"_r(\d\d)(?=_)", test)
            }
    return names


def test_every_rule_is_in_the_book_once() -> None:
    assert list(_rows("R")) == [f"R{number}" for number in range(1, 59)]


@pytest.mark.parametrize(
    "rule", [name for name, is_later in _rows("R").items() if not is_later]
)
def test_a_rule_that_is_built_has_a_test_with_its_name(rule: str) -> None:
    assert rule in _tested()


def test_every_invariant_is_checked_or_for_later() -> None:
    assert set(_rows("I")) == set(INVARIANTS) | LATER_INVARIANTS
