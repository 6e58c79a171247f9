"""Row R7 and the rest: what happens while a dependency is away."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from auth.errors import StoreUnavailable
from auth.mongo import Mongo, MongoSession
from auth.passwords import PasswordHashing
from common.testing.asgi import RunningApp
from common.testing.http import assert_problem
from common.testing.mongo import MongoServer

StartApp = Callable[..., Awaitable[RunningApp]]

pytestmark = pytest.mark.asyncio


async def until_status(client: httpx.AsyncClient, path: str, status: int) -> None:
    async with asyncio.timeout(30):
        while (await client.get(path)).status_code != status:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.05)


@pytest.fixture
def collected() -> Iterator[None]:
    """Collects garbage when all else of the test has ended."""
    yield
    gc.collect()


# PyMongo drops a socket without closing it when a server dies while it connects.
# Collected within this test, it is not held against another one.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_database_goes_and_comes_back(
    start_app: StartApp,
    mongo_server: MongoServer,
    credentials: dict[str, str],
    driver: str,
) -> None:
    app = await start_app(mongo_url=mongo_server.url, mongo_driver=driver)
    client = await app.client()
    answer = await client.post("/api/users/signup", json=credentials)
    assert answer.status_code == 201
    mongo_server.kill()
    for route in ("signin", "signup"):
        answer = await client.post(f"/api/users/{route}", json=credentials)
        assert_problem(answer, 503, code="store_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert_problem(await client.post("/api/users/signout"), 503)
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["resources"]["database"] != "ok"
    assert (await client.get("/livez")).status_code == 200
    # Who is signed in is known from the token alone.
    known = await client.get("/api/users/currentuser")
    assert known.json()["data"]["email"] == credentials["email"]

    await asyncio.to_thread(mongo_server.start)
    async with asyncio.timeout(30):
        status = 503
        while status == 503:
            answer = await client.post("/api/users/signin", json=credentials)
            status = answer.status_code
    assert status == 200


async def test_auth_starts_before_its_database(
    start_app: StartApp, mongo_server: MongoServer, credentials: dict[str, str]
) -> None:
    mongo_server.kill()
    app = await start_app(prepared=False, mongo_url=mongo_server.url)
    client = await app.client()
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).status_code == 503
    await asyncio.to_thread(mongo_server.start)
    await app.state["accounts"].mongo.wait_prepared()
    answer = await client.post("/api/users/signup", json=credentials)
    assert answer.status_code == 201
    indexes = await app.state["accounts"].mongo.database["users"].index_information()
    assert indexes["unique_email"]["unique"]


async def test_nothing_is_written_before_the_unique_index_exists(
    start_app: StartApp, mongo_server: MongoServer
) -> None:
    mongo_server.kill()
    app = await start_app(prepared=False, mongo_url=mongo_server.url)
    mongo: Mongo = app.state["accounts"].mongo

    async def never(session: MongoSession) -> None:
        raise AssertionError(session)

    with pytest.raises(StoreUnavailable, match="not available yet"):
        await mongo.transaction(never)


async def test_signing_up_does_not_need_nats(
    app: RunningApp, credentials: dict[str, str]
) -> None:
    client = await app.client()
    answer = await client.post("/api/users/signup", json=credentials)
    assert answer.status_code == 201
    outbox = app.state["accounts"].outbox
    assert (await outbox.backlog()).pending == 1


async def test_too_many_waiting_to_be_hashed_is_503(
    start_app: StartApp, credentials: dict[str, str]
) -> None:
    app = await start_app(password_threads=1, password_queue=1)
    passwords: PasswordHashing = app.state["accounts"].passwords
    release = threading.Event()
    passwords._threads.submit(release.wait)
    waiting = [asyncio.create_task(passwords.hash("somebody's")) for _ in range(2)]
    client = await app.client()
    answer = await client.post("/api/users/signup", json=credentials)
    assert_problem(answer, 503, code="busy")
    assert answer.headers["retry-after"] == "1"
    release.set()
    await asyncio.gather(*waiting)
    answer = await client.post("/api/users/signup", json=credentials)
    assert answer.status_code == 201


async def test_ready_once_everything_answers(
    start_app: StartApp, nats_url: str
) -> None:
    app = await start_app(nats_url=nats_url)
    client = await app.client()
    await until_status(client, "/readyz", 200)
    assert (await client.get("/metrics")).status_code == 200
