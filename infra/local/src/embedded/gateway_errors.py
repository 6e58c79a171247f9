"""What the gateway answers when a service does not."""

import base64
import hashlib
import json
from dataclasses import dataclass

PAGE_FILE = "unavailable.html"

STYLE = """\
:root { color-scheme: light dark; --ink: #1c1b2e; --paper: #f7f6fb; --card: #fff;
  --accent: #4b3bdb; --soft: #6a6880; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1f0fa; --paper: #14131f;
  --card: #1f1d2e; --accent: #a79bff; --soft: #a5a2bd; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
  padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, sans-serif; }
main { max-width: 30rem; padding: 2.5rem; background: var(--card);
  border-radius: 1.25rem; border-top: .375rem dashed var(--accent);
  box-shadow: 0 1rem 3rem rgb(20 16 60 / .12); }
h1 { margin: 0 0 .75rem; font-size: 1.75rem; line-height: 1.2; }
p { margin: 0 0 1.25rem; color: var(--soft); }
a { display: inline-block; padding: .7rem 1.25rem; border-radius: .75rem;
  background: var(--accent); color: var(--card); font-weight: 600;
  text-decoration: none; }
a:focus-visible { outline: .1875rem solid var(--ink); outline-offset: .1875rem; }
"""

HTML = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Back in a moment · Ticketing</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Back in a moment</h1>
<p>This part of Ticketing is not answering just now. Nothing is lost: your orders and
payments are kept as they were. Try again in a few seconds.</p>
<a href="">Try again</a>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    html: str
    policy: str


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    slug: str
    title: str
    detail: str
    retry: bool

    def body(self, request_id: str) -> str:
        """The same shape as every error of the services (RFC 9457)."""
        return json.dumps(
            {
                "type": f"urn:ticketing:error:{self.slug}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                "message": self.detail,
                "code": self.slug,
                "errors": [],
                "request_id": request_id,
            }
        )


def page() -> Page:
    """The page for people, and a policy that lets exactly its own style in."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    return Page(HTML.format(style=STYLE), policy)


def unreadable() -> tuple[Problem, ...]:
    """What NGINX refuses itself, before any service could."""
    told = (
        (400, "bad_request", "Bad Request", "The request cannot be read."),
        (405, "method_not_allowed", "Method Not Allowed", "There is no such method."),
        (414, "uri_too_long", "URI Too Long", "The address is too long."),
        (
            431,
            "headers_too_large",
            "Request Header Fields Too Large",
            "The headers, or the cookies among them, are too large.",
        ),
    )
    return tuple(Problem(*each, retry=False) for each in told)


def problems() -> tuple[Problem, ...]:
    busy = "This service is not answering just now. Try again in a moment."
    slow = (
        "This took too long to answer. It may still have been done: look before "
        "you try again, or repeat it with the same Idempotency-Key."
    )
    large = "The request is larger than 64 KiB."
    return (
        Problem(413, "payload_too_large", "Content Too Large", large, retry=False),
        Problem(502, "bad_gateway", "Bad Gateway", busy, retry=True),
        Problem(503, "unavailable", "Service Unavailable", busy, retry=True),
        Problem(504, "gateway_timeout", "Gateway Timeout", slow, retry=True),
    )
