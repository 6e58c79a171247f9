"""The double as an application: `create_app(settings)`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from stripe_double import api, control
from stripe_double.account import open_account
from stripe_double.errors import StripeError
from stripe_double.pages import Pages
from stripe_double.settings import Settings
from stripe_double.webhooks import Courier


async def alive(_: Request) -> Response:
    """The double is up."""
    return JSONResponse({"status": "ok"})


class NoForeignHands:
    """Keeps web pages off the control API, which asks for no key.

    A page somebody happens to have open must not turn the knobs of a double
    that listens on their machine; only a browser sends an Origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a control call that comes from a page."""
        is_control = scope["type"] == "http" and scope["path"].startswith("/_double")
        if is_control and "origin" in Headers(scope=scope):
            refusal = Response("Not for web pages.", status_code=403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def create_app(settings: Settings | None = None) -> Starlette:
    """The whole double; its state opens and its courier starts with the lifespan."""
    account = open_account(settings or Settings())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        courier = asyncio.create_task(Courier(account).run())
        try:
            yield
        finally:
            courier.cancel()
            with suppress(asyncio.CancelledError):
                await courier
            account.store.close()

    # A shop's page asks the API from its own origin, with its own key.
    cross_origin = Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
    )
    own_hands_only = Middleware(NoForeignHands)
    return Starlette(
        routes=[
            Route("/livez", alive),
            Route("/readyz", alive),
            *api.routes(account),
            *control.Control(account).routes(),
            *Pages(account).routes(),
        ],
        middleware=[cross_origin, own_hands_only],
        exception_handlers={
            404: api.not_found,
            StripeError: control.refused,
            ValidationError: control.malformed,
        },
        lifespan=lifespan,
    )
