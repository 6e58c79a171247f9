"""The session cookie, as a browser gets it through the gateway (S7)."""

import re
from typing import Final

import httpx
import pytest

from common.ids import new_id
from embedded.visitor import PASSWORD

pytestmark = pytest.mark.stack

TOKEN: Final = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
# Without TLS there is no Secure; no Domain ever, so that it is for this host alone.
GIVEN: Final = re.compile(
    rf"session={TOKEN}; HttpOnly; Max-Age=(43200|4319\d); Path=/; SameSite=lax"
)
TAKEN: Final = re.compile(
    r'session=""; expires=[^;]+ GMT; HttpOnly; Max-Age=0; Path=/; SameSite=lax'
)


@pytest.fixture
def account(anybody: httpx.Client) -> dict[str, str]:
    """An account, with whose session `anybody` is signed in."""
    account = {"email": f"{new_id()}@example.com", "password": PASSWORD}
    answer = anybody.post("/api/users/signup", json=account)
    assert answer.status_code == 201
    assert GIVEN.fullmatch(_only_cookie(answer))
    return account


def test_s7_signing_in_gives_the_cookie(
    anybody: httpx.Client, account: dict[str, str]
) -> None:
    answer = anybody.post("/api/users/signin", json=account)
    assert GIVEN.fullmatch(_only_cookie(answer))
    assert answer.headers["Cache-Control"] == "no-store"


def test_s7_changing_the_password_gives_another_cookie(
    anybody: httpx.Client, account: dict[str, str]
) -> None:
    old = anybody.cookies["session"]
    answer = anybody.post(
        "/api/users/password",
        json={
            "current_password": account["password"],
            "new_password": f"{PASSWORD}-{new_id()}",
        },
    )
    assert GIVEN.fullmatch(_only_cookie(answer))
    assert anybody.cookies["session"] != old


@pytest.mark.parametrize("path", ["signout", "signout-everywhere"])
def test_s7_signing_out_takes_the_cookie_with_the_same_attributes(
    path: str, anybody: httpx.Client, account: dict[str, str]
) -> None:
    assert account["email"]
    answer = anybody.post(f"/api/users/{path}")
    assert answer.status_code == 200
    assert TAKEN.fullmatch(_only_cookie(answer))
    assert "session" not in anybody.cookies


def test_s7_a_refusal_gives_and_takes_nothing(
    anybody: httpx.Client, account: dict[str, str]
) -> None:
    wrong = {**account, "password": "not-the-password"}
    answers = [
        anybody.post("/api/users/signin", json=wrong),
        anybody.post("/api/users/signup", json=account),
        anybody.post("/api/users/signin", json={}),
    ]
    assert [answer.status_code for answer in answers] == [401, 409, 422]
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_s7_nothing_but_accounts_sets_cookies(somebody: httpx.Client) -> None:
    paths = ("/api/users/currentuser", "/api/tickets", "/api/tickets/mine")
    for path in (*paths, "/api/orders"):
        answer = somebody.get(path)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers


def _only_cookie(answer: httpx.Response) -> str:
    (cookie,) = answer.headers.get_list("set-cookie")
    return cookie
