"""Liveness, readiness and metrics. On the service's port, not on the ingress."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

PING_SECONDS: Final = 1.0

Pings = Mapping[str, Callable[[], Awaitable[None]]]
"""By name, the coroutine that raises when a resource does not answer."""

router = APIRouter(include_in_schema=False)


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
