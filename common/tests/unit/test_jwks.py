"""The public keys of auth: fetched once, kept while auth is down."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from common.identity import JwksCache, KeysUnavailable
from common.identity.jwks import FIRST_TRY_SECONDS, KEEP_SECONDS, REFRESH_SECONDS

pytestmark = pytest.mark.asyncio

URL = "http://auth.test/api/users/.well-known/jwks.json"


def jwk(key_id: str) -> dict[str, Any]:
    public = Ed25519PrivateKey.generate().public_key()
    return {**OKPAlgorithm.to_jwk(public, as_dict=True), "alg": "EdDSA", "kid": key_id}


class Auth:
    """The JWKS address of auth; what it answers can be changed, time can pass."""

    def __init__(self, *key_ids: str) -> None:
        self.body: Any = {"keys": [jwk(key_id) for key_id in key_ids]}
        self.status = 200
        self.down = False
        self.requests = 0
        self.seconds = 1000.0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        await asyncio.sleep(0)
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        if isinstance(self.body, bytes):
            return httpx.Response(self.status, content=self.body)
        return httpx.Response(self.status, json=self.body)

    def cache(self) -> JwksCache:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return JwksCache(client, URL, clock=lambda: self.seconds)


async def test_keys_are_fetched_once() -> None:
    auth = Auth("a", "b")
    cache = auth.cache()
    for key_id in ("a", "b", "a"):
        key = await cache.key(key_id)
        assert key is not None
        assert key.key_id == key_id
    assert auth.requests == 1


async def test_many_callers_at_once_make_one_request() -> None:
    auth = Auth("a")
    cache = auth.cache()
    found = await asyncio.gather(*(cache.key("a") for _ in range(50)))
    assert all(found)
    assert auth.requests == 1


async def test_an_unknown_key_id_is_looked_for_at_most_every_half_minute() -> None:
    auth = Auth("a")
    cache = auth.cache()
    await cache.key("a")
    assert [await cache.key(f"forged-{n}") for n in range(100)] == [None] * 100
    assert auth.requests == 1
    auth.seconds += REFRESH_SECONDS
    assert [await cache.key(f"forged-{n}") for n in range(100)] == [None] * 100
    assert auth.requests == 2


async def test_s14_a_new_key_is_found_without_a_restart() -> None:
    auth = Auth("a")
    cache = auth.cache()
    await cache.key("a")
    auth.body["keys"].append(jwk("b"))
    auth.seconds += REFRESH_SECONDS
    assert await cache.key("b") is not None
    assert await cache.key("a") is not None


async def test_s14_the_last_good_keys_serve_while_auth_is_down() -> None:
    auth = Auth("a")
    cache = auth.cache()
    await cache.key("a")
    auth.down = True
    auth.seconds += REFRESH_SECONDS
    assert await cache.key("unknown") is None
    auth.seconds += 86_400
    assert await cache.key("a") is not None


async def test_s14_a_withdrawn_key_is_forgotten_within_minutes() -> None:
    auth = Auth("a", "b")
    cache = auth.cache()
    await cache.key("a")
    auth.body["keys"].pop(0)
    auth.seconds += KEEP_SECONDS - 1
    assert await cache.key("a") is not None
    auth.seconds += 1
    assert await cache.key("a") is None
    assert await cache.key("b") is not None


async def test_without_any_keys_the_caller_hears_to_come_back() -> None:
    auth = Auth("a")
    auth.down = True
    with pytest.raises(KeysUnavailable) as refused:
        await auth.cache().key("a")
    assert refused.value.retry_after == 1.0


async def test_until_there_are_keys_auth_is_asked_at_most_once_a_second() -> None:
    auth = Auth("a")
    auth.down = True
    cache = auth.cache()
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            await cache.key("a")
    assert auth.requests == 1
    auth.down = False
    auth.seconds += FIRST_TRY_SECONDS
    assert await cache.key("a") is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        None,
        [],
        "keys",
        {"keys": None},
        {"keys": 5},
        {"keys": [5]},
        {"keys": [None]},
        {"keys": []},
        {"keys": [{"kty": "OKP", "kid": "a"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "!", "kid": "a"}]},
        {"keys": [{"kty": "odd", "kid": "a"}]},
        {"keys": [{**jwk("a"), "kid": ["a"]}]},
        {"error": "no"},
    ],
    ids=lambda body: repr(body)[:40],
)
async def test_a_key_set_that_makes_no_sense_changes_nothing(body: object) -> None:
    auth = Auth("a")
    cache = auth.cache()
    await cache.key("a")
    auth.body = body
    auth.seconds += REFRESH_SECONDS
    assert await cache.key("b") is None
    assert await cache.key("a") is not None
    with pytest.raises(KeysUnavailable):
        await auth.cache().key("a")


@pytest.mark.parametrize("status", [301, 404, 500, 503])
async def test_an_error_of_auth_is_no_key_set(status: int) -> None:
    auth = Auth("a")
    auth.status = status
    with pytest.raises(KeysUnavailable):
        await auth.cache().key("a")


async def test_a_key_signs_what_it_says_it_signs() -> None:
    auth = Auth("a")
    key = await auth.cache().key("a")
    assert isinstance(key, jwt.PyJWK)
    assert key.algorithm_name == "EdDSA"
