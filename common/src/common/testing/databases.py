"""Databases for tests: SQLite always, a private MariaDB where there is one.

A service's `conftest.py` says which migrations are its own; each test gets every
backend in turn, migrated and empty.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import MetaData

from common.db import Database
from common.db.messaging_tables import metadata as messaging_metadata
from common.db.migrations import upgrade

_START_SECONDS = 60.0


def sqlite_url(folder: Path) -> str:
    """Return the URL of a new SQLite file in ``folder``."""
    return f"sqlite+aiosqlite:///{folder / 'test.sqlite3'}"


async def empty_tables(database: Database, *schemas: MetaData) -> None:
    """Delete all rows, so that a migrated database serves the next test."""
    async with database.transaction() as session:
        for schema in schemas:
            for table in reversed(schema.sorted_tables):
                await session.execute(table.delete())


@cache
def mariadb_server() -> str | None:
    """Return the path of a MariaDB or MySQL server program, or None."""
    return shutil.which("mariadbd") or shutil.which(
        "mysqld", path=f"{os.environ.get('PATH', '')}:/usr/sbin"
    )


class MariaDb:
    """A running private server."""

    def __init__(self, socket_path: Path, port: int) -> None:
        self._socket = socket_path
        self._port = port

    def create(self, name: str) -> str:
        """Create the database ``name`` if needed; return its SQLAlchemy URL."""
        self.execute(
            f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4",
        )
        return f"mysql+asyncmy://test:test@127.0.0.1:{self._port}/{name}"

    def empty(self, name: str, *schemas: MetaData) -> None:
        """Delete all rows of the tables of ``schemas`` in the database ``name``."""
        tables = [table for schema in schemas for table in schema.tables]
        deletes = "".join(f"DELETE FROM `{t}`;" for t in tables)  # noqa: S608 - our own names
        self.execute(f"USE {name}; SET foreign_key_checks=0; {deletes}")

    def execute(self, statement: str) -> None:
        """Run ``statement`` as the administrator."""
        client = shutil.which("mariadb") or "mysql"
        subprocess.run(  # noqa: S603 - a program and statement of our own
            [client, "--no-defaults", f"--socket={self._socket}", "-e", statement],
            check=True,
            capture_output=True,
        )


class MigratedDatabases:
    """Databases that were migrated once and serve many tests, each empty."""

    def __init__(self, folder: Path) -> None:
        """Keep the migrated SQLite files in ``folder``."""
        self._folder = folder
        self._templates: dict[Path, Path] = {}
        self._urls: dict[Path, str] = {}

    def sqlite(self, service: str, migrations: Path, folder: Path) -> str:
        """Return the URL of a migrated SQLite file of its own in ``folder``."""
        if migrations not in self._templates:
            template = self._folder / f"{service}.sqlite3"
            _upgrade_beside_any_loop(migrations, f"sqlite+aiosqlite:///{template}")
            self._templates[migrations] = template
        copy = folder / f"{service}.sqlite3"
        shutil.copyfile(self._templates[migrations], copy)
        return f"sqlite+aiosqlite:///{copy}"

    def mariadb(
        self,
        server: MariaDb,
        service: str,
        migrations: Path,
        metadata: Sequence[MetaData],
    ) -> str:
        """Return the URL of the one migrated database of ``service``, emptied."""
        name = f"test_{service}"
        if migrations not in self._urls:
            url = server.create(name)
            _upgrade_beside_any_loop(migrations, url)
            self._urls[migrations] = url
        server.empty(name, *metadata, messaging_metadata)
        return self._urls[migrations]


def _upgrade_beside_any_loop(migrations: Path, url: str) -> None:
    """Migrate from a thread: an async fixture's loop may be running in this one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(upgrade, migrations, url).result()


@contextmanager
def running_mariadb() -> Iterator[MariaDb]:
    """Start a server on a free loopback port with data of its own; stop it after.

    Raises:
        RuntimeError: it did not come up within a minute.
    """
    server = mariadb_server()
    if server is None:
        raise RuntimeError("no MariaDB or MySQL server is installed")
    with tempfile.TemporaryDirectory(prefix="mariadb-") as folder:
        data, sock = Path(folder, "data"), Path(folder, "s.sock")
        _install(data)
        port = _free_port()
        process = subprocess.Popen(  # noqa: S603 - a program and arguments of our own
            [
                server, "--no-defaults", f"--datadir={data}", f"--socket={sock}",
                f"--port={port}", "--bind-address=127.0.0.1", "--user=root",
                f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=2",
                # Far from UTC, so that whatever trusts the server's zone fails.
                "--default-time-zone=-07:00",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            maria = MariaDb(sock, port)
            _await(maria, process)
            for host in ("localhost", "127.0.0.1"):
                maria.execute(
                    f"CREATE USER IF NOT EXISTS test@{host!r} IDENTIFIED BY 'test';"
                    f"GRANT ALL ON *.* TO test@{host!r}"
                )
            yield maria
        finally:
            process.terminate()
            process.wait()


def _install(data: Path) -> None:
    program = shutil.which("mariadb-install-db") or "mysql_install_db"
    subprocess.run(  # noqa: S603 - a program and arguments of our own
        [program, "--no-defaults", f"--datadir={data}", "--user=root",
         "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _await(maria: MariaDb, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            maria.execute("SELECT 1")
        except subprocess.CalledProcessError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("MariaDB did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
