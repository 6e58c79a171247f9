"""Pure ASGI middleware: one for observation, one against cross-site requests."""

import re
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import structlog
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.ids import new_id
from common.telemetry import logger, metrics, span
from common.web.problems import body_too_large, internal_error, problem

log = logger(__name__)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = _SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
_OTHER_METHOD: Final = "_OTHER"
_QUIET_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_UNMATCHED: Final = "unmatched"


class ObservationMiddleware:
    """Request id, span, metrics, access log; the last word on unforeseen errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under observation."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        parent = {
            k: v for k, v in headers.items() if k in {"traceparent", "tracestate"}
        }
        name = f"{scope['method']} {scope['path']}"
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            span(name, SpanKind.SERVER, parent=parent),
            metrics.HTTP_ACTIVE.track_inprogress(),
        ):
            await _Observed(self._app, scope, send, request_id).run(receive)


class _Observed:
    """One request: what was answered, and how long it took."""

    def __init__(self, app: ASGIApp, scope: Scope, send: Send, request_id: str) -> None:
        self._app = app
        self._scope = scope
        self._send = send
        self._request_id = request_id
        self._status: int | None = None

    async def run(self, receive: Receive) -> None:
        started = perf_counter()
        try:
            await self._app(self._scope, receive, self._send_observed)
        except Exception:
            log.exception("request_crashed", path=self._scope["path"])
            if self._status is not None:
                raise
            response = internal_error()
            await response(self._scope, receive, self._send_observed)
        finally:
            self._record(perf_counter() - started)

    async def _send_observed(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
            headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            headers.setdefault("Content-Security-Policy", "frame-ancestors 'none'")
        await self._send(message)

    def _record(self, seconds: float) -> None:
        route = getattr(self._scope.get("route"), "path", _UNMATCHED)
        method, status = self._scope["method"], self._status or 499
        # Whoever calls may invent methods; each would be a time series for ever.
        known = method if method in _METHODS else _OTHER_METHOD
        metrics.HTTP_DURATION.labels(route, known, status).observe(seconds)
        if self._scope["path"] not in _QUIET_PATHS:
            log.info(
                "request",
                method=method,
                path=self._scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
            )


class BodyLimitMiddleware:
    """Refuses bodies above a size: by what is declared, and else by what comes."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:18]) > self._max_bytes:
            await body_too_large()(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        left = self._max_bytes

        async def receive_counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                # Raised where the body is read, answered as any other error.
                raise HTTPException(413)
            return message

        return receive_counted


class SameOriginMiddleware:
    """Refuses unsafe requests that a page of another site made.

    Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); what is
    no browser says neither and carries nobody's cookie by accident.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        if is_cross_site(Headers(scope=scope)):
            refusal = problem(
                403, "cross_site", "Requests from other sites are refused"
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_cross_site(headers: Headers) -> bool:
    """Tell whether a browser says that another site made the request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != headers.get("host")
    except ValueError:
        return True
