"""What /proc tells about processes; where there is none (macOS), ps tells the least."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process beyond doubt: a pid is used again, a pid with its start time is not."""

    pid: int
    started: str  # Clock ticks since the machine's boot; without /proc, a date.
    executable: str


def _stat_fields(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    # The command stands in parentheses and may itself hold spaces and parentheses.
    return text.rpartition(")")[2].split()


def identity(pid: int) -> Identity | None:
    """The live process with this pid, or None (a zombie is not alive)."""
    if not PROC.is_dir():
        return _told_by_ps(pid)
    fields = _stat_fields(pid)
    if fields is None or fields[0] == "Z":
        return None
    try:
        executable = str((PROC / str(pid) / "exe").readlink())
    except OSError:
        executable = ""
    return Identity(pid, fields[19], executable)


def _told_by_ps(pid: int) -> Identity | None:
    command = ("/bin/ps", "-o", "lstart=,comm=", "-p", str(pid))
    said = subprocess.run(  # noqa: S603 A fixed command and a number.
        command, capture_output=True, text=True, check=False
    ).stdout.strip()
    # The date takes the first five words, as in: Sun Nov 22 12:00:00 2026 /bin/sh
    words = said.split(maxsplit=5)
    if len(words) < 6:
        return None
    return Identity(pid, " ".join(words[:5]), words[5])


def command_line(pid: int) -> str:
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def _pids() -> Iterator[int]:
    if PROC.is_dir():
        yield from (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def session_members(session: int) -> list[Identity]:
    """Live processes of a session; its number is the pid of the one that began it."""
    if not PROC.is_dir():
        leader = identity(session)
        return [leader] if leader else []
    members = []
    for pid in _pids():
        fields = _stat_fields(pid)
        if fields is None or int(fields[3]) != session:
            continue
        found = identity(pid)
        if found is not None:
            members.append(found)
    return members


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (PROC / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, lines):
            if columns[3] == LISTENING and columns[1].endswith(f":{port:04X}"):
                inodes.add(columns[9])
    return inodes


def _holds_socket(pid: int, inodes: set[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        handles = list((PROC / str(pid) / "fd").iterdir())
        return any(str(handle.readlink()) in wanted for handle in handles)
    except OSError:
        return False


def port_owner(port: int) -> tuple[int, str] | None:
    """The pid and command that listens on a port, where we may know it."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for pid in _pids():
        if _holds_socket(pid, inodes):
            return pid, command_line(pid)
    return None
