"""Refuses unsafe requests that another site made the browser send."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteRefused(Exception):
    """The request came from a page of another site, or does not say from where."""


def refuse_cross_site(request: Request) -> None:
    """Let an unsafe request through only if the browser says our own page sent it.

    Every browser that can show these pages sends Origin with a POST, and newer ones
    Sec-Fetch-Site; a request with neither did not come from one of our forms.
    A dependency of the whole app, so that the refusal is a designed page.

    Raises CrossSiteRefused.
    """
    if not comes_from_here(request.scope):
        raise CrossSiteRefused


def comes_from_here(scope: Scope) -> bool:
    """Whether a request is safe, or was sent by a page of this very origin."""
    if scope["method"] in _SAFE_METHODS:
        return True
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return _is_own(origin, headers.get("host", ""))
    return site is not None


def _is_own(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc == host != ""
    except ValueError:
        return False
