"""Turning a process's log lines into lines for a person."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

NAME_WIDTH = 10
# Said elsewhere on the line, or of use only to machines; the raw log keeps them.
HIDDEN_KEYS = frozenset(
    {"ts", "timestamp", "time", "level", "service", "msg", "message", "event"}
    | {"version", "logger", "trace_id", "span_id", "exception", "traceback", "stack"}
)
RESET, BOLD, DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
RED, YELLOW, GREEN = "\x1b[31m", "\x1b[33m", "\x1b[32m"
SERVICE_COLOURS = ("36", "32", "35", "34", "33", "96", "92", "95", "94", "93")
ALARMING = frozenset({"ERROR", "CRITICAL"})
NOTABLE = ALARMING | {"WARNING"}
SYNONYMS = {"WARN": "WARNING", "ERR": "ERROR", "FATAL": "CRITICAL"}

# How servers that do not write JSON mark the level: NATS, NGINX, Python and Valkey.
FOREIGN_LEVELS = (
    (re.compile(r"\[(ERR|FTL|error|crit|alert|emerg)\]"), "ERROR"),
    (re.compile(r"\[(WRN|warn)\]"), "WARNING"),
    (re.compile(r"\s(ERROR|CRITICAL)\s|^Traceback \(most recent|^\w*Error: "), "ERROR"),
    (re.compile(r"\sWARNING\s|^\d+:[A-Z] .{18,30} # "), "WARNING"),
)
FOREIGN_PREFIX = re.compile(
    r"^(\[\d+\] )?(\d+:[A-Z] )?[\d/-]+( \w{3} \d{4})?[ T][\d:.,]+ ?"
    r"(\[\w+\] |[#*.-] |(ERROR|WARNING|CRITICAL) )?(\d+#\d+: )?"
)
# Valkey says these at each start, of things that matter to a production server only.
KNOWN_NOISE = re.compile(r"vm\.overcommit_memory|ready to exit, bye|Transparent Huge")
# What uvicorn says at each start and stop. The supervisor says what matters of it.
CHATTER = re.compile(
    r"(Started|Finished) server process|Waiting for application (startup|shutdown)"
    r"|Application (startup|shutdown) complete|Uvicorn running on|Shutting down$"
)


@dataclass(frozen=True, slots=True)
class Line:
    at: str
    level: str
    message: str
    fields: str = ""
    below: str = ""  # A traceback, shown under the line.

    @property
    def is_notable(self) -> bool:
        return self.level in NOTABLE

    @property
    def is_chatter(self) -> bool:
        return not self.is_notable and CHATTER.match(self.message) is not None


def wants_colour(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    environment = os.environ if environment is None else environment
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


def parse(text: str, *, now: datetime) -> Line:
    record = _json_object(text)
    if record is not None:
        return _structured(record, now)
    level = next((name for sign, name in FOREIGN_LEVELS if sign.search(text)), "")
    if level and KNOWN_NOISE.search(text):
        level = ""
    message = FOREIGN_PREFIX.sub("", text) if level else text
    return Line(now.strftime("%H:%M:%S"), level, message)


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _structured(record: dict[str, Any], now: datetime) -> Line:
    message = record.get("msg") or record.get("message") or record.get("event") or ""
    below = (
        record.get("exception") or record.get("traceback") or record.get("stack") or ""
    )
    fields = " ".join(
        f"{key}={_value(value)}"
        for key, value in record.items()
        if key not in HIDDEN_KEYS and value is not None
    )
    level = str(record.get("level", "")).upper()
    return Line(
        _clock(record.get("ts") or record.get("timestamp"), now),
        SYNONYMS.get(level, level),
        str(message),
        fields,
        below if isinstance(below, str) else json.dumps(below, indent=2),
    )


def _clock(stamp: object, now: datetime) -> str:
    """The record's time on the reader's clock; the time of arrival when it has none."""
    try:
        at = datetime.fromisoformat(str(stamp))
    except ValueError:
        return now.strftime("%H:%M:%S")
    return at.astimezone(now.tzinfo).strftime("%H:%M:%S")


def _value(value: object) -> str:
    if isinstance(value, str):
        plain = value and not re.search(r'[\s"=]', value)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


class Painter:
    """Renders lines, in colour or plainly; each service keeps one colour."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._names: dict[str, str] = {}

    def paint(self, name: str, line: Line) -> str:
        """HH:MM:SS service LEVEL message key=value, with a traceback indented below."""
        label = self._in(self._colour_of(name), f"{name:<{NAME_WIDTH}}")
        level = self._level(line.level)
        message = line.message
        if line.level in ALARMING:
            message = self._in(BOLD + RED, message)
        parts = [self._in(DIM, line.at), label, level, message]
        text = " ".join(part for part in parts if part)
        if line.fields:
            text = f"{text}  {self._in(DIM, line.fields)}"
        return text + self._below(line.below)

    def _below(self, below: str) -> str:
        rows = below.rstrip().splitlines()
        return "".join(f"\n    {self._in(RED, row)}" for row in rows)

    def _level(self, level: str) -> str:
        if not level:
            return ""
        padded = f"{level:<7}"
        if level in ALARMING:
            return self._in(BOLD + RED, padded)
        return self._in(YELLOW if level == "WARNING" else DIM, padded)

    def _colour_of(self, name: str) -> str:
        if name not in self._names:
            code = SERVICE_COLOURS[len(self._names) % len(SERVICE_COLOURS)]
            self._names[name] = f"\x1b[{code}m"
        return self._names[name]

    def strong(self, text: str) -> str:
        return self._in(BOLD, text)

    def faint(self, text: str) -> str:
        return self._in(DIM, text)

    def _in(self, code: str, text: str) -> str:
        return f"{code}{text}{RESET}" if self._colour else text
