"""The OpenAPI document and the page that shows it."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel

from common.identity import CurrentUser, OptionalUser
from common.testing.http import lend_api
from common.testing.routes import ApiRoute, routes_of
from common.web import refusals
from common.web.openapi import Problem
from common.web.problems import problem

pytestmark = pytest.mark.asyncio


class Wish(BaseModel):
    title: str


router = APIRouter(prefix="/api/things")


@router.get("")
async def list_things(limit: Annotated[int, Query()] = 1) -> int:
    return limit


@router.get("/greeting")
async def greet(user: OptionalUser) -> str:
    return user.email if user else "stranger"


@router.post("", responses=refusals(409))
async def make_thing(user: CurrentUser, wish: Wish) -> str:
    return f"{wish.title} for {user.email}"


@router.delete("/{thing}", status_code=204, responses=refusals(409, 412))
async def drop_thing(
    user: CurrentUser, thing: str, if_match: Annotated[str, Header()] = ""
) -> None:
    assert user, (thing, if_match)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with lend_api(router, {}) as client:
        yield client


@pytest_asyncio.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/api/things/openapi.json")).json()
    return found


async def test_each_route_declares_what_its_form_makes_possible(
    document: dict[str, Any],
) -> None:
    declared = {
        str(route): " ".join(route.operation["responses"])
        for route in routes_of(document)
    }
    assert declared == {
        "GET /api/things": "200 422 503",
        "GET /api/things/greeting": "200 503",
        "POST /api/things": "200 400 401 403 409 413 422 503",
        "DELETE /api/things/{thing}": "204 400 401 403 404 409 412 422 503",
    }


async def test_routes_tell_what_they_take(document: dict[str, Any]) -> None:
    listing, making, greeting, dropping = _in_order(document)
    assert [route.is_unsafe for route in (listing, making)] == [False, True]
    assert [route.has_body for route in (listing, making)] == [False, True]
    assert [route.has_fields for route in (listing, greeting)] == [True, False]
    assert [route.needs_session for route in (making, greeting)] == [True, False]
    assert [route.has_id for route in (making, dropping)] == [False, True]
    assert dropping.url("%00") == "/api/things/%00"


async def test_refusals_are_problems_and_the_framework_s_own_form_is_gone(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas) == {"Wish", "Problem", "FieldProblem"}
    conflict = document["paths"]["/api/things"]["post"]["responses"]["409"]
    assert conflict == {
        "description": "Conflict",
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"}
            }
        },
    }


async def test_the_session_is_a_cookie(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["session"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == (
        "apiKey",
        "cookie",
        "session",
    )


async def test_what_is_answered_is_what_is_described() -> None:
    answer = problem(409, "taken", "It is taken", extras={"order_id": "1"})
    described = Problem.model_validate_json(bytes(answer.body))
    assert described.code == "taken"
    assert described.model_extra == {"order_id": "1"}


async def test_the_docs_page_loads_nothing_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/api/things/docs")
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert "://" not in page.text
    assert "<script>" not in page.text

    loaded = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert len(loaded) == 3
    for path in loaded:
        answer = await client.get(f"/api/things/{path}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(
            ("text/css", "text/javascript")
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["", "missing.js", "..%2Fdocs.py", "redoc.standalone.js"]
)
async def test_the_docs_page_serves_its_own_files_only(
    name: str, client: httpx.AsyncClient
) -> None:
    assert (await client.get(f"/api/things/docs/{name}")).status_code == 404


async def test_a_wrong_method_is_told_all_right_ones(client: httpx.AsyncClient) -> None:
    answers = [
        await client.patch(path) for path in ("/api/things", "/api/things/greeting")
    ]
    assert [answer.status_code for answer in answers] == [405, 405]
    allowed = [answer.headers["Allow"] for answer in answers]
    assert allowed == ["GET, POST", "DELETE, GET"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_what_a_gateway_hands_on_sees_no_health(
    path: str, client: httpx.AsyncClient
) -> None:
    assert (await client.get(path)).status_code == 200
    handed_on = await client.get(path, headers={"X-Forwarded-For": "198.51.100.7"})
    assert handed_on.status_code == 404


def _in_order(document: dict[str, Any]) -> list[ApiRoute]:
    return list(routes_of(document))
