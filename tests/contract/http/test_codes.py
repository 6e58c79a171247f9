"""The codes that docs/api.md promises are those that there are."""

import re
from collections.abc import Iterator
from typing import Final

import auth.errors
import common.db
import common.errors
import common.identity
import orders.errors
import payments.errors
import tickets.errors
from common.errors import VERDICTS, TicketingError
from embedded.gateway_errors import problems, unreadable
from embedded.settings import ROOT

MODULES: Final = (
    auth.errors, tickets.errors, orders.errors, payments.errors,
    common.db, common.errors, common.identity,
)  # fmt: skip

# Those that no error class of ours names.
OF_THE_EDGE: Final = {
    "not_found", "malformed_json", "cross_site", "method_not_allowed",
    "invalid_webhook",
}  # fmt: skip
OF_THE_GATEWAY: Final = {one.slug for one in (*problems(), *unreadable())}


def test_no_code_is_promised_that_there_is_not() -> None:
    there = {error.slug for error in _errors()} | OF_THE_EDGE | OF_THE_GATEWAY
    assert _documented() - there == set()


def test_what_the_edge_and_the_gateway_say_is_documented() -> None:
    assert (OF_THE_EDGE | OF_THE_GATEWAY | {"invalid_input"}) - _documented() == set()


def test_every_category_has_a_status_that_is_documented() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    assert all(str(verdict.status) in text for verdict in VERDICTS.values())


def _documented() -> set[str]:
    text = (ROOT / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| [0-9 ]+ \|.*\|(.*)\|$", text, re.MULTILINE)
    assert len(rows) == 12
    return set(re.findall("`([a-z_]+)`", "".join(rows)))


def _errors() -> Iterator[type[TicketingError]]:
    for one in (one for module in MODULES for one in vars(module).values()):
        if isinstance(one, type) and issubclass(one, TicketingError):
            yield one
