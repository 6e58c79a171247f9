"""Errors as `application/problem+json` (RFC 9457); input is never echoed."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from common.errors import TicketingError, verdict_on
from common.telemetry import logger

log = logger(__name__)

MEDIA_TYPE = "application/problem+json"

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")

_LONGEST_NAME = 100
"""Of a field in an error: the name of an unknown one is the caller's own text."""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    extras: Mapping[str, object] | None = None,
) -> JSONResponse:
    """Return a problem response.

    ``message`` repeats ``detail`` for clients of the older API.
    """
    body: dict[str, object] = {
        "type": f"urn:ticketing:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "message": detail,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    body.update(extras or {})
    response_headers = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(
        body, status_code=status, headers=response_headers, media_type=MEDIA_TYPE
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem body."""
    app.add_exception_handler(TicketingError, _on_ticketing_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


def internal_error() -> JSONResponse:
    """Return the answer to a fault of ours; what happened is in the log."""
    return problem(500, "internal_error", "Something went wrong on our side")


def body_too_large() -> JSONResponse:
    """Return the answer to a body above the limit; the gateway's says the same."""
    return problem(413, "payload_too_large", "The request is larger than 64 KiB.")


async def _on_ticketing_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, TicketingError)  # noqa: S101 - as registered above
    status = verdict_on(error).status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        reason = repr(error.__cause__ or error)
        log.warning("request_failed", code=error.slug, reason=reason)
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    return problem(
        status, error.slug, error.detail, headers=headers, extras=error.extras
    )


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    fields = [_field_error(one) for one in error.errors()]
    malformed = any(one["type"] == "json_invalid" for one in error.errors())
    return problem(
        400 if malformed else 422,
        "malformed_json" if malformed else "invalid_input",
        "The body is not valid JSON" if malformed else "The input is not valid",
        extras={"errors": fields},
    )


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    """Name the field and say what is wrong, without the value that was sent."""
    location: Sequence[object] = error["loc"]
    malformed = error["type"] == "json_invalid"
    names = [str(part) for part in location[1:] if not malformed] or [str(location[0])]
    message = str(error["msg"]).removeprefix("Value error, ")
    return {"field": ".".join(names)[:_LONGEST_NAME], "message": message}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return body_too_large()
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem(error.status_code, code, phrase, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Every method of the path: the framework names those of one route alone."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
