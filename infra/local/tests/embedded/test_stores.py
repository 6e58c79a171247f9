"""The real data servers, with what they acknowledged, through SIGKILL."""

import asyncio
import dataclasses
import io
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from embedded import addresses as where
from embedded.addresses import Addresses
from embedded.output import Terminal
from embedded.process import Process
from embedded.rendering import Painter
from embedded.settings import StackSettings
from embedded.state_file import StackFile, read
from embedded.stores import stores
from embedded.supervisor import Supervisor
from embedded.testing.standins import until

pytestmark = pytest.mark.asyncio


def settings_in(state_dir: Path, **environment: str) -> StackSettings:
    plain = {"PATH": os.environ["PATH"], **environment}
    return StackSettings(state_dir=state_dir, port=0, environment=plain)


@dataclasses.dataclass
class RunningStores:
    state_dir: Path
    addresses: Addresses

    async def kill(self, name: str) -> None:
        """SIGKILL one, and wait until another stands in its place."""
        before = self._entry(name)["pid"]
        os.kill(int(str(before)), signal.SIGKILL)

        def is_back() -> bool:
            entry = self._entry(name)
            return entry["pid"] != before and bool(entry["ready"])

        await until(is_back, f"{name} to be back")

    def _entry(self, name: str) -> dict[str, object]:
        found = read(self.state_dir)
        return dict(found["services"][name]) if found else {}


@pytest_asyncio.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningStores]:
    settings = settings_in(tmp_path)
    addresses = where.choose(settings)
    supervisor = Supervisor(
        list(stores(settings, addresses)),
        stack_file=StackFile(tmp_path, addresses.as_json()),
        logs=tmp_path / "logs",
        terminal=Terminal(io.StringIO(), Painter(colour=False)),
        environment=settings.child_environment(),
    )
    await supervisor.start()
    yield RunningStores(tmp_path, addresses)
    await supervisor.stop()


async def test_deadlines_survive_a_killed_valkey(running: RunningStores) -> None:
    async with Redis.from_url(running.addresses.redis) as redis:
        await redis.zadd("deadlines", {"order-1": 1_900_000_000})

    await running.kill("valkey")

    async with Redis.from_url(running.addresses.redis) as redis:
        assert await redis.zscore("deadlines", "order-1") == 1_900_000_000
        assert (await redis.config_get("maxmemory-policy")) == {
            "maxmemory-policy": "noeviction"
        }


async def test_acknowledged_events_survive_a_killed_nats(
    running: RunningStores,
) -> None:
    client = await nats.connect(running.addresses.nats)
    await client.jetstream().add_stream(name="ORDERS", subjects=["orders.*"])
    await client.jetstream().publish("orders.created", b"one")
    await client.close()

    await running.kill("nats")

    client = await nats.connect(running.addresses.nats)
    message = await client.jetstream().get_msg("ORDERS", 1)
    await client.close()
    assert message.data == b"one"


async def test_accounts_survive_a_killed_mongo_that_has_connections(
    running: RunningStores,
) -> None:
    async with AsyncMongoClient[dict[str, str]](running.addresses.mongo) as mongo:
        await mongo.auth.users.insert_one({"email": "sam@example.com"})

        await running.kill("mongo")

        found = await mongo.auth.users.find_one({"email": "sam@example.com"})
        assert found is not None


async def test_the_stores_stay_small(running: RunningStores) -> None:
    found = read(running.state_dir) or {}
    pids = [entry["pid"] for entry in found["services"].values()]

    def resident_kib(pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    total = await asyncio.to_thread(lambda: sum(map(resident_kib, pids)))
    assert total < 250 * 1024


async def test_a_given_address_replaces_our_own_server(tmp_path: Path) -> None:
    settings = settings_in(
        tmp_path, NATS_URL="nats://there:4222", MONGO_URL="mongodb://there/"
    )
    addresses = where.choose(settings)

    ours: list[Process] = list(stores(settings, addresses))

    assert [process.name for process in ours] == ["valkey"]
    assert addresses.nats == "nats://there:4222"
    assert addresses.mongo == "mongodb://there/"
