"""What holds on every page: headers, cross-site refusals, errors, what is passed on."""

import httpx
import pytest

from client.testing import FakeServices

pytestmark = pytest.mark.asyncio
ID = "018f1111-0000-7000-8000-000000000001"
POSTS = [
    "/signin",
    "/signup",
    "/signout",
    "/signout-everywhere",
    "/account/password",
    "/sell",
    f"/tickets/{ID}/reserve",
    f"/listings/{ID}/edit",
    f"/listings/{ID}/withdraw",
    f"/orders/{ID}/pay",
    f"/orders/{ID}/cancel",
]


@pytest.mark.parametrize(
    "path",
    ["/", "/signin", "/nope", f"/tickets/{ID}", "/static/favicon.svg", "/livez"],
)
async def test_s17_every_answer_carries_the_security_headers(
    browser: httpx.AsyncClient, path: str
) -> None:
    headers = (await browser.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert headers["x-request-id"]


async def test_s17_hsts_under_tls(browser: httpx.AsyncClient) -> None:
    headers = (await browser.get("https://tickets.test/signin")).headers
    assert headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://tickets.test", "sec-fetch-site": "cross-site"},
    ],
)
async def test_s8_a_form_of_another_site_does_nothing(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    path: str,
    headers: dict[str, str],
) -> None:
    page = await signed_in.post(path, headers=headers)
    assert page.status_code == 403
    assert "That request was refused" in page.text
    assert not services.asked


async def test_s8_a_form_that_does_not_say_where_it_is_from_does_nothing(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    del signed_in.headers["origin"]
    assert (await signed_in.post("/signout")).status_code == 403
    assert not services.asked


async def test_a_service_that_is_down_is_told_in_plain_words(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.break_down("GET /api/orders")
    page = await signed_in.get("/orders")
    assert page.status_code == 503
    assert page.headers["retry-after"] == "5"
    assert "We will be right back" in page.text
    assert "connection refused" not in page.text


async def test_an_unforeseen_error_is_a_page_with_all_its_headers(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    fault = RuntimeError("secret detail")
    services.answers["GET", "/api/orders"] = [fault]
    page = await signed_in.get("/orders")
    assert page.status_code == 500
    assert "Something broke on our side" in page.text
    assert "secret detail" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("status", "shown", "words"),
    [
        (403, 403, "That is not allowed"),
        (404, 404, "There is nothing here"),
        (418, 400, "That did not work"),
        (429, 429, "Please wait a moment"),
    ],
)
async def test_every_refusal_has_a_page(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    status: int,
    shown: int,
    words: str,
) -> None:
    services.refuse("GET /api/orders", status)
    page = await signed_in.get("/orders")
    assert page.status_code == shown
    assert words in page.text


async def test_services_get_the_session_cookie_alone_and_the_trace(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    signed_in.cookies.set("tracker", "1")
    services.answer("GET /api/orders", [])
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {
        "traceparent": f"00-{trace}-b7ad6b7169203331-01",
        "x-request-id": "req-1",
        "authorization": "Basic abc",
    }
    await signed_in.get("/orders", headers=headers)
    for request in services.asked:
        assert request.headers["cookie"] == "session=token-1"
        assert request.headers["x-request-id"] == "req-1"
        assert request.headers["traceparent"].split("-")[1] == trace
        assert request.headers["x-forwarded-for"] == "127.0.0.1"
        assert "authorization" not in request.headers
    assert len(services.asked) == 2


async def test_assets_named_by_their_content_are_kept_for_ever(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/signin")).text
    url = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
    asset = await browser.get(url)
    assert asset.status_code == 200
    assert asset.headers["cache-control"].endswith("immutable")
    plain = await browser.get(url.split("?")[0])
    assert "immutable" not in plain.headers.get("cache-control", "")


async def test_no_page_holds_inline_script_or_style(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/signin", "/signup", "/nope"):
        page = (await browser.get(path)).text
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count('<script type="module" src=')


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_operators_find_the_usual_addresses(
    browser: httpx.AsyncClient, path: str
) -> None:
    assert (await browser.get(path)).status_code == 200


async def test_head_is_answered_like_get(browser: httpx.AsyncClient) -> None:
    assert (await browser.head("/signin")).status_code == 200


async def test_a_form_of_unreasonable_size_is_refused(
    browser: httpx.AsyncClient,
) -> None:
    page = await browser.post("/signin", data={"email": "x" * 70_000})
    assert page.status_code == 413
