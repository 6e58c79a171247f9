"""A real server that speaks MongoDB's protocol; a test may kill and restart it."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0


class MongoServer:
    """One `secantusd-py` process; its port and its store outlive the process."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server that keeps everything in ``folder``."""
        self.port = _free_port()
        self._folder = folder
        self._log = folder / "mongo.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"mongodb://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start, on the same port with the same store; return when it listens.

        Raises:
            RuntimeError: it did not come up within half a minute.
        """
        command = [
            _program(), "--host", "127.0.0.1", "--port", str(self.port),
            "--storage-path", str(self._folder / "store"), "--sync-on-commit",
            "--log-level", "WARNING",
        ]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - a program of our own
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._listens():
                return
            time.sleep(0.05)
        raise RuntimeError(f"MongoDB did not start:\n{self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End the process as a power cut would: SIGKILL, no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the process in order, if it lets us: a young one ignores SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        except OSError:
            return False
        return True


@contextmanager
def running_mongo(folder: Path) -> Iterator[MongoServer]:
    """Start a server that keeps everything in ``folder``; stop it after."""
    server = MongoServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _program() -> str:
    """Return the server program: the one installed beside this Python first."""
    beside = Path(sys.executable).parent / "secantusd-py"
    found = str(beside) if beside.exists() else shutil.which("secantusd-py")
    if found is None:
        raise RuntimeError("secantusdb is not installed")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
