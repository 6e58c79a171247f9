"""Signing up, in and out; cookies are auth's and pass through unchanged."""

import httpx
import pytest

from client.testing import FakeServices

pytestmark = pytest.mark.asyncio
COOKIE = "session=abc.def-_; HttpOnly; Max-Age=86400; Path=/; SameSite=lax; Secure"
GONE = 'session=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure'
DONE = {"message": "", "data": None}
FORM = {"email": "ada@example.com", "password": "correct horse", "next": "/orders"}


@pytest.mark.parametrize(("page", "status"), [("signin", 200), ("signup", 201)])
async def test_auths_cookie_reaches_the_browser_unchanged(
    browser: httpx.AsyncClient, services: FakeServices, page: str, status: int
) -> None:
    services.answer(f"POST /api/users/{page}", DONE, status, set_cookie=COOKIE)
    answer = await browser.post(f"/{page}", data=FORM)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/orders"
    assert answer.headers.get_list("set-cookie") == [COOKIE]
    sent = services.sent(f"POST /api/users/{page}")
    assert sent == {"email": "ada@example.com", "password": "correct horse"}


@pytest.mark.parametrize("page", ["signin", "signup"])
async def test_one_visitors_session_is_never_lent_to_another(
    browser: httpx.AsyncClient, services: FakeServices, page: str
) -> None:
    cookie = "session=abc.def-_; HttpOnly; Max-Age=86400; Path=/; SameSite=lax"
    services.answer(f"POST /api/users/{page}", DONE, set_cookie=cookie)
    services.answer("GET /api/tickets", [])
    await browser.post(f"/{page}", data=FORM)

    browser.cookies.clear()
    await browser.get("/?q=of+somebody+else")
    await browser.post(f"/{page}", data=FORM)

    assert [r.headers.get("cookie") for r in services.asked] == [None] * 3


@pytest.mark.parametrize("page", ["signin", "signup"])
@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\e"])
async def test_s20_signing_in_never_leads_to_another_site(
    browser: httpx.AsyncClient, services: FakeServices, page: str, target: str
) -> None:
    services.answer(f"POST /api/users/{page}", DONE, set_cookie=COOKIE)
    answer = await browser.post(f"/{page}", data={**FORM, "next": target})
    assert answer.headers["location"].split("?")[0] == "/"
    form = await browser.get(f"/{page}", params={"next": target})
    assert 'name="next" value="/"' in form.text


async def test_a_wrong_password_is_told_and_never_echoed(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse("POST /api/users/signin", 401, "invalid_credentials")
    page = await browser.post("/signin", data=FORM)
    assert page.status_code == 401
    assert "do not match an account" in page.text
    assert 'value="ada@example.com"' in page.text
    assert 'name="next" value="/orders"' in page.text
    assert "correct horse" not in page.text


async def test_a_throttled_sign_in_says_how_long_to_wait(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse("POST /api/users/signin", 429, "throttled", retry_after=90)
    page = await browser.post("/signin", data=FORM)
    assert page.status_code == 429
    assert "in 2 minutes" in page.text


async def test_a_known_address_is_led_to_sign_in(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse("POST /api/users/signup", 409, "email_taken")
    page = await browser.post("/signup", data=FORM)
    assert page.status_code == 409
    assert "Sign in instead" in page.text
    assert 'href="/signin?next=%2Forders"' in page.text


async def test_auths_field_errors_stand_next_to_the_fields(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    errors = [{"field": "password", "message": "Use at least 12 characters."}]
    services.refuse("POST /api/users/signup", 422, "invalid_input", errors=errors)
    page = await browser.post("/signup", data=FORM)
    assert page.status_code == 422
    assert 'id="password-error">Use at least 12 characters.' in page.text


async def test_an_empty_form_is_not_sent(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    page = await browser.post("/signin", data={})
    assert page.status_code == 422
    assert 'id="email-error"' in page.text
    assert 'id="password-error"' in page.text
    assert not services.asked


@pytest.mark.parametrize("page", ["signin", "signup"])
async def test_the_signed_in_are_sent_on(
    signed_in: httpx.AsyncClient, page: str
) -> None:
    answer = await signed_in.get(f"/{page}?next=/orders")
    assert answer.headers["location"] == "/orders"


async def test_a_session_only_auth_still_knows_does_not_go_in_circles(
    signed_in: httpx.AsyncClient,
) -> None:
    page = await signed_in.get("/signin?next=/orders&ended=1")
    assert page.status_code == 200
    assert "Your session has ended" in page.text


@pytest.mark.parametrize(
    ("path", "call", "notice"),
    [
        ("/signout", "signout", "signed-out"),
        ("/signout-everywhere", "signout-everywhere", "signed-out-everywhere"),
    ],
)
async def test_signing_out_removes_the_cookie(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    path: str,
    call: str,
    notice: str,
) -> None:
    services.answer(f"POST /api/users/{call}", DONE, set_cookie=GONE)
    answer = await signed_in.post(path)
    assert answer.headers["location"] == f"/?notice={notice}"
    assert answer.headers.get_list("set-cookie") == [GONE]


async def test_signing_out_without_a_session_is_no_error(
    browser: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse("POST /api/users/signout", 401)
    answer = await browser.post("/signout")
    assert answer.headers["location"] == "/?notice=signed-out"


async def test_signing_out_is_no_link(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/signout")).status_code == 405


async def test_the_account_page_names_the_address(signed_in: httpx.AsyncClient) -> None:
    assert "ada@example.com" in (await signed_in.get("/account")).text


async def test_the_account_page_needs_a_session(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/account")
    assert answer.headers["location"] == "/signin?next=/account"


async def test_a_changed_password_brings_a_new_cookie(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer("POST /api/users/password", DONE, set_cookie=COOKIE)
    passwords = {"current": "old", "new": "correct horse"}
    answer = await signed_in.post("/account/password", data=passwords)
    assert answer.headers["location"] == "/account?notice=password-changed"
    assert answer.headers.get_list("set-cookie") == [COOKIE]


@pytest.mark.parametrize(
    ("passwords", "refusal", "field"),
    [
        ({"current": "", "new": "x"}, None, "current"),
        ({"current": "x", "new": ""}, None, "new"),
        ({"current": "x", "new": "y"}, (401, []), "current"),
        (
            {"current": "x", "new": "y"},
            (422, [{"field": "new_password", "message": "longer"}]),
            "new",
        ),
        ({"current": "x", "new": "y"}, (429, []), "current"),
    ],
)
async def test_a_refused_password_is_told_at_its_field(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    passwords: dict[str, str],
    refusal: tuple[int, list[dict[str, str]]] | None,
    field: str,
) -> None:
    if refusal:
        services.refuse("POST /api/users/password", refusal[0], errors=refusal[1])
    page = await signed_in.post("/account/password", data=passwords)
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
