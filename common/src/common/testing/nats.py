"""A real NATS server with JetStream on disk, which a test may kill and restart."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from common.bus import connected

_START_SECONDS: Final = 30.0


class NatsServer:
    """One server process; its port and its store outlive the process."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server that keeps everything in ``folder``."""
        self.port = _free_port()
        self._config = folder / "nats.conf"
        self._log = folder / "nats.log"
        self._config.write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            f"jetstream {{ store_dir: {json.dumps(str(folder / 'store'))}, "
            "sync_interval: always }\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, on the same port with the same store; return when it answers.

        Raises:
            RuntimeError: it did not come up within half a minute.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own
                [_program(), "--config", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.02)
        raise RuntimeError(f"NATS did not start:\n{self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End the process as a power cut would: SIGKILL, no goodbye."""
        self._end("kill")

    def stop(self) -> None:
        """End the process in order."""
        self._end("terminate")

    def _end(self, how: str) -> None:
        if self._process is not None:
            getattr(self._process, how)()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        """Tell whether a client is greeted; JetStream has recovered by then."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as client:
                return client.recv(5) == b"INFO "
        except OSError:
            return False


@contextmanager
def running_nats(folder: Path) -> Iterator[NatsServer]:
    """Start a server that keeps everything in ``folder``; stop it after."""
    server = NatsServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def delete_streams(url: str) -> None:
    """Delete every stream, and with them the consumers and messages, at ``url``."""
    async with connected(url, name="test-cleaner") as bus:
        js = bus.context
        for info in await js.streams_info():
            assert info.config.name is not None  # noqa: S101 - every stream has one
            await js.delete_stream(info.config.name)


def _program() -> str:
    """Return the server program: the one installed beside this Python first."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise RuntimeError("nats-server is not installed")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
