"""Whatever is sent, the answer is a 4xx with a problem body, never a 5xx (S18)."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from common.testing.http import (
    HOSTILE_BODIES,
    HOSTILE_IDS,
    HOSTILE_TEXTS,
    NO_AMOUNTS,
    NO_TEXTS,
    REFUSALS,
    assert_problem,
    json_bytes,
)

pytestmark = pytest.mark.asyncio

Headers = Callable[[str], dict[str, str]]
Offer = Callable[..., dict[str, Any]]
ListTicket = Callable[..., Awaitable[dict[str, Any]]]

TEXTS = ("title", "venue", "city", "section", "row", "seat", "timezone", "currency")

BAD_FIELDS: list[tuple[str, object]] = [
    *((name, value) for name in TEXTS for value in NO_TEXTS.values()),
    *((name, v) for name in ("price", "face_value") for v in NO_AMOUNTS.values()),
    ("title", ""),
    ("title", "   "),
    ("title", None),
    ("title", "\u200b\u200d"),
    ("title", "x" * 101),
    ("venue", "x" * 101),
    ("section", "x" * 41),
    ("price", None),
    ("price", 0),
    ("price", 49),
    ("price", 100_000_000),
    ("currency", "eur"),
    ("currency", "USD"),
    ("user_id", "somebody"),
    ("seller_id", "somebody"),
    ("order_id", "an order"),
    ("status", "sold"),
    ("starts_at", "tomorrow"),
    ("starts_at", "2030-01-01"),
    ("starts_at", "2030-01-01T20:00:00"),
    ("starts_at", "2020-01-01T20:00:00Z"),
    ("starts_at", "0001-01-01T00:00:00+14:00"),
    ("starts_at", "9999-12-31T23:59:59-14:00"),
    ("starts_at", 1_900_000_000),
    ("starts_at", "1900000000"),
    ("starts_at", float("nan")),
    ("starts_at", True),
    ("timezone", "Mars/Olympus"),
    ("timezone", "../../etc/passwd"),
]

BAD_QUERIES = [
    "limit=abc", "limit=0", "limit=-1", "limit=101", "limit=1e9", "limit=", "limit=2.5",
    f"limit={10**30}", "sort=cheap", "sort=", "sort=%00", "colour=red",
    "q=%00", "city=a%0Ab", "q=" + "x" * 101, "city=" + "x" * 101,
    "min_price=-1", "min_price=abc", "max_price=NaN", f"max_price={2**63}",
    f"min_price={'9' * 5000}",
    "from=yesterday", "from=2026-13-01", "from=2026-01-01T00:00:00", "from=1e400",
    "from=1700000000", "from=1700000000000", "to=2026-02-30", "to=%00",
    "from=0001-01-01T00:00:00%2B14:00", "to=9999-12-31T23:59:59-14:00", "from=",
    "seller=" + "x" * 37, "seller=%00", "seller=%F0%9F%98%80", "seller=%FF",
    "cursor=garbage", "cursor=%00", "cursor=%FF", "cursor=😀", "cursor=e30",
    "cursor=" + "A" * 301, "cursor=bnVsbA", "cursor=WzEsMiwzXQ",
]  # fmt: skip


async def test_hostile_bodies_are_refused(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    headers = {
        **headers_of("seller"), "Content-Type": "application/json", "If-Match": '"1"',
    }  # fmt: skip
    for method, path in (("POST", "/api/tickets"), ("PUT", "/api/tickets/some-id")):
        for name, content in HOSTILE_BODIES.items():
            with subtests.test(method=method, body=name):
                response = await client.request(
                    method, path, content=content, headers=headers
                )
                assert_problem(response, *REFUSALS)


async def test_each_bad_field_is_refused_and_named(
    client: httpx.AsyncClient,
    headers_of: Headers,
    make_offer: Offer,
    subtests: pytest.Subtests,
) -> None:
    headers = {**headers_of("seller"), "Content-Type": "application/json"}
    for field, value in BAD_FIELDS:
        zone = {"timezone": "UTC"} if field == "starts_at" else {}
        content = json_bytes(make_offer(**zone, **{field: value}))
        with subtests.test(field=field, value=repr(value)[:40]):
            response = await client.post(
                "/api/tickets", content=content, headers=headers
            )
            problem = assert_problem(response, *REFUSALS)
            named = {error["field"] for error in problem.get("errors", [])}
            assert response.status_code != 422 or named & {field, "body"}, problem


async def test_a_body_that_says_it_is_no_json_is_refused(
    client: httpx.AsyncClient, headers_of: Headers, make_offer: Offer
) -> None:
    content = json_bytes(make_offer())
    for content_type in ("text/plain", "multipart/form-data", ""):
        headers = {**headers_of("seller"), "Content-Type": content_type}
        response = await client.post("/api/tickets", content=content, headers=headers)
        assert_problem(response, 422)


async def test_bad_query_parameters_are_refused(
    client: httpx.AsyncClient, subtests: pytest.Subtests
) -> None:
    for query in BAD_QUERIES:
        with subtests.test(query=query[:40]):
            response = await client.get(f"/api/tickets?{query}")
            problem = assert_problem(response, 422)
            assert problem["errors"][0]["field"] == query.partition("=")[0]


async def test_bad_query_parameters_of_ones_own_listings_are_refused(
    client: httpx.AsyncClient, headers_of: Headers, subtests: pytest.Subtests
) -> None:
    headers = headers_of("seller")
    for query in (
        "limit=0",
        "limit=x",
        "cursor=x",
        "cursor=%00",
        "cursor=%F0%9F%98%80",
    ):
        with subtests.test(query=query):
            response = await client.get(f"/api/tickets/mine?{query}", headers=headers)
            assert_problem(response, 422)


async def test_ids_that_name_nothing_are_not_found(
    client: httpx.AsyncClient,
    headers_of: Headers,
    make_offer: Offer,
    subtests: pytest.Subtests,
) -> None:
    mine = {**headers_of("seller"), "If-Match": '"1"'}
    for ticket_id in HOSTILE_IDS:
        raw_path = f"/api/tickets/{ticket_id}".encode()
        url = httpx.URL("http://testserver", raw_path=raw_path)
        with subtests.test(ticket_id=ticket_id[:20]):
            assert_problem(await client.get(url), 404)
            assert_problem(await client.put(url, json=make_offer(), headers=mine), 404)
            assert_problem(await client.delete(url, headers=mine), 404)


async def test_ugly_text_is_kept_as_it_is(
    client: httpx.AsyncClient, list_ticket: ListTicket, subtests: pytest.Subtests
) -> None:
    for text in HOSTILE_TEXTS:
        with subtests.test(text=text):
            ticket = await list_ticket(title=text, venue=text, city=text, section=text)
            found = (await client.get(f"/api/tickets/{ticket['id']}")).json()
            kept = [found[name] for name in ("title", "venue", "city", "section")]
            assert kept == [text] * 4
            [listed] = (await client.get(f"/api/tickets?q={quote(text)}")).json()
            assert listed == found


async def test_scripts_that_need_invisible_characters_are_welcome(
    list_ticket: ListTicket,
) -> None:
    for title in (
        "Familie 👨\u200d👩\u200d👧",
        "10\u00a0€ Loge",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "東京ドーム",
    ):
        assert (await list_ticket(title=title))["title"] == title


async def test_problems_do_not_echo_what_was_sent(
    client: httpx.AsyncClient, headers_of: Headers, make_offer: Offer
) -> None:
    body = make_offer(price="s3cret", title=["s3cret"], venue="s3cret\x00")
    response = await client.post(
        "/api/tickets", json=body, headers=headers_of("seller")
    )
    assert_problem(response, 422)
    assert "s3cret" not in response.text


async def test_unknown_routes_and_methods_are_problems_too(
    client: httpx.AsyncClient,
) -> None:
    assert_problem(await client.get("/api/tickets/a/b"), 404)
    assert_problem(await client.patch("/api/tickets"), 405)
