"""Turns a template and its data into a response with the right caching."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from client import display, wording
from client.visiting import Reader
from common.identity.session import COOKIE
from common.money import format_amount

STATIC = Path(__file__).parent / "static"
_PRIVATE = "private, no-store"
_PUBLIC = "public, max-age=1"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Page:
    """One page to show: its template, its reader and what it says."""

    template: str
    reader: Reader
    data: Mapping[str, object]
    status: int = 200
    is_public: bool = False


@cache
def templates() -> Environment:
    """The Jinja environment: everything escaped, an unknown name is an error."""
    env = Environment(
        loader=PackageLoader("client"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["asset"] = _asset_urls().__getitem__
    env.filters |= {
        "clock_left": display.countdown,
        "day": display.event_day,
        "duration": display.duration,
        "local": display.local_time,
        "moment": display.day_and_time,
        "money": format_amount,
        "place": display.place_line,
        "seats": display.seat_line,
        "time": display.event_time,
    }
    return env


def _asset_urls() -> dict[str, str]:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    return {str(path.relative_to(STATIC)): _fingerprinted(path) for path in files}


def _fingerprinted(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"/static/{path.relative_to(STATIC)}?v={digest}"


class Assets(StaticFiles):
    """Static files; an address that carries a fingerprint never changes its answer."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and scope["query_string"].startswith(b"v="):
            response.headers["cache-control"] = _FOREVER
        return response


def render(request: Request, page: Page) -> HTMLResponse:
    """Render a page; only one with nothing personal on it may be cached, briefly."""
    env: Environment = request.state.templates
    notice = wording.NOTICES.get(request.query_params.get("notice", ""))
    html = env.get_template(page.template).render(
        request=request,
        path=request.url.path,
        reader=page.reader,
        notice=notice,
        **page.data,
    )
    shared = page.is_public and page.status == 200 and not notice
    shared = shared and COOKIE not in request.cookies
    headers = {"cache-control": _PUBLIC if shared else _PRIVATE, "vary": "Cookie"}
    return HTMLResponse(html, page.status, headers)


def see_other(path: str, *, cookies: list[str] | None = None) -> RedirectResponse:
    """Send the browser to a page with a GET, with auth's cookies passed unchanged."""
    response = RedirectResponse(path, 303, {"cache-control": _PRIVATE})
    for cookie in cookies or []:
        response.headers.append("set-cookie", cookie)
    return response
