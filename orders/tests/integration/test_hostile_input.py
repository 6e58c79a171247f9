"""Whatever is sent, the answer is a 4xx with a problem body, never a 5xx (S18)."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from common.identity import COOKIE
from common.ids import new_id
from common.testing import FakeIdentity
from common.testing.http import (
    HOSTILE_BODIES,
    HOSTILE_IDS,
    NO_AMOUNTS,
    NO_TEXTS,
    REFUSALS,
    assert_problem,
    json_bytes,
)

pytestmark = pytest.mark.asyncio

Headers = Callable[[str], dict[str, str]]
Json = dict[str, Any]
Make = Callable[..., Awaitable[Json]]

JSON = {"Content-Type": "application/json"}


def _is_short(value: object) -> bool:
    """Tell whether it may be the id of a ticket, that does not exist."""
    return isinstance(value, str) and len(value) <= 36


BAD_FIELDS: list[tuple[str, object]] = [
    *(("ticket_id", v) for v in NO_TEXTS.values() if not _is_short(v)),
    *(("ticket_version", value) for value in NO_AMOUNTS.values()),
    ("ticket_id", ""),
    ("ticket_id", None),
    ("ticket_id", "x" * 37),
    ("ticket_version", 0),
    ("ticket_version", 2**31),
    ("user_id", "somebody"),
    ("price", 1),
    ("status", "complete"),
    ("expires_at", "2099-01-01T00:00:00Z"),
    ("claimed", True),
]

UNKNOWN_TICKETS = (
    "0", "null", "%00", "a\x00b", "Ñandú", "🎸", "' OR 1=1 --", "../../etc/passwd",
    "00000000-0000-0000-0000-000000000000", " ", "_", "%",
)  # fmt: skip

BAD_KEYS = ["", " ", "a b", "a\tb", "é", "\x7f", "x" * 65, "x" * 20_000]

BAD_QUERIES = [
    "limit=abc", "limit=0", "limit=-1", "limit=101", "limit=1e9", "limit=", "limit=2.5",
    f"limit={10**30}", "colour=red", "cursor=garbage", "cursor=", "cursor=%00",
    "cursor=%FF", "cursor=😀", "cursor=" + "A" * 5_000, "cursor=' OR 1=1 --",
    "cursor=0190D3F0-0000-7000-8000-000000000000",
]  # fmt: skip


async def test_hostile_bodies_are_refused(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    headers = headers_of("buyer") | JSON
    for name, content in HOSTILE_BODIES.items():
        with subtests.test(body=name):
            answer = await client.post("/api/orders", content=content, headers=headers)
            assert_problem(answer, *REFUSALS)


async def test_each_bad_field_is_refused_and_named(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    headers = headers_of("buyer") | JSON
    for field, value in BAD_FIELDS:
        content = json_bytes({"ticket_id": new_id(), field: value})
        with subtests.test(field=field, value=repr(value)[:40]):
            answer = await client.post("/api/orders", content=content, headers=headers)
            problem = assert_problem(answer, *REFUSALS)
            named = {error["field"] for error in problem.get("errors", [])}
            assert answer.status_code != 422 or named & {field, "body"}, problem


async def test_tickets_that_cannot_be_are_not_found(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    for ticket_id in UNKNOWN_TICKETS:
        with subtests.test(ticket_id=ticket_id):
            answer = await client.post(
                "/api/orders", json={"ticket_id": ticket_id}, headers=headers_of("b")
            )
            assert_problem(answer, 404, code="ticket_not_found")


async def test_texts_that_are_none_name_no_ticket(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    for value in filter(_is_short, NO_TEXTS.values()):
        content = json_bytes({"ticket_id": value})
        with subtests.test(ticket_id=repr(value)):
            answer = await client.post(
                "/api/orders", content=content, headers=headers_of("buyer") | JSON
            )
            assert_problem(answer, 404, *REFUSALS)


async def test_keys_that_are_none_are_refused_and_make_nothing(
    client: httpx.AsyncClient,
    headers_of: Headers,
    list_ticket: Callable[..., Awaitable[str]],
    subtests: pytest.Subtests,
) -> None:
    body = {"ticket_id": await list_ticket()}
    for key in BAD_KEYS:
        cookie = headers_of("buyer")["Cookie"].encode()
        raw = [(b"Cookie", cookie), (b"Idempotency-Key", key.encode("latin-1"))]
        with subtests.test(key=key[:10]):
            answer = await client.post("/api/orders", json=body, headers=raw)
            problem = assert_problem(answer, 422)
            assert problem["errors"][0]["field"].lower() == "idempotency-key"
    listed = await client.get("/api/orders", headers=headers_of("buyer"))
    assert listed.json() == []


async def test_bad_query_parameters_are_refused_and_named(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    headers = headers_of("buyer")
    for query in BAD_QUERIES:
        with subtests.test(query=query[:40]):
            answer = await client.get(f"/api/orders?{query}", headers=headers)
            problem = assert_problem(answer, 422)
            assert problem["errors"][0]["field"] == query.partition("=")[0]


async def test_a_cursor_of_nobody_shows_ones_own_orders_only(
    client: httpx.AsyncClient, headers_of: Headers, reserve: Make
) -> None:
    mine, _ = await reserve("buyer"), await reserve("other")
    newest = "ffffffff-ffff-7fff-bfff-ffffffffffff"

    answer = await client.get(
        f"/api/orders?cursor={newest}", headers=headers_of("buyer")
    )

    assert [order["id"] for order in answer.json()] == [mine["id"]]


async def test_ids_that_name_nothing_are_not_found(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    headers = headers_of("buyer")
    for order_id in (*HOSTILE_IDS, new_id()):
        raw_path = f"/api/orders/{order_id}".encode()
        url = httpx.URL("http://testserver", raw_path=raw_path)
        with subtests.test(order_id=order_id[:20]):
            assert_problem(await client.get(url, headers=headers), 404)
            assert_problem(await client.delete(url, headers=headers), 404)


async def test_an_id_with_something_added_is_another_id(
    client: httpx.AsyncClient, headers_of: Headers, reserve: Make
) -> None:
    order_id = (await reserve("buyer"))["id"]
    for other in (f"{order_id}%20", order_id.upper(), f"%7B{order_id}%7D"):
        answer = await client.get(f"/api/orders/{other}", headers=headers_of("buyer"))
        assert_problem(answer, 404)


def _tokens(identity: FakeIdentity) -> dict[str, str]:
    good = identity.token("buyer")
    head, claims, signature = good.split(".")
    return {
        "nothing": "",
        "a word": "garbage",
        "no signature": f"{head}.{claims}.",
        "another's claims": f"{head}.{identity.token('x').split('.')[1]}.{signature}",
        "another's key": FakeIdentity().token("buyer"),
        "expired": identity.token("buyer", exp=1),
        "for others": identity.token("buyer", aud="elsewhere"),
        "by others": identity.token("buyer", iss="elsewhere"),
        "very long": "a" * 8_000,
    }


async def test_forged_tokens_open_nothing(
    client: httpx.AsyncClient,
    identity: FakeIdentity,
    reserve: Make,
    subtests: pytest.Subtests,
) -> None:
    order = await reserve("buyer")
    own = f"/api/orders/{order['id']}"
    routes = [
        ("GET", "/api/orders"), ("POST", "/api/orders"), ("GET", own), ("DELETE", own),
    ]  # fmt: skip
    for name, token in _tokens(identity).items():
        for method, path in routes:
            with subtests.test(token=name, method=method):
                answer = await client.request(
                    method,
                    path,
                    json={"ticket_id": "t"},
                    headers={"Cookie": f"{COOKIE}={token}"},
                )
                assert_problem(answer, 401)


async def test_another_site_can_neither_order_nor_cancel(
    client: httpx.AsyncClient,
    headers_of: Headers,
    reserve: Make,
    list_ticket: Callable[..., Awaitable[str]],
) -> None:
    order, ticket_id = await reserve("buyer"), await list_ticket()
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        headers = headers_of("buyer") | foreign
        for answer in (
            await client.post(
                "/api/orders", json={"ticket_id": ticket_id}, headers=headers
            ),
            await client.delete(f"/api/orders/{order['id']}", headers=headers),
        ):
            assert_problem(answer, 403)
    listed = await client.get("/api/orders", headers=headers_of("buyer"))
    assert [o["status"] for o in listed.json()] == ["created"]


async def test_problems_do_not_echo_what_was_sent(
    client: httpx.AsyncClient, headers_of: Headers
) -> None:
    body = {"ticket_id": ["s3cret"], "ticket_version": "s3cret"}
    answer = await client.post("/api/orders", json=body, headers=headers_of("buyer"))
    assert_problem(answer, 422)
    assert "s3cret" not in answer.text


async def test_unknown_routes_and_methods_are_problems_too(
    client: httpx.AsyncClient, headers_of: Headers
) -> None:
    headers = headers_of("buyer")
    assert_problem(await client.get("/api/orders/a/b", headers=headers), 404)
    assert_problem(await client.patch("/api/orders", headers=headers), 405)
    assert_problem(await client.put("/api/orders/x", headers=headers), 405)
