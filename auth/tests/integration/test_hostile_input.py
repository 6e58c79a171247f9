"""Rows A2 and S18: what is refused, how it is told, and that nothing breaks."""

from collections.abc import Mapping

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.testing.http import (
    HOSTILE_BODIES,
    HOSTILE_IDS,
    HOSTILE_TEXTS,
    REFUSALS,
    assert_problem,
    json_bytes,
)

pytestmark = pytest.mark.asyncio

ROUTES_WITH_BODY = ("signup", "signin", "password")
JSON = {"content-type": "application/json"}

NO_STRINGS: Mapping[str, object] = {
    "number": 7, "boolean": True, "null": None, "list": ["x"], "object": {"x": "y"},
    "NaN": float("nan"), "infinity": float("-inf"), "lone surrogate": "a\ud800b" * 8,
    "100,000 characters": "a" * 60_000, "empty": "",
}  # fmt: skip


@pytest.mark.parametrize("route", ROUTES_WITH_BODY)
async def test_hostile_bodies_are_refused(
    signed_up: httpx.AsyncClient, route: str
) -> None:
    for name, body in HOSTILE_BODIES.items():
        answer = await signed_up.post(f"/api/users/{route}", content=body, headers=JSON)
        told = assert_problem(answer, *REFUSALS)
        assert "Traceback" not in str(told), name


@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize("route", ["signup", "signin"])
async def test_what_is_no_text_is_named_by_its_field(
    client: httpx.AsyncClient, credentials: dict[str, str], route: str, field: str
) -> None:
    for name, value in NO_STRINGS.items():
        body = json_bytes({**credentials, field: value})
        answer = await client.post(f"/api/users/{route}", content=body, headers=JSON)
        told = assert_problem(answer, 422, code="invalid_input")
        assert {one["field"] for one in told["errors"]} == {field}, name


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "ada", "password": "short"}, {"email", "password"}),
        ({"email": "a" * 250 + "@b.example", "password": "x" * 257},
         {"email", "password"}),
        ({"email": "ada@example.com", "password": "password1234"}, {"password"}),
        ({"email": "some.body@example.com", "password": "Some.Body2026"},
         {"password"}),
        ({"email": "ada@example.com", "password": "violet kettle under", "is_admin": 1},
         {"is_admin"}),
    ],
)  # fmt: skip
async def test_every_bad_field_is_named(
    client: httpx.AsyncClient, body: dict[str, object], fields: set[str]
) -> None:
    answer = await client.post("/api/users/signup", json=body)
    told = assert_problem(answer, 422, code="invalid_input")
    assert {one["field"] for one in told["errors"]} == fields
    assert all(one["message"] for one in told["errors"])


async def test_refusals_do_not_echo_the_password(client: httpx.AsyncClient) -> None:
    body = {"email": "ada@example.com", "password": "hunter2-abc"}
    answer = await client.post("/api/users/signup", json=body)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", ""])
async def test_forms_and_texts_are_not_taken_for_json(
    client: httpx.AsyncClient, content_type: str
) -> None:
    answer = await client.post(
        "/api/users/signin",
        content=b'{"email":"ada@example.com","password":"violet kettle under snow"}',
        headers={"content-type": content_type},
    )
    assert_problem(answer, 400, 415, 422)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_ugly_passwords_work(client: httpx.AsyncClient, text: str) -> None:
    body = {"email": "ada@example.com", "password": f"{text} and twelve more"}
    assert (await client.post("/api/users/signup", json=body)).status_code == 201
    assert (await client.post("/api/users/signin", json=body)).status_code == 200


async def test_operators_of_the_database_are_no_credentials(
    signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    for value in ({"$ne": ""}, {"$gt": ""}, {"$regex": ".*"}):
        for field in ("email", "password"):
            body = {**credentials, field: value}
            answer = await signed_up.post("/api/users/signin", json=body)
            assert answer.status_code == 422


async def test_unknown_paths_and_methods_are_problems(
    client: httpx.AsyncClient,
) -> None:
    for path in HOSTILE_IDS:
        assert_problem(await client.get(f"/api/users/x{path}"), 404)
    assert_problem(await client.get("/api/users/signup"), 405)
    assert_problem(await client.delete("/api/users/currentuser"), 405)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "route", ["signup", "signin", "signout", "signout-everywhere", "password"]
)
async def test_requests_of_other_sites_are_refused(
    signed_up: httpx.AsyncClient, route: str, site: str
) -> None:
    answer = await signed_up.post(
        f"/api/users/{route}", headers={"sec-fetch-site": site}
    )
    assert_problem(answer, 403, code="cross_site")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(email=json_values, password=json_values)
async def test_no_values_make_it_fail(
    client: httpx.AsyncClient, email: object, password: object
) -> None:
    body = json_bytes({"email": email, "password": password})
    for route in ("signup", "signin"):
        answer = await client.post(f"/api/users/{route}", content=body, headers=JSON)
        assert answer.status_code < 500
