"""The pages for what went wrong: not found, refused, unavailable, broken."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client.backend import ServiceProblem, ServiceUnavailable
from client.csrf import CrossSiteRefused
from client.navigation import sign_in_path
from client.rendering import Page, render, see_other
from client.visiting import (
    UNKNOWN_READER,
    Reader,
    SignInNeeded,
    find_reader,
    gateway_of,
    visitor_of,
)
from client.wording import throttled_words
from common.identity import COOKIE
from common.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Apology:
    title: str
    lead: str
    can_retry: bool = False


_NOT_FOUND = _Apology(
    "There is nothing here",
    "The page does not exist, or what it showed is gone. Tickets that are sold or "
    "withdrawn sometimes leave a link behind.",
)
_CROSS_SITE = _Apology(
    "That request was refused",
    "It seems to have been sent by another website, so nothing was done. If you were "
    "using this site, go back, reload the page and try again.",
)
_UNAVAILABLE = _Apology(
    "We will be right back",
    "A part of the site is not answering just now. Nothing was lost, and nothing was "
    "charged. Please try again in a moment.",
    can_retry=True,
)
_BROKEN = _Apology(
    "Something broke on our side",
    "It is not your fault, and it has been noted. Please try again in a moment.",
    can_retry=True,
)
_FORBIDDEN = _Apology("That is not allowed", "Your account cannot do this.")
_REFUSED = _Apology(
    "That did not work",
    "The request could not be understood. Please go back and try again.",
)
_BY_STATUS = {403: _FORBIDDEN, 404: _NOT_FOUND, 405: _NOT_FOUND}


def install_problem_pages(app: FastAPI) -> None:
    """Make every error a page in the site's own design."""
    app.add_exception_handler(SignInNeeded, _on_sign_in_needed)
    app.add_exception_handler(ServiceProblem, _on_service_problem)
    app.add_exception_handler(ServiceUnavailable, _on_unavailable)
    app.add_exception_handler(CrossSiteRefused, _on_cross_site)
    app.add_exception_handler(HTTPException, _on_http_exception)


class FaultPage:
    """Answers an unforeseen error with a page; stands inside the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            if started:
                raise
            log.exception("page_crashed", path=scope["path"])
            response = _page(Request(scope), UNKNOWN_READER, 500, _BROKEN)
            await response(scope, receive, send)


async def _on_sign_in_needed(_: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)  # noqa: S101 - as registered above
    return see_other(sign_in_path(error.target))


async def _on_service_problem(request: Request, error: Exception) -> Response:
    """Show what a service refused: sign in for 401, a page for everything else."""
    assert isinstance(error, ServiceProblem)  # noqa: S101 - as registered above
    problem = error.problem
    if problem.status == 401:
        # Who never signed in has no session that could have ended.
        ended = "&ended=1" if COOKIE in request.cookies else ""
        return see_other(sign_in_path(_way_back(request)) + ended)
    reader = await _reader(request)
    if problem.status == 429:
        apology = _Apology("Please wait a moment", throttled_words(problem), True)
        return _page(request, reader, 429, apology)
    status = problem.status if problem.status in _BY_STATUS else 400
    return _page(request, reader, status, _BY_STATUS.get(status, _REFUSED))


async def _on_unavailable(request: Request, error: Exception) -> Response:
    log.warning("service_unavailable", path=request.url.path, reason=str(error))
    response = _page(request, UNKNOWN_READER, 503, _UNAVAILABLE)
    response.headers["retry-after"] = "5"
    return response


async def _on_cross_site(request: Request, _: Exception) -> Response:
    return _page(request, UNKNOWN_READER, 403, _CROSS_SITE)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered above
    apology = _BY_STATUS.get(error.status_code, _REFUSED)
    reader = await _reader(request)
    response = _page(request, reader, error.status_code, apology)
    response.headers.update(error.headers or {})
    return response


async def _reader(request: Request) -> Reader:
    return await find_reader(gateway_of(request), visitor_of(request))


def _way_back(request: Request) -> str:
    path, query = request.url.path, request.url.query
    if request.method == "GET":
        return f"{path}?{query}" if query else path
    # These two forms stand on the page above them; the others have their own.
    return path.removesuffix("/pay").removesuffix("/password")


def _page(request: Request, reader: Reader, status: int, apology: _Apology) -> Response:
    return render(request, Page("problem.html", reader, {"apology": apology}, status))
