"""The FastAPI application of a service, wired the same everywhere."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import Database
from common.web import health
from common.web.docs import docs_router
from common.web.middleware import (
    BodyLimitMiddleware,
    ObservationMiddleware,
    SameOriginMiddleware,
)
from common.web.openapi import DocumentedApp
from common.web.problems import install_problem_handlers

MAX_BODY_BYTES: Final = 64 * 1024

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]


def create_service_app(
    *, title: str, prefix: str, routers: Sequence[APIRouter], lifespan: Lifespan
) -> FastAPI:
    """Build the app of one service.

    Args:
        title: for the OpenAPI document.
        prefix: the service's path on the ingress, such as ``/api/tickets``; its
            OpenAPI document and docs page lie under it.
        routers: its routes, with full paths.
        lifespan: yields the state; ``pings`` in it feeds ``/readyz``.
    """
    app = DocumentedApp(
        title=title,
        version="1",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    install_problem_handlers(app)
    # The last one added is the outermost. FastAPI's own limit would lie outside of
    # them all: its refusal would be no problem body and go unobserved.
    app.add_middleware(BodyLimitMiddleware, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(SameOriginMiddleware)
    app.add_middleware(ObservationMiddleware)
    app.include_router(health.router)
    app.include_router(docs_router(prefix, title))
    for router in routers:
        app.include_router(router)
    return app


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.state.database
    async with database.transaction() as session:
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.state.database
    async with database.reading() as session:
        yield session


# The scope makes the commit come before the answer: a failing commit is an error
# to the caller, never a success that did not happen.
Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""A session whose transaction commits when the route returns."""

Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]
"""A session that only reads."""
