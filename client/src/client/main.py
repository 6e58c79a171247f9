"""The wiring of the pages: settings, one HTTP client, routes and middleware."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from fastapi import Depends, FastAPI

from client.csrf import refuse_cross_site
from client.gateway import Gateway
from client.headers import SecurityHeaders
from client.pages import account, home, orders, selling, tickets
from client.pages.problems import FaultPage, install_problem_pages
from client.rendering import STATIC, Assets, templates
from client.settings import Settings
from common.web import health
from common.web.middleware import ObservationMiddleware

_MAX_FORM_BYTES = 64 * 1024

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]


def create_app(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Build the app; `transport` replaces the network to the services in tests."""
    app = FastAPI(
        title="Ticketing pages",
        openapi_url=None,
        lifespan=_lifespan(settings, transport),
        redirect_slashes=False,
        max_body_size=_MAX_FORM_BYTES,
    )
    install_problem_pages(app)
    # The last one added is the outermost.
    app.add_middleware(FaultPage)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.add_middleware(ObservationMiddleware)
    app.include_router(health.router)
    app.mount("/static", Assets(directory=STATIC), name="static")
    for pages in (home, tickets, selling, orders, account):
        app.include_router(pages.router, dependencies=[Depends(refuse_cross_site)])
    return app


def _lifespan(
    settings: Settings, transport: httpx.AsyncBaseTransport | None
) -> Lifespan:
    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with _http_client(settings, transport) as http:
            yield {
                "settings": settings,
                "gateway": Gateway(http, settings),
                "templates": templates(),
                "pings": {},
            }

    return run


def _http_client(
    settings: Settings, transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    connections = settings.max_connections
    return httpx.AsyncClient(
        transport=transport,
        timeout=httpx.Timeout(settings.request_timeout_seconds),
        limits=httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections
        ),
        follow_redirects=False,
        trust_env=False,
        # All visitors share this client: a session that it kept from one answer
        # would be sent with the requests of everybody else.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
