"""The data servers: how each is told to keep what it has acknowledged."""

import sys
from collections.abc import Iterator
from pathlib import Path

from embedded.addresses import Addresses
from embedded.process import Process, Stage
from embedded.programs import script, valkey_program
from embedded.readiness import TcpProbe
from embedded.settings import StackSettings

NATS_CONFIGURATION = """\
listen: "127.0.0.1:{port}"
server_name: ticketing
max_payload: 1MB
jetstream {{
    store_dir: {folder}
    # An acknowledged event is on disk: the default syncs every two minutes.
    sync_interval: always
    max_memory_store: 64MB
    max_file_store: 64GB
}}
"""

VALKEY_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{folder}"
# A deadline is on disk before it is acknowledged, and nothing is ever evicted.
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
loglevel notice
"""


def stores(settings: StackSettings, addresses: Addresses) -> Iterator[Process]:
    """Those of our own that no given address replaces."""
    if not settings.given("NATS_URL"):
        yield _nats(settings.state_dir / "nats", addresses)
    if not settings.given("REDIS_URL"):
        yield _valkey(settings.state_dir / "valkey", addresses)
    if not settings.given("MONGO_URL"):
        yield _mongo(settings.state_dir / "mongo", addresses)


def _nats(folder: Path, addresses: Addresses) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    port = addresses.ports["nats"]
    path = folder / "nats.conf"
    path.write_text(NATS_CONFIGURATION.format(port=port, folder=f'"{folder}"'))
    return Process(
        name="nats",
        argv=(script("nats-server"), "--config", str(path)),
        url=addresses.nats,
        stage=Stage.STORES,
        ready=TcpProbe(port, expect=b"INFO "),
        env={"GOMEMLIMIT": "256MiB"},
        cwd=folder,
        grace_seconds=10,
        quiet=True,
    )


def _valkey(folder: Path, addresses: Addresses) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    port = addresses.ports["valkey"]
    path = folder / "valkey.conf"
    path.write_text(VALKEY_CONFIGURATION.format(port=port, folder=folder))
    return Process(
        name="valkey",
        argv=(valkey_program(), str(path)),
        url=addresses.redis,
        stage=Stage.STORES,
        ready=TcpProbe(port, say=b"PING\r\n", expect=b"+PONG\r\n"),
        cwd=folder,
        grace_seconds=10,
        quiet=True,
    )


def _mongo(folder: Path, addresses: Addresses) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    port = addresses.ports["mongo"]
    # A configuration of our own keeps it from reading one it finds in the home folder.
    path = folder / "secantusd.toml"
    path.write_text("# All settings are given as flags.\n")
    flags = ("--sync-on-commit", "--cache-size", "128M", "--log-level", "WARNING")
    data = str(folder / "data")
    where = ("--config", str(path), "--port", str(port), "--storage-path", data)
    return Process(
        name="mongo",
        argv=(sys.executable, script("secantusd-py"), *where, *flags),
        url=addresses.mongo,
        stage=Stage.STORES,
        ready=TcpProbe(port),
        cwd=folder,
        grace_seconds=10,
        quiet=True,
    )
