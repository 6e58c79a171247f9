"""Where the output of every process goes: its raw log file, and the terminal."""

import contextlib
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TextIO

from embedded.rendering import Line, Painter, parse

LARGEST_LOG_BYTES = 50 * 1024 * 1024
REMEMBERED_LINES = 12
LONGEST_LINE_BYTES = 64 * 1024
OUR_NAME = "stack"


class Terminal:
    """The one terminal, shared by all processes; it may go away while we run."""

    def __init__(self, stream: TextIO, painter: Painter) -> None:
        self._stream: TextIO | None = stream
        self.painter = painter

    def show(self, name: str, line: Line) -> None:
        self.write(self.painter.paint(name, line))

    def say(self, message: str, level: str = "INFO") -> None:
        """A line of the supervisor's own."""
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        self.show(OUR_NAME, Line(at, level, message))

    def write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # The reader went away (a closed pipe or window); the raw logs go on.
            self._stream = None


class Output:
    """The output of one process, over all its restarts."""

    def __init__(
        self, name: str, path: Path, terminal: Terminal, *, notable_only: bool
    ) -> None:
        self._name = name
        self._path = path
        self._terminal = terminal
        self._notable_only = notable_only
        self._file = self._open()
        self._unfinished = b""
        self._last: deque[str] = deque(maxlen=REMEMBERED_LINES)

    def _open(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._path.open("ab", buffering=0)

    def feed(self, chunk: bytes) -> None:
        self._file.write(chunk)
        if self._file.tell() > LARGEST_LOG_BYTES:
            self._rotate()
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        if len(self._unfinished) > LONGEST_LINE_BYTES:
            lines.append(self._unfinished)
            self._unfinished = b""
        for line in lines:
            self._line(line.decode(errors="replace").rstrip())

    def end(self) -> None:
        """The process ended: its last line may lack the line feed."""
        if self._unfinished:
            self._line(self._unfinished.decode(errors="replace").rstrip())
            self._unfinished = b""

    def _rotate(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file = self._open()

    def _line(self, text: str) -> None:
        if not text:
            return
        self._last.append(text)
        line = parse(text, now=datetime.now().astimezone())
        if line.is_notable or not (self._notable_only or line.is_chatter):
            self._terminal.show(self._name, line)

    def last_lines(self) -> str:
        """The newest lines, rendered plainly, for the report of a crash."""
        plain = Painter(colour=False)
        now = datetime.now().astimezone()
        return "\n".join(
            plain.paint(self._name, parse(text, now=now)) for text in self._last
        )

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
