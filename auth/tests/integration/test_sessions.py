"""Rows S13 to S15: forged tokens, rotation of keys, ending sessions."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.keys import thumbprint
from auth.service import Accounts
from common.events import SessionsRevoked
from common.identity import COOKIE, JwksCache, Revocations, TokenVerifier
from common.ids import new_id
from common.outbox import Backlog
from common.testing.asgi import BASE_URL, RunningApp

StartApp = Callable[..., Awaitable[RunningApp]]
Pem = Callable[[Ed25519PrivateKey], str]

pytestmark = pytest.mark.asyncio


async def is_signed_in(client: httpx.AsyncClient) -> bool:
    """Ask as any page does."""
    answer = await client.get("/api/users/currentuser")
    assert answer.status_code == 200
    return answer.json()["data"] is not None


async def replaying(app: RunningApp, token: str) -> httpx.AsyncClient:
    """Return a browser that somebody gave a cookie of old."""
    thief = await app.client("198.51.100.66")
    thief.cookies.set(COOKIE, token)
    return thief


def valid_claims(user_id: str) -> dict[str, Any]:
    issued = datetime.now(UTC)
    return {
        "sub": user_id, "email": "ada@example.com", "sid": new_id(), "jti": new_id(),
        "iss": "ticketing", "aud": "ticketing", "iat": issued.timestamp(),
        "exp": (issued + timedelta(hours=1)).timestamp(),
    }  # fmt: skip


def sign(
    key: Ed25519PrivateKey, claims: Mapping[str, object], **headers: object
) -> str:
    header = {"kid": thumbprint(key), "typ": "at+jwt", **headers}
    header = {name: value for name, value in header.items() if value is not None}
    return jwt.encode(dict(claims), key, "EdDSA", headers=header)


def hand_made(header: object, claims: object, signature: bytes = b"") -> str:
    parts = [json.dumps(one).encode() for one in (header, claims)] + [signature]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)


def forgeries(key: Ed25519PrivateKey) -> dict[str, str]:
    claims, stranger = valid_claims(new_id()), Ed25519PrivateKey.generate()
    kid = thumbprint(key)
    past = datetime.now(UTC).timestamp() - 60
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": kid}
    own = {"kty": "OKP", "crv": "Ed25519", "x": base64.b64encode(public).decode()}
    altered = sign(key, claims).split(".")
    altered[1] = hand_made({}, claims | {"sub": new_id()}).split(".")[1]
    lacking = {
        f"without {name}": sign(key, {k: v for k, v in claims.items() if k != name})
        for name in claims
    }
    values: list[tuple[str, object]] = [
        ("sid", 7), ("email", None), ("email", ["x"]), ("sid", {}), ("iat", "now"),
        ("exp", past), ("aud", "others"), ("iss", "others"), ("exp", 10**30),
        ("iat", past + 7200), ("exp", "soon"), ("nbf", past + 7200),
    ]  # fmt: skip
    wrong = {
        f"{name} is {value!r:.12}": sign(key, claims | {name: value})
        for name, value in values
    }
    return lacking | wrong | {
        "no algorithm": hand_made(header | {"alg": "none"}, claims),
        "public key as a secret": jwt.encode(
            claims, public, "HS256", headers={"kid": kid, "typ": "at+jwt"}
        ),
        "a stranger's key": sign(stranger, claims),
        "a stranger's key under our id": sign(stranger, claims, kid=kid),
        "without key id": sign(key, claims, kid=None),
        "a key of its own": sign(
            stranger, claims, jku="https://evil.example/jwks.json", jwk=own
        ),
        "another type": sign(key, claims, typ="JWT"),
        "critical extension": sign(key, claims, crit=["x"], x=1),
        "altered": ".".join(altered),
        "claims are a list": hand_made(header, []),
        "header is a list": hand_made([], claims),
    }  # fmt: skip


async def test_forged_tokens_prove_nothing(
    app: RunningApp, signing_key: Ed25519PrivateKey
) -> None:
    genuine = await replaying(app, sign(signing_key, valid_claims(new_id())))
    assert await is_signed_in(genuine)
    for name, token in forgeries(signing_key).items():
        forger = await replaying(app, token)
        assert not await is_signed_in(forger), name
        answer = await forger.post("/api/users/signout")
        assert answer.status_code == 401, name


async def test_keys_are_published_for_five_minutes(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/users/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert len(answer.json()["keys"]) == 1


async def test_other_services_verify_with_the_published_keys(
    signed_up: httpx.AsyncClient,
) -> None:
    cache = JwksCache(signed_up, f"{BASE_URL}/api/users/.well-known/jwks.json")
    verifier = TokenVerifier(cache, Revocations())
    session = await verifier.verify(signed_up.cookies[COOKIE])
    shown = (await signed_up.get("/api/users/currentuser")).json()["data"]
    assert session.user_id == shown["id"]
    assert session.email == shown["email"]
    assert session.issued_at.microsecond != 0


async def test_keys_rotate_without_signing_anybody_out(
    start_app: StartApp, private_pem: Pem, credentials: dict[str, str]
) -> None:
    old, new = (Ed25519PrivateKey.generate() for _ in range(2))
    before = await start_app(jwt_signing_keys=private_pem(old) + private_pem(new))
    client = await before.client()
    await client.post("/api/users/signup", json=credentials)
    token = client.cookies[COOKIE]
    assert jwt.get_unverified_header(token)["kid"] == thumbprint(old)

    after = await start_app(jwt_signing_keys=private_pem(new) + private_pem(old))
    assert await is_signed_in(await replaying(after, token))
    fresh = await after.client()
    await fresh.post("/api/users/signin", json=credentials)
    assert jwt.get_unverified_header(fresh.cookies[COOKIE])["kid"] == thumbprint(new)
    assert await is_signed_in(await replaying(before, fresh.cookies[COOKIE]))

    dropped = await start_app(jwt_signing_keys=private_pem(new))
    assert not await is_signed_in(await replaying(dropped, token))


async def test_old_cookie_is_refused_after_sign_out(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    elsewhere = await app.client()
    await elsewhere.post("/api/users/signin", json=credentials)
    token = signed_up.cookies[COOKIE]
    assert (await signed_up.post("/api/users/signout")).status_code == 200
    thief = await replaying(app, token)
    assert not await is_signed_in(thief)
    assert (await thief.post("/api/users/signout")).status_code == 401
    assert await is_signed_in(elsewhere)


async def test_sign_out_everywhere_ends_all_and_lets_new_ones_begin(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    elsewhere = await app.client()
    await elsewhere.post("/api/users/signin", json=credentials)
    answer = await signed_up.post("/api/users/signout-everywhere")
    assert answer.status_code == 200
    assert "session" not in signed_up.cookies
    assert not await is_signed_in(elsewhere)
    for _ in range(5):
        await elsewhere.post("/api/users/signin", json=credentials)
        assert await is_signed_in(elsewhere)


async def test_changing_the_password_ends_other_sessions(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    old_token = signed_up.cookies[COOKIE]
    answer = await signed_up.post(
        "/api/users/password",
        json={
            "current_password": credentials["password"],
            "new_password": "amber ladder over water",
        },
    )
    assert answer.status_code == 200
    assert answer.json()["data"]["email"] == credentials["email"]
    assert await is_signed_in(signed_up)
    assert not await is_signed_in(await replaying(app, old_token))
    other = await app.client("192.0.2.200")
    refused = await other.post("/api/users/signin", json=credentials)
    assert refused.status_code == 401
    accepted = await other.post(
        "/api/users/signin", json=credentials | {"password": "amber ladder over water"}
    )
    assert accepted.status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("not the right one", "amber ladder over water", "current_password"),
        ("violet kettle under snow", "short", "new_password"),
        ("violet kettle under snow", "password1234", "new_password"),
        ("", "amber ladder over water", "current_password"),
    ],
)
async def test_password_change_is_refused_field_by_field(
    signed_up: httpx.AsyncClient, current: str, new: str, field: str
) -> None:
    answer = await signed_up.post(
        "/api/users/password", json={"current_password": current, "new_password": new}
    )
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert await is_signed_in(signed_up)


async def test_two_password_changes_at_once_leave_one_session(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    clients = [await replaying(app, signed_up.cookies[COOKIE]) for _ in range(4)]
    answers = await asyncio.gather(
        *(
            one.post(
                "/api/users/password",
                json={
                    "current_password": credentials["password"],
                    "new_password": f"amber ladder number {number}",
                },
            )
            for number, one in enumerate(clients)
        )
    )
    assert sorted(one.status_code for one in answers).count(200) == 1
    assert {one.status_code for one in answers} <= {200, 401, 422}


async def test_each_ending_is_announced(
    accounts: Accounts, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    await signed_up.post("/api/users/signout")
    await signed_up.post("/api/users/signin", json=credentials)
    await signed_up.post("/api/users/signout-everywhere")
    stored = accounts.mongo.database["outbox"].find(
        {"subject": "users.sessions_revoked"}
    )
    events = [
        SessionsRevoked.model_validate_json(one["payload"])
        for one in await stored.sort("_id", 1).to_list(None)
    ]
    assert [event.session_id is None for event in events] == [False, True]


async def test_replica_that_starts_knows_what_ended_before(
    start_app: StartApp, signed_up: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    first = signed_up.cookies[COOKIE]
    await signed_up.post("/api/users/signin", json=credentials)
    second = signed_up.cookies[COOKIE]
    await signed_up.post("/api/users/signout")
    started = await start_app()
    assert not await is_signed_in(await replaying(started, second))
    assert await is_signed_in(await replaying(started, first))
    await (await replaying(started, first)).post("/api/users/signout-everywhere")
    again = await start_app()
    assert not await is_signed_in(await replaying(again, first))


async def test_replica_asks_the_record_before_it_changes_anything(
    start_app: StartApp, signed_up: httpx.AsyncClient
) -> None:
    other = await start_app()
    stale = await replaying(other, signed_up.cookies[COOKIE])
    await signed_up.post("/api/users/signout")
    # NATS is away in this test: the other replica has not heard of it.
    assert await is_signed_in(stale)
    assert (await stale.post("/api/users/signout-everywhere")).status_code == 401


async def test_other_replica_hears_of_it_within_a_second(
    start_app: StartApp, empty_nats: str, credentials: dict[str, str]
) -> None:
    here, there = [await start_app(nats_url=empty_nats) for _ in range(2)]
    client = await here.client()
    await client.post("/api/users/signup", json=credentials)
    replayed = await replaying(there, client.cookies[COOKIE])

    async def are_ready() -> bool:
        answers = [await one.get("/readyz") for one in (client, replayed)]
        return all(one.status_code == 200 for one in answers)

    await until(are_ready)
    assert await is_signed_in(replayed)
    await client.post("/api/users/signout")
    async with asyncio.timeout(1):
        await until(lambda: is_signed_out(replayed))
    outbox = here.state["accounts"].outbox

    async def is_empty() -> bool:
        backlog: Backlog = await outbox.backlog()
        return backlog.pending == 0

    await until(is_empty)


async def is_signed_out(client: httpx.AsyncClient) -> bool:
    return not await is_signed_in(client)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - it is asked over HTTP
            await asyncio.sleep(0.02)
