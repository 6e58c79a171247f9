"""Signing up, in and out: rows A1 to A10 of the original behaviour, repaired."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from auth.service import Accounts
from common.events import UserSignedUp
from common.testing.asgi import RunningApp

StartApp = Callable[..., Awaitable[RunningApp]]

pytestmark = pytest.mark.asyncio


def cookie_attributes(answer: httpx.Response) -> dict[str, str]:
    """Return the attributes of the one cookie that is set, names in lower case."""
    (header,) = answer.headers.get_list("set-cookie")
    parts = [part.strip().partition("=") for part in header.split(";")[1:]]
    return {name.lower(): value for name, _, value in parts}


async def test_sign_up_answers_201_and_sets_the_session_cookie(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    answer = await client.post("/api/users/signup", json=credentials)
    assert answer.status_code == 201
    body = answer.json()
    assert body["message"]
    assert set(body["data"]) == {"id", "email", "exp"}
    assert body["data"]["email"] == credentials["email"]
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(client.cookies["session"], options={"verify_signature": False})
    assert claims["sub"] == body["data"]["id"]
    assert claims["exp"] == body["data"]["exp"]


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("route", ["signup", "signin"])
async def test_cookie_has_exactly_the_safe_attributes(
    start_app: StartApp, credentials: dict[str, str], route: str, secure: bool
) -> None:
    app = await start_app(cookie_secure=secure, session_seconds=3600)
    client = await app.client()
    answer = await client.post("/api/users/signup", json=credentials)
    if route == "signin":
        answer = await client.post("/api/users/signin", json=credentials)
    attributes = cookie_attributes(answer)
    assert 3590 <= int(attributes.pop("max-age")) <= 3600
    assert ("secure" in attributes) is secure
    attributes.pop("secure", None)
    assert attributes == {"httponly": "", "samesite": "lax", "path": "/"}


async def test_sign_out_deletes_the_cookie_with_the_same_attributes(
    signed_up: httpx.AsyncClient,
) -> None:
    answer = await signed_up.post("/api/users/signout")
    assert answer.status_code == 200
    assert answer.json()["data"] is None
    attributes = cookie_attributes(answer)
    assert attributes.pop("max-age") == "0"
    attributes.pop("expires")
    assert attributes == {"httponly": "", "samesite": "lax", "path": "/"}
    assert "session" not in signed_up.cookies


async def test_sign_out_without_a_session_is_401(client: httpx.AsyncClient) -> None:
    for route in ("signout", "signout-everywhere"):
        answer = await client.post(f"/api/users/{route}")
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


async def test_known_email_is_409_however_it_is_written(
    signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    for email in ("ada@example.com", " ADA@Example.com ", "Ada@EXAMPLE.COM"):
        again = credentials | {"email": email}
        answer = await signed_up.post("/api/users/signup", json=again)
        assert answer.status_code == 409
        assert answer.json()["code"] == "email_taken"


async def test_twenty_sign_ups_at_once_make_one_account(
    app: RunningApp, accounts: Accounts, credentials: dict[str, str]
) -> None:
    clients = [await app.client() for _ in range(20)]
    answers = await asyncio.gather(
        *(one.post("/api/users/signup", json=credentials) for one in clients)
    )
    assert sorted(one.status_code for one in answers) == [201] + [409] * 19
    assert await accounts.mongo.database["users"].count_documents({}) == 1
    assert await accounts.mongo.database["outbox"].count_documents({}) == 1


async def test_sign_in_begins_a_new_session_each_time(
    signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    first = signed_up.cookies["session"]
    answer = await signed_up.post("/api/users/signin", json=credentials)
    assert answer.status_code == 200
    sessions = [
        jwt.decode(token, options={"verify_signature": False})
        for token in (first, signed_up.cookies["session"])
    ]
    assert sessions[0]["sid"] != sessions[1]["sid"]
    assert sessions[0]["jti"] != sessions[1]["jti"]


async def test_unknown_user_and_wrong_password_are_told_alike(
    signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    wrong = credentials | {"password": "not this one, sorry"}
    unknown = credentials | {"email": "nobody@example.com"}
    answers = [
        await signed_up.post("/api/users/signin", json=one) for one in (wrong, unknown)
    ]
    bodies = [one.json() for one in answers]
    for body in bodies:
        del body["request_id"]
    assert [one.status_code for one in answers] == [401, 401]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "invalid_credentials"
    assert "set-cookie" not in answers[0].headers


async def test_current_user_is_the_signed_in_one(signed_up: httpx.AsyncClient) -> None:
    answer = await signed_up.get("/api/users/currentuser")
    data = answer.json()["data"]
    assert data["email"] == "ada@example.com"
    assert data["exp"] > datetime.now(UTC).timestamp()


@pytest.mark.parametrize("cookie", [None, "", "nonsense", "a.b.c", "é", "x" * 5000])
async def test_current_user_is_null_and_never_401(
    client: httpx.AsyncClient, cookie: str | None
) -> None:
    headers = [] if cookie is None else [(b"cookie", f"session={cookie}".encode())]
    answer = await client.get("/api/users/currentuser", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["data"] is None


async def test_passwords_are_stored_as_argon2id_and_never_shown(
    accounts: Accounts, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    user = await accounts.users.find_by_email(credentials["email"])
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    answer = await signed_up.get("/api/users/currentuser")
    assert "password" not in answer.text
    assert "argon2" not in answer.text


async def test_sign_up_event_is_in_the_outbox_without_the_email(
    accounts: Accounts, signed_up: httpx.AsyncClient
) -> None:
    stored = await accounts.mongo.database["outbox"].find_one({})
    assert stored is not None
    event = UserSignedUp.model_validate_json(stored["payload"])
    assert stored["subject"] == "users.signed_up"
    assert event.display_name == "ada"
    assert "example.com" not in stored["payload"]


async def test_unknown_route_is_a_404_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/users/nothing-here")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_documentation_lies_under_the_prefix(client: httpx.AsyncClient) -> None:
    page = await client.get("/api/users/docs")
    document = await client.get("/api/users/openapi.json")
    assert page.status_code == 200
    assert "/api/users/signup" in document.json()["paths"]


async def test_no_cors_and_no_cross_site_requests(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    answer = await client.post(
        "/api/users/signup",
        json=credentials,
        headers={"origin": "https://elsewhere.example"},
    )
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_session_ends_when_its_time_is_over(
    start_app: StartApp, credentials: dict[str, str]
) -> None:
    app = await start_app(session_seconds=60)
    client = await app.client()
    await client.post("/api/users/signup", json=credentials)
    accounts: Accounts = app.state["accounts"]
    user = await accounts.users.find_by_email(credentials["email"])
    assert user is not None
    long_ago = datetime.now(UTC) - timedelta(seconds=70)
    expired = accounts.issuer.issue(user.id, user.email, issued_at=long_ago)
    other = await app.client()
    other.cookies.set("session", expired.token)
    assert (await other.get("/api/users/currentuser")).json()["data"] is None
    assert (await other.post("/api/users/signout")).status_code == 401
