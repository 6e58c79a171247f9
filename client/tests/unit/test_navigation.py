"""`next` may only ever lead to a page of this site (S20)."""

import pytest

from client.navigation import safe_next, sign_in_path


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "http:evil.example",
        "evil.example",
        "?q=1",
        " /orders",
        "/\x00",
        "//[evil",
        "/" + "a" * 1001,
        "",
        None,
    ],
)
def test_s20_a_destination_outside_the_site_becomes_home(target: str | None) -> None:
    assert safe_next(target) == "/"


@pytest.mark.parametrize("target", ["/", "/orders/1?notice=x", "/?q=a%20b", "/sell"])
def test_s20_a_page_of_the_site_is_kept(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize("target", ["/signin", "/signup?next=/", "/signout"])
def test_signing_in_never_leads_back_to_signing_in(target: str) -> None:
    assert safe_next(target) == "/"


def test_the_way_to_sign_in_carries_the_way_back_as_one_value() -> None:
    assert sign_in_path("/orders?cursor=a&b=c") == (
        "/signin?next=/orders%3Fcursor%3Da%26b%3Dc"
    )
