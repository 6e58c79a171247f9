"""The HTTP edge: every error is a problem, none echoes the input, none is a 5xx."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Table, func, insert, select
from starlette.types import Message, Receive, Scope, Send

from common.db import Database, DatabaseUnavailable
from common.errors import Conflict, InvalidInput, TooManyRequests
from common.ids import is_id
from common.testing.databases import MariaDb
from common.testing.plugin import on_mariadb
from common.web import Transaction, create_service_app

pytestmark = pytest.mark.asyncio

HOST = "shop.test"
NEEDLE = "n33dle-from-the-input"


class Listing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=50)
    price: int = Field(strict=True, ge=1, le=10**8)


class Promise(BaseModel):
    number: int


router = APIRouter()


@router.post("/api/things", status_code=201)
async def create_thing(listing: Listing) -> dict[str, str]:
    return {"title": listing.title}


@router.get("/api/things")
async def list_things(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    city: Annotated[str | None, Query(max_length=20)] = None,
    x_count: Annotated[int | None, Header()] = None,
) -> dict[str, object]:
    return {"limit": limit, "city": city, "count": x_count}


@router.get("/api/things/{number}")
async def get_thing(number: int) -> dict[str, int]:
    return {"number": number}


@router.get("/api/crash")
async def crash() -> None:
    raise RuntimeError(f"password of the database is {NEEDLE}")


@router.get("/api/broken-promise", response_model=Promise)
async def broken_promise() -> object:
    return {"number": NEEDLE}


@router.get("/api/conflict")
async def conflict() -> None:
    raise Conflict("It was just taken", order_id="o1")


@router.get("/api/slow-down")
async def slow_down() -> None:
    raise TooManyRequests("Too many tries", retry_after=2.2)


@router.get("/api/invalid")
async def invalid() -> None:
    raise InvalidInput("price", "must be at least $0.50")


def make_app(**state: object) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        yield {"pings": {}, **state}

    return create_service_app(
        title="Things", prefix="/api/things", routers=[router], lifespan=lifespan
    )


@asynccontextmanager
async def browsing(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}"
        ) as client:
            yield client


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(make_app()) as client:
        yield client


def a_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"] == f"urn:ticketing:error:{body['code']}"
    assert body["message"] == body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


async def post(
    client: httpx.AsyncClient, body: bytes | str, kind: str = "application/json"
) -> httpx.Response:
    headers = {"content-type": kind} if kind else {}
    return await client.post("/api/things", content=body, headers=headers)


async def test_good_input_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/things", json={"title": "a", "price": 5})
    assert (answer.status_code, answer.json()) == (201, {"title": "a"})


async def test_s18_bad_input_names_the_field_without_its_value(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/api/things", json={"title": "", "price": NEEDLE})
    body = a_problem(answer, 422)
    assert {one["field"] for one in body["errors"]} == {"title", "price"}
    assert NEEDLE not in answer.text


HOSTILE_BODIES = {
    "nothing": b"",
    "no json": b"{" + NEEDLE.encode(),
    "half": b'{"title": "a", "price":',
    "null": b"null",
    "list": b"[]",
    "text": json.dumps(NEEDLE).encode(),
    "deep list": b"[" * 30_000,
    "deep object": b'{"a":' * 10_000,
    "deep inside": b'{"title": ' + b"[" * 20_000 + b"]" * 20_000 + b', "price": 1}',
    "invalid utf-8": b'{"title": "\xff\xfe", "price": 5}',
    "utf-16": '{"title": "a"}'.encode("utf-16"),
    "nul": b"\x00\x00\x00",
    "nan": b'{"title": "a", "price": NaN}',
    "infinity": b'{"title": "a", "price": -Infinity}',
    "big float": b'{"title": "a", "price": 1e999}',
    "float": b'{"title": "a", "price": 5.5}',
    "number in text": b'{"title": "a", "price": "5"}',
    "true": b'{"title": "a", "price": true}',
    "big number": b'{"title": "a", "price": ' + b"9" * 4000 + b"}",
    "bigger number": b'{"title": "a", "price": ' + b"9" * 10_000 + b"}",
    "lone surrogate": b'{"title": "\\ud800", "price": 5}',
    "lone surrogate as a key": b'{"title": "a", "price": 5, "\\ud800": 1}',
    "unknown key": json.dumps({"title": "a", "price": 5, "k": NEEDLE}).encode(),
    "long unknown key": json.dumps({"title": "a", "price": 5, "k" * 9000: 1}).encode(),
    "missing": b"{}",
    "wrong kinds": b'{"title": {"a": [1]}, "price": [null]}',
    "long text": json.dumps({"title": "x" * 60_000, "price": 5}).encode(),
}


@pytest.mark.parametrize("kind", sorted(HOSTILE_BODIES))
async def test_s18_a_hostile_body_is_a_problem_of_the_caller(
    client: httpx.AsyncClient, kind: str
) -> None:
    answer = await post(client, HOSTILE_BODIES[kind])
    assert answer.status_code in {400, 422}, answer.text
    a_problem(answer, answer.status_code)
    assert NEEDLE not in answer.text
    assert len(answer.content) < 2000


async def test_malformed_json_is_400(client: httpx.AsyncClient) -> None:
    body = a_problem(await post(client, b"{"), 400)
    assert body["code"] == "malformed_json"


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"],
)
async def test_s8_only_json_is_read_as_json(
    client: httpx.AsyncClient, kind: str
) -> None:
    answer = await post(client, b'{"title": "a", "price": 5}', kind)
    assert answer.status_code in {400, 415, 422}
    a_problem(answer, answer.status_code)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=" + "9" * 5000,
        "limit=1e2",
        "limit=%00",
        "limit=%ff%fe",
        "limit=%F0%9F%92%A9",
        "limit=NaN",
        "limit=",
        "limit=" + NEEDLE,
        "city=" + "x" * 5000,
    ],
)
async def test_s18_a_hostile_query_is_422(
    client: httpx.AsyncClient, query: str
) -> None:
    answer = await client.get(f"/api/things?{query}")
    a_problem(answer, 422)
    assert NEEDLE not in answer.text


@pytest.mark.parametrize("query", ["%", "&&&=", "city=%00", "city=%ff", "%ff=%ff", "a"])
async def test_s18_a_query_of_garbage_is_survived(
    client: httpx.AsyncClient, query: str
) -> None:
    assert (await client.get(f"/api/things?{query}")).status_code == 200


@pytest.mark.parametrize(
    "path", ["x", "1.5", "%00", "%ff", "9" * 5000, "-" + "9" * 999]
)
async def test_s18_a_hostile_path_is_a_problem_of_the_caller(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(f"/api/things/{path}")
    assert answer.status_code in {200, 404, 422}, answer.text


@pytest.mark.parametrize("value", ["x", "\xff", "9" * 5000, ""])
async def test_s18_a_hostile_header_is_422(
    client: httpx.AsyncClient, value: str
) -> None:
    headers = [(b"x-count", value.encode("latin-1"))]
    a_problem(await client.get("/api/things", headers=headers), 422)


async def test_an_unknown_path_is_404(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/api/nothing/{NEEDLE}")
    assert a_problem(answer, 404)["code"] == "not_found"
    assert NEEDLE not in answer.text


async def test_a_wrong_method_is_405_and_says_which_are_right(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.delete("/api/things/5")
    assert a_problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET"


async def test_s19_a_body_above_64_kib_is_413(client: httpx.AsyncClient) -> None:
    a_problem(await post(client, b" " * (64 * 1024 + 1)), 413)


async def test_s19_a_body_that_does_not_say_its_length_is_413_too(
    client: httpx.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    answer = await client.post(
        "/api/things", content=chunks(), headers={"content-type": "application/json"}
    )
    a_problem(answer, 413)


async def test_a_business_error_has_its_status_code_and_extras(
    client: httpx.AsyncClient,
) -> None:
    body = a_problem(await client.get("/api/conflict"), 409)
    assert (body["code"], body["detail"]) == ("conflict", "It was just taken")
    assert body["order_id"] == "o1"


async def test_retry_after_is_whole_seconds_rounded_up(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/slow-down")
    a_problem(answer, 429)
    assert answer.headers["retry-after"] == "3"


async def test_input_refused_by_a_use_case_looks_like_any_other(
    client: httpx.AsyncClient,
) -> None:
    body = a_problem(await client.get("/api/invalid"), 422)
    assert body["errors"] == [{"field": "price", "message": "must be at least $0.50"}]


@pytest.mark.parametrize("path", ["/api/crash", "/api/broken-promise"])
async def test_a_fault_of_ours_is_500_without_details(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert a_problem(answer, 500)["code"] == "internal_error"
    assert NEEDLE not in answer.text
    assert "Traceback" not in answer.text


async def test_a_given_request_id_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing", headers={"x-request-id": "abc-1.2_3"})
    assert a_problem(answer, 404)["request_id"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'a"b', "a\tb", "é"])
async def test_an_invalid_request_id_is_replaced(
    client: httpx.AsyncClient, given: str
) -> None:
    headers = [(b"x-request-id", given.encode("latin-1"))]
    answer = await client.get("/api/things", headers=headers)
    assert is_id(answer.headers["x-request-id"])


async def test_each_request_gets_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/api/things") for _ in range(3)]
    assert len({one.headers["x-request-id"] for one in answers}) == 3


@pytest.mark.parametrize("path", ["/api/things", "/nothing", "/api/crash", "/livez"])
async def test_s17_every_answer_has_the_security_headers(
    client: httpx.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "referrer-policy" in headers


KINDS = ["application/json", "text/plain", "application/x-www-form-urlencoded"]
FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": f"http://{HOST}.evil.example"},
    {"origin": f"http://evil.example/{HOST}"},
    {"origin": f"http://{HOST}:8080"},
    {"origin": ""},
    {"origin": "http://[bad"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "odd"},
    {"sec-fetch-site": "cross-site", "origin": f"http://{HOST}"},
]
OWN = [
    {},
    {"origin": f"http://{HOST}"},
    {"origin": f"https://{HOST}"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_s8_an_unsafe_request_of_another_site_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], kind: str
) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await client.request(
            method, "/api/things", headers={**headers, "content-type": kind}
        )
        assert a_problem(answer, 403)["code"] == "cross_site"


@pytest.mark.parametrize("headers", OWN, ids=str)
async def test_s8_an_unsafe_request_of_our_own_page_is_served(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post(
        "/api/things", json={"title": "a", "price": 5}, headers=headers
    )
    assert answer.status_code == 201


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_s8_anyone_may_read(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.get("/api/things", headers=headers)).status_code == 200


async def test_openapi_and_docs_lie_under_the_prefix(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/things/openapi.json")).json()
    assert "/api/things" in document["paths"]
    assert "/livez" not in document["paths"]
    assert (await client.get("/api/things/docs")).status_code == 200
    assert (await client.get("/docs")).status_code == 404


async def test_liveness_asks_nobody() -> None:
    asked: list[str] = []

    async def ping() -> None:
        asked.append("ping")
        raise DatabaseUnavailable("away")

    async with browsing(make_app(pings={"database": ping})) as client:
        assert (await client.get("/livez")).status_code == 200
        assert asked == []
        assert (await client.get("/readyz")).status_code == 503
        assert asked == ["ping"]


async def test_readiness_names_each_resource_within_a_second() -> None:
    async def good() -> None:
        return None

    async def hanging() -> None:
        await asyncio.Event().wait()

    async def broken() -> None:
        raise DatabaseUnavailable(NEEDLE)

    pings = {"one": good, "two": hanging, "three": hanging, "four": broken}
    async with browsing(make_app(pings=pings)) as client:
        started = monotonic()
        answer = await client.get("/readyz")
        assert monotonic() - started < 2
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "resources": {
            "one": "ok",
            "two": "no answer in time",
            "three": "no answer in time",
            "four": "DatabaseUnavailable",
        },
    }


async def test_ready_when_all_answer() -> None:
    async def good() -> None:
        return None

    async with browsing(make_app(pings={"one": good})) as client:
        answer = await client.get("/readyz")
    assert answer.json() == {"ready": True, "resources": {"one": "ok"}}
    assert answer.status_code == 200


async def test_metrics_name_routes_and_never_paths(client: httpx.AsyncClient) -> None:
    await client.get("/api/things/771")
    await client.get("/api/nothing/772")
    await client.request("INVENTED", "/api/things/773")
    text = (await client.get("/metrics")).text
    routes = set(re.findall(r'http_route="([^"]*)"', text))
    assert {"/api/things/{number}", "unmatched"} <= routes
    assert not [route for route in routes if re.search(r"\d", route)]
    assert "INVENTED" not in text


@asynccontextmanager
async def with_database(
    database: Database, notes: Table, sabotage: Callable[[int], None] = lambda _: None
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of an app that writes notes; ``sabotage`` precedes the commit."""
    writing = APIRouter()

    @writing.post("/api/notes/{text}", status_code=201)
    async def write(text: str, session: Transaction) -> dict[str, bool]:
        await session.execute(insert(notes).values(text=text))
        if text == "change-my-mind":
            raise Conflict("no")
        if not database.is_sqlite:
            found = await session.execute(select(func.connection_id()))
            sabotage(int(found.scalar_one()))
        return {"written": True}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        yield {"pings": {"database": database.ping}, "database": database}

    app = create_service_app(
        title="Notes", prefix="/api/notes", routers=[writing], lifespan=lifespan
    )
    async with browsing(app) as client:
        yield client


async def noted(database: Database, notes: Table) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(notes.c.text)))


async def test_the_commit_comes_before_the_answer(
    database: Database, notes: Table
) -> None:
    committed: list[list[str]] = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        async def before(message: Message) -> None:
            if message["type"] == "http.response.start":
                committed.append(await noted(database, notes))
            await send(message)

        await inner(scope, receive, before)

    async with with_database(database, notes) as client:
        transport = client._transport
        assert isinstance(transport, httpx.ASGITransport)
        inner = transport.app
        transport.app = look
        answer = await client.post("/api/notes/a")
    assert answer.status_code == 201
    assert committed == [["a"]]


@on_mariadb
async def test_a_commit_that_fails_is_503_and_never_a_success(
    database: Database, notes: Table, mariadb: MariaDb
) -> None:
    def kill(connection_id: int) -> None:
        mariadb.execute(f"KILL {connection_id}")

    async with with_database(database, notes, kill) as client:
        answer = await client.post("/api/notes/a")
    assert a_problem(answer, 503)["code"] == "database_unavailable"
    assert answer.headers["retry-after"] == "1"
    assert await noted(database, notes) == []


async def test_a_route_that_raises_commits_nothing(
    database: Database, notes: Table
) -> None:
    async with with_database(database, notes) as client:
        a_problem(await client.post("/api/notes/change-my-mind"), 409)
    assert await noted(database, notes) == []


async def test_a_database_that_takes_the_call_and_is_silent_is_not_ready() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    database = Database(f"mysql+asyncmy://a:b@127.0.0.1:{port}/c")
    async with browsing(make_app(pings={"database": database.ping})) as client:
        started = monotonic()
        answer = await client.get("/readyz")
        assert monotonic() - started < 2
    assert answer.json()["resources"] == {"database": "no answer in time"}
    await database.close()
    silent.close()
