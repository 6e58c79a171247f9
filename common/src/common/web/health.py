"""Liveness, readiness and metrics. On the service's port, not on the ingress.

The Ingress hands every path that no API has to the pages, these among them, and
has no rule that could say "but not". So they answer only who asks directly: a
gateway says on whose behalf it asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

PING_SECONDS: Final = 1.0

Pings = Mapping[str, Callable[[], Awaitable[None]]]
"""By name, the coroutine that raises when a resource does not answer."""


async def _asked_directly(request: Request) -> None:
    if "x-forwarded-for" in request.headers:
        raise HTTPException(404)


router = APIRouter(include_in_schema=False, dependencies=[Depends(_asked_directly)])


@router.get("/livez")
async def livez() -> PlainTextResponse:
    """Answer; nothing else. A dead dependency is no reason to be restarted."""
    return PlainTextResponse("ok")


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Ping every resource without which no request can be answered."""
    pings: Pings = request.state.pings
    found = await asyncio.gather(*(_ping(ping) for ping in pings.values()))
    resources = dict(zip(pings, found, strict=True))
    ready = all(answer == "ok" for answer in found)
    return JSONResponse(
        {"ready": ready, "resources": resources}, status_code=200 if ready else 503
    )


@router.get("/metrics")
async def metrics() -> Response:
    """Answer in the Prometheus text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _ping(ping: Callable[[], Awaitable[None]]) -> str:
    try:
        await asyncio.wait_for(ping(), PING_SECONDS)
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 - any failure means not ready, and says so
        return type(error).__name__
    return "ok"
