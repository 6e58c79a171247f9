"""A service's routes over ASGI, and what nobody in their right mind would send."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI

from common.identity import COOKIE
from common.testing.identity import FakeIdentity
from common.web import create_service_app
from common.web.app import MAX_BODY_BYTES

REFUSALS: Final = frozenset({400, 413, 422})
"""How a request is refused for its form; 415 does not occur in our services."""

HOSTILE_BODIES: Final[Mapping[str, bytes]] = {
    "nothing": b"",
    "not JSON": b"price=10",
    "cut off": b'{"title": "x"',
    "no object": b"[]",
    "a word": b'"title"',
    "null": b"null",
    "NaN": b"NaN",
    "deep nesting": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "invalid UTF-8": b'{"title": "\xff\xfe"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "a NUL byte": b'{"title": "a\x00b"}',
    "a lone surrogate as a name": b'{"\\ud800": 1}',
    "a lone surrogate as a value": b'{"title": "\\ud800"}',
    "a number of 5,000 digits": b'{"price": ' + b"9" * 5_000 + b"}",
    "a name of 60,000 characters": b'{"' + b"a" * 60_000 + b'": 1}',
    "too large": b'{"title": "' + b"a" * MAX_BODY_BYTES + b'"}',
}
"""Bodies that every route with a body has to refuse."""

NO_TEXTS: Final[Mapping[str, object]] = {
    "number": 7,
    "boolean": True,
    "list": ["x"],
    "object": {"x": "y"},
    "NUL": "a\x00b",
    "escape": "a\x1b[31mb",
    "newline": "a\nb",
    "line separator": "a\u2028b",
    "right-to-left override": "a\u202eb",
    "lone surrogate": "a\ud800b",
    "100,000 characters": "a" * 100_000,
}
"""Values that are no line of text."""

NO_AMOUNTS: Final[Mapping[str, object]] = {
    "negative": -1,
    "fraction": 10.5,
    "whole float": 1000.0,
    "boolean": True,
    "text": "1000",
    "NaN": float("nan"),
    "infinity": float("inf"),
    "beyond 64 bits": 2**63,
    "hundred digits": 10**100,
    "null in a list": [None],
}
"""Values that are no amount of money in minor units."""

HOSTILE_IDS: Final = (
    "0", "-1", "null", "None", "%00", "a%00b", "%F0%9F%98%80", "%FF%FE", "%C3%A4",
    "' OR 1=1 --", "%25", "_", "..%2F..%2Fetc%2Fpasswd", "a" * 5_000,
    "00000000-0000-0000-0000-00000000000", "{}", "%0d%0aX-Injected:1",
)  # fmt: skip
"""Path segments, ready for a URL, that name nothing."""

HOSTILE_TEXTS: Final = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "{{7*7}}",
    "'; DROP TABLE tickets; --", "%s%n", "../../etc/passwd", "= 1+1", "Ñandú 🎸 東京",
)  # fmt: skip
"""Ugly and legitimate: kept as they are, and shown as they are."""


@asynccontextmanager
async def lend_api(
    router: APIRouter, state: Mapping[str, Any]
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of an app with ``router`` and every middleware.

    Args:
        router: the service's routes, with their prefix.
        state: what the lifespan yields: ``database``, ``verifier``, ``settings``.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        yield {"pings": {}, **state}

    app = create_service_app(
        title="Test", prefix=router.prefix, routers=[router], lifespan=lifespan
    )
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver"
        ) as client:
            yield client


def signed_in(identity: FakeIdentity, user_id: str) -> dict[str, str]:
    """Return the headers of a browser in which ``user_id`` is signed in."""
    return {"Cookie": f"{COOKIE}={identity.token(user_id)}"}


def json_bytes(value: object) -> bytes:
    """Write JSON as a careless client does: NaN and lone surrogates too."""
    return json.dumps(value).encode()


def assert_problem(
    response: httpx.Response, *statuses: int, code: str | None = None
) -> dict[str, Any]:
    """Return the problem body, after checking that it is one.

    Raises:
        AssertionError: another status or code, or no problem body (RFC 9457).
    """
    told = f"{response.status_code}: {response.text[:500]}"
    assert response.status_code in statuses, told  # noqa: S101 - a check for tests
    media_type = response.headers["content-type"]
    assert media_type == "application/problem+json", told  # noqa: S101 - as above
    body: dict[str, Any] = response.json()
    members = {"type", "title", "status", "detail", "message", "code", "request_id"}
    assert members <= body.keys(), told  # noqa: S101 - as above
    assert body["status"] == response.status_code, told  # noqa: S101 - as above
    assert body["message"] == body["detail"], told  # noqa: S101 - as above
    request_id = response.headers["x-request-id"]
    assert body["request_id"] == request_id, told  # noqa: S101 - as above
    nosniff = response.headers["x-content-type-options"] == "nosniff"
    assert nosniff, told  # noqa: S101 - as above
    assert code is None or body["code"] == code, told  # noqa: S101 - as above
    return body
