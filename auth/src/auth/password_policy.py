"""Which passwords are accepted (NIST SP 800-63B: length, no composition rules)."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

SHORTEST: Final = 12
LONGEST: Final = 256
_CONTEXT_WORDS: Final = frozenset({"ticket", "tickets", "ticketing", "session"})
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
)
_EDGES: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def refusal(password: str, *, email: str) -> str | None:
    """Say why ``password`` is refused, in words for its owner; None if it is not.

    Expects NFC. Refused is what is guessed first: common passwords, also with
    a few digits or signs around them; runs and repetitions; and words that
    anyone knows about this account or this site.
    """
    if len(password) < SHORTEST:
        return f"use at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"use at most {LONGEST} characters"
    folded = password.casefold()
    unit = _repeated_unit(folded)
    core = _EDGES.sub("", unit)
    if 2 * len(core) < len(unit):
        core = unit
    if core in _context_words(email) or folded == email:
        return "do not use your e-mail or the name of this site"
    if {folded, unit, core} & _common_passwords() or len(unit) <= 4:
        return "this password is too common; three or four random words are better"
    if any(folded in run or folded in run[::-1] for run in _RUNS):
        return "this password is too easy to guess"
    return None


def _repeated_unit(text: str) -> str:
    """Return the shortest text of which ``text`` is a repetition."""
    length = (text + text).find(text, 1)
    return text[:length]


def _context_words(email: str) -> frozenset[str]:
    local, _, domain = email.partition("@")
    # Its own edges are cut as well, since those of the password are.
    words = {local, _EDGES.sub("", local), domain, domain.partition(".")[0]}
    return _CONTEXT_WORDS | {word for word in words if word}


@cache
def _common_passwords() -> frozenset[str]:
    text = files("auth").joinpath("data/common_passwords.txt").read_text("utf-8")
    lines = text.splitlines()
    return frozenset(one for one in lines if not one.startswith("#"))
