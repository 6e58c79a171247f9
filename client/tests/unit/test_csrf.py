"""A form of another site does nothing here (S8)."""

import pytest

from client.csrf import comes_from_here

HOST = {"host": "ticketing.dev"}


def scope(method: str, headers: dict[str, str]) -> dict[str, object]:
    raw = [(k.encode(), v.encode()) for k, v in {**HOST, **headers}.items()]
    return {"type": "http", "method": method, "headers": raw}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://ticketing.dev"},
        {"sec-fetch-site": "same-origin"},
        {"origin": "https://ticketing.dev", "sec-fetch-site": "same-origin"},
    ],
)
def test_s8_a_form_of_this_site_is_taken(headers: dict[str, str]) -> None:
    assert comes_from_here(scope("POST", headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://evil.example"},
        {"origin": "https://ticketing.dev.evil.example"},
        {"origin": "https://[broken"},
        {"origin": "https://ticketing.dev:8443"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://ticketing.dev", "sec-fetch-site": "cross-site"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
def test_s8_everything_else_is_refused(headers: dict[str, str]) -> None:
    assert not comes_from_here(scope("POST", headers))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_s8_looking_at_a_page_is_open_to_all(method: str) -> None:
    assert comes_from_here(scope(method, {"sec-fetch-site": "cross-site"}))
