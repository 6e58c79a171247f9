import io
import json
from datetime import UTC, datetime

import pytest

from embedded.rendering import Painter, parse, wants_colour

NOW = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)
PLAIN = Painter(colour=False)


def render(text: str) -> str:
    return PLAIN.paint("tickets", parse(text, now=NOW))


def test_a_json_line_becomes_a_readable_one() -> None:
    line = json.dumps(
        {
            "ts": "2026-03-01T11:59:58.123Z",
            "level": "info",
            "service": "tickets",
            "msg": "ticket_listed",
            "ticket_id": "t-1",
            "title": "A night out",
            "trace_id": "4bf92f",
            "count": 2,
        }
    )

    assert render(line) == (
        "11:59:58 tickets    INFO    ticket_listed"
        '  ticket_id=t-1 title="A night out" count=2'
    )


def test_a_traceback_stands_below_its_line() -> None:
    trouble = "Traceback (most recent call last):\n  File x\nValueError: no"
    line = json.dumps({"level": "error", "msg": "failed", "exception": trouble})

    assert render(line).splitlines() == [
        "12:00:07 tickets    ERROR   failed",
        "    Traceback (most recent call last):",
        "      File x",
        "    ValueError: no",
    ]


def test_a_line_that_is_not_json_passes_through() -> None:
    assert render("{ not json") == "12:00:07 tickets    { not json"


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        (
            "[12] 2026/03/01 12:00:00.000001 [WRN] slow consumer",
            "WARNING",
            "slow consumer",
        ),
        ("[12] 2026/03/01 12:00:00.000001 [FTL] no disk", "ERROR", "no disk"),
        (
            "2026/03/01 12:00:00 [error] 9#9: *1 connect() failed",
            "ERROR",
            "*1 connect() failed",
        ),
        ("9:M 01 Mar 2026 12:00:00.000 # AOF is broken", "WARNING", "AOF is broken"),
        ("9:M 01 Mar 2026 12:00:00.000 * Ready", "", ""),
        (
            "9:M 01 Mar 2026 12:00:00.000 # WARNING vm.overcommit_memory",
            "",
            "",
        ),
        ("2026-03-01 12:00:00,000 ERROR secantus: no", "ERROR", "secantus: no"),
        ("[12] 2026/03/01 12:00:00.000001 [INF] Server is ready", "", ""),
    ],
)
def test_levels_of_other_servers_are_understood(
    text: str, level: str, message: str
) -> None:
    line = parse(text, now=NOW)

    assert line.level == level
    assert line.is_notable == bool(level)
    assert line.message == (message or text)


def test_what_every_server_says_at_its_start_is_chatter() -> None:
    started = json.dumps({"level": "info", "msg": "Started server process [7]"})
    sold = json.dumps({"level": "info", "msg": "ticket_sold"})

    assert parse(started, now=NOW).is_chatter
    assert not parse(sold, now=NOW).is_chatter


def test_errors_are_highlighted_and_colour_is_closed_again() -> None:
    line = parse(json.dumps({"level": "error", "msg": "failed"}), now=NOW)

    painted = Painter(colour=True).paint("tickets", line)

    assert "\x1b[1m\x1b[31mfailed\x1b[0m" in painted


def test_colour_needs_a_terminal_and_nobody_who_minds() -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_colour(Tty(), {})
    assert not wants_colour(Tty(), {"NO_COLOR": "1"})
    assert not wants_colour(Tty(), {"TERM": "dumb"})
    assert not wants_colour(io.StringIO(), {})
