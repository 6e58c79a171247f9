"""Choosing ports that nothing else uses."""

import contextlib
import errno
import random
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from embedded import procfs

LOOPBACK = "127.0.0.1"
LOOPBACK_6 = "::1"
# Below the range from which the kernel takes the source ports of connections: a port
# from that range could be gone when a process that crashed wants it back.
LOWEST, HIGHEST = 18000, 32000
KERNEL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortTaken(Exception):
    """The port that was asked for is in use; the message says by whom."""


def _highest() -> int:
    try:
        first_ephemeral = int(KERNEL_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return HIGHEST
    return min(HIGHEST, first_ephemeral) if first_ephemeral > LOWEST + 1000 else HIGHEST


def has_ipv6_loopback() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        _bound(LOOPBACK_6, 0).close()
    except OSError:
        return False
    return True


def _bound(host: str, port: int, *, reuse: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    candidate = socket.socket(family, socket.SOCK_STREAM)
    try:
        if reuse:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        candidate.bind((host, port))
        candidate.listen(1)
    except OSError:
        candidate.close()
        raise
    return candidate


def choose_free(names: Iterable[str]) -> dict[str, int]:
    """A different free loopback port for each name."""
    wanted = list(names)
    candidates = iter(random.sample(range(LOWEST, _highest()), k=1000))
    chosen: dict[str, int] = {}
    with contextlib.ExitStack() as held:
        for name in wanted:
            listener = _next_free(candidates)
            held.callback(listener.close)
            chosen[name] = int(listener.getsockname()[1])
    return chosen


def _next_free(candidates: Iterable[int]) -> socket.socket:
    for port in candidates:
        try:
            return _bound(LOOPBACK, port)
        except OSError:
            continue
    raise PortTaken("no free port was found on this machine")


def gateway_hosts() -> tuple[str, ...]:
    """Browsers turn localhost into either address, so the gateway listens on both."""
    return (LOOPBACK, LOOPBACK_6) if has_ipv6_loopback() else (LOOPBACK,)


def require_free(port: int, hosts: Sequence[str]) -> None:
    """Raise PortTaken, naming the owner where it can be known."""
    for host in hosts:
        try:
            _bound(host, port, reuse=True).close()
        except OSError as error:
            raise PortTaken(_plain_words(port, error)) from error


def _plain_words(port: int, error: OSError) -> str:
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user; choose one above 1023."
    if error.errno != errno.EADDRINUSE:
        return f"Port {port} cannot be opened: {error.strerror}."
    owner = procfs.port_owner(port)
    by = f" by process {owner[0]} ({owner[1][:120]})" if owner else ""
    return (
        f"Port {port} is already in use{by}.\n"
        f"End that program, or choose another port: make up PORT={port + 1}"
    )
