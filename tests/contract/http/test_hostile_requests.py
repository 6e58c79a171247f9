"""What nobody in their right mind would send, to every route."""

import json
from collections.abc import Mapping
from typing import Final

import httpx
import pytest

from common.ids import new_id
from common.testing.http import (
    HOSTILE_BODIES,
    HOSTILE_IDS,
    HOSTILE_TEXTS,
    assert_problem,
)
from common.testing.routes import ApiRoute

pytestmark = pytest.mark.stack

JSON: Final = {"Content-Type": "application/json"}
NEEDLE: Final = "n33dle-from-the-input"
LIMIT: Final = 64 * 1024

# A webhook is refused for its signature, before anybody looks at what it says.
WEBHOOK: Final = "/api/payments/webhook"

CROSS_SITE: Final = {
    "a foreign origin": {"Origin": "https://evil.example"},
    "no origin to speak of": {"Origin": "null"},
    "an origin that is none": {"Origin": "http://[evil"},
    "our name, another port": {"Origin": "http://localhost:1"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another host of our site": {"Sec-Fetch-Site": "same-site"},
    "a value we do not know": {"Sec-Fetch-Site": "?"},
}

WRONG_TYPES: Final[Mapping[str, bytes]] = {
    "form": b"title=a&price=1000&email=a%40example.com&order_id=1",
    "text": b"title",
    "list": b"[1, 2, 3]",
    "text in JSON": b'"title"',
    "number": b"12",
    "all fields numbers": b'{"title": 1, "email": 2, "ticket_id": 3, "order_id": 4}',
    "all fields lists": b'{"title": [], "email": [], "ticket_id": [], "order_id": []}',
    "NaN": b'{"price": NaN, "title": NaN, "email": NaN, "order_id": NaN}',
    "infinity": b'{"price": 1e999, "title": Infinity, "order_id": -Infinity}',
    "unknown fields": b'{"__proto__": {}, "is_admin": true, "n33dle": "n33dle"}',
}

HOSTILE_QUERIES: Final = (
    f"surprise={NEEDLE}", "limit=0", "limit=101", "limit=1e9", "limit=NaN",
    "cursor=%00", f"cursor={NEEDLE}", "cursor=%FF%FE", "limit=1&limit=2&surprise=1",
    "__proto__=1", "q[]=1", "&".join(f"a{number}=1" for number in range(300)),
)  # fmt: skip

HOSTILE_HEADERS: Final = {
    "If-Match": ('"', '"0"', '"99999999999999999999"', "W/x", NEEDLE),
    "Idempotency-Key": ("", "a" * 65, "a b", "\x7f"),
    "Stripe-Signature": ("", "t=,v1=", f"t={NEEDLE},v1={NEEDLE}", "t=1e9,v1=00"),
    "X-Request-ID": ("", "a" * 500, "../../etc/passwd", "<script>"),
    "traceparent": ("", "00-0-0-0", "x" * 500),
    "Accept": ("", "image/png", "\x01"),
    "Content-Length-Hint": ("1e9",),
}


def test_s8_unsafe_requests_of_other_sites_are_refused(
    unsafe_route: ApiRoute, somebody: httpx.Client
) -> None:
    for headers in CROSS_SITE.values():
        answer = somebody.request(
            unsafe_route.method, unsafe_route.url(new_id()), headers=headers
        )
        assert_problem(answer, 403, code="cross_site")


def test_s8_requests_of_other_sites_that_only_read_are_answered_as_any(
    safe_route: ApiRoute, somebody: httpx.Client
) -> None:
    url = safe_route.url(new_id())
    usual = somebody.get(url)
    for headers in CROSS_SITE.values():
        answer = somebody.get(url, headers=headers)
        assert answer.status_code == usual.status_code
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_s18_a_hostile_body_is_a_problem_of_the_caller(
    body_route: ApiRoute, name: str, somebody: httpx.Client
) -> None:
    expected = {413} if name == "too large" else {400, 422}
    for headers in (JSON, {"Content-Type": "application/json; charset=utf-16"}):
        answer = _post(somebody, body_route, HOSTILE_BODIES[name], headers)
        assert_problem(answer, *expected)


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_s18_wrong_types_are_a_problem_of_the_caller(
    body_route: ApiRoute, name: str, somebody: httpx.Client
) -> None:
    expected = 400 if body_route.path == WEBHOOK else 422
    malformed = {"form", "text"} & {name}
    answer = _post(somebody, body_route, WRONG_TYPES[name], JSON)
    assert_problem(answer, 400 if malformed else expected)


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
     "multipart/form-data; boundary=x", "application/xml", "nonsense", "a" * 1_000],
)  # fmt: skip
def test_s8_only_json_is_read(
    body_route: ApiRoute, media_type: str, somebody: httpx.Client
) -> None:
    body = json.dumps({"title": "T", "price": 1_000}).encode()
    answer = _post(somebody, body_route, body, {"Content-Type": media_type})
    assert_problem(answer, 400 if body_route.path == WEBHOOK else 422)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_s18_nothing_of_the_input_comes_back_in_a_refusal(
    body_route: ApiRoute, text: str, somebody: httpx.Client
) -> None:
    needle = f"{NEEDLE}{text}"
    names = ("email", "password", "title", "price", "ticket_id", "order_id", "city")
    body = json.dumps({name: {"nested": needle} for name in names}).encode()
    answer = _post(somebody, body_route, body, JSON)
    assert_problem(answer, 400, 422)
    assert NEEDLE not in answer.text


def test_s19_a_body_above_64_kib_is_413_at_the_gateway(
    route: ApiRoute, somebody: httpx.Client
) -> None:
    for size in (LIMIT + 1, 1_000_000):
        answer = somebody.request(
            route.method, route.url(new_id()), content=b"x" * size, headers=JSON
        )
        assert_problem(answer, 413, code="payload_too_large")


def test_s19_a_body_that_does_not_say_its_length_is_413_too(
    unsafe_route: ApiRoute, somebody: httpx.Client
) -> None:
    pieces = (b"x" * 1_000 for _ in range(100))
    answer = somebody.request(
        unsafe_route.method, unsafe_route.url(new_id()), content=pieces, headers=JSON
    )
    assert_problem(answer, 413, code="payload_too_large")


def test_an_unknown_id_is_404(id_route: ApiRoute, somebody: httpx.Client) -> None:
    body = {"title": "T", "price": 1_000} if id_route.has_body else None
    answer = somebody.request(
        id_route.method,
        id_route.url(new_id()),
        json=body,
        headers={"If-Match": '"1"'},
    )
    assert_problem(answer, 404)


@pytest.mark.parametrize("identifier", HOSTILE_IDS, ids=lambda text: text[:20])
def test_s18_a_hostile_id_names_nothing(
    id_route: ApiRoute, identifier: str, somebody: httpx.Client
) -> None:
    body = {"title": "T", "price": 1_000} if id_route.has_body else None
    raw = id_route.url(identifier).replace(" ", "%20").replace("'", "%27").encode()
    answer = somebody.request(
        id_route.method,
        httpx.URL(somebody.base_url, raw_path=raw),
        json=body,
        headers={"If-Match": '"1"'},
    )
    if identifier.startswith(".."):
        assert answer.status_code in {404, 405}  # The gateway has left the prefix.
    else:
        assert_problem(answer, 400, 404)
        assert "x-injected" not in answer.headers


@pytest.mark.parametrize("query", HOSTILE_QUERIES, ids=lambda text: text[:20])
def test_s18_a_hostile_query_is_no_fault_of_ours(
    safe_route: ApiRoute, query: str, somebody: httpx.Client
) -> None:
    url = safe_route.url(new_id())
    usual = somebody.get(url)
    answer = somebody.get(f"{url}?{query}")
    assert NEEDLE not in answer.text
    if _takes_a_query(safe_route):
        assert_problem(answer, 400, 422)
    else:
        assert answer.status_code == usual.status_code


def test_s18_a_hostile_header_is_no_fault_of_ours(
    route: ApiRoute, newcomer: httpx.Client
) -> None:
    hostile = [(name, one) for name, some in HOSTILE_HEADERS.items() for one in some]
    session = {"Cookie": f"session={newcomer.cookies['session']}"}
    for name, value in hostile:
        answer = newcomer.request(
            route.method,
            route.url(new_id()),
            json={} if route.has_body else None,
            headers={name: value, **session},
        )
        assert answer.status_code < 500
        assert NEEDLE not in answer.text
        assert "<script>" not in answer.headers["X-Request-ID"]


def test_s19_the_longest_address_is_no_fault_of_ours(
    safe_route: ApiRoute, somebody: httpx.Client
) -> None:
    for length in (3_500, 4_000, 7_000, 8_000):
        answer = somebody.get(f"{safe_route.url(new_id())}?q={'a' * length}")
        assert answer.status_code in {200, 404, 422}
    answer = somebody.get(f"{safe_route.url(new_id())}?q={'a' * 9_000}")
    assert_problem(answer, 414, code="uri_too_long")


def test_a_method_that_a_path_lacks_is_405(
    route: ApiRoute, routes: tuple[ApiRoute, ...], somebody: httpx.Client
) -> None:
    url = route.url(new_id())
    allowed = {one.method.upper() for one in routes if one.path == route.path}
    for method in {"POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = somebody.request(method, url)
        if answer.status_code != 405:
            # A fixed name is also an id to the route beside it.
            assert_problem(answer, 401, 404, 422, 428)
            continue
        assert_problem(answer, 405, code="method_not_allowed")
        assert allowed <= set(answer.headers["Allow"].split(", "))


def _post(
    browser: httpx.Client, route: ApiRoute, body: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    return browser.request(
        route.method,
        route.url(new_id()),
        content=body,
        headers={"If-Match": '"1"', **headers},
    )


def _takes_a_query(route: ApiRoute) -> bool:
    return any(one["in"] == "query" for one in route.operation.get("parameters", ()))
