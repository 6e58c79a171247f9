"""The content security policy and the other headers (S17)."""

from client.headers import content_security_policy, security_headers
from client.settings import Settings


def policy(url: str) -> dict[str, str]:
    rules = content_security_policy(Settings(stripe_js_url=url)).split("; ")
    return dict(rule.split(" ", 1) for rule in rules)


def test_s17_nothing_inline_and_nothing_framed() -> None:
    text = content_security_policy(Settings())
    assert "unsafe-" not in text
    rules = policy("https://js.stripe.com/v3/")
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'self'"


def test_s17_stripe_itself_needs_its_api_and_its_frames() -> None:
    rules = policy("https://js.stripe.com/v3/")
    assert rules["script-src"] == "'self' https://js.stripe.com"
    assert rules["frame-src"] == "https://js.stripe.com https://hooks.stripe.com"
    assert rules["connect-src"] == (
        "'self' https://js.stripe.com https://api.stripe.com"
    )


def test_s17_another_script_address_lets_in_only_its_origin() -> None:
    rules = policy("http://127.0.0.1:8420/v3/")
    assert rules["script-src"] == "'self' http://127.0.0.1:8420"
    assert rules["frame-src"] == "http://127.0.0.1:8420"
    assert rules["connect-src"] == "'self' http://127.0.0.1:8420"


def test_s17_hsts_is_sent_under_tls_only() -> None:
    settings = Settings()
    name = "strict-transport-security"
    assert name not in security_headers(settings, "http")
    hsts = security_headers(settings, "https")[name]
    assert hsts == "max-age=31536000; includeSubDomains"
