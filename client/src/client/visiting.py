"""Who is looking at a page, and what of them a service may be told."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, TypeVar, cast

import structlog
from fastapi import Depends, Request

from client.api_types import User
from client.backend import ServiceProblem, ServiceUnavailable, Visitor
from client.gateway import Gateway
from client.settings import Settings
from common.identity.session import COOKIE
from common.telemetry import trace_headers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who auth says is reading; `is_known` is false when auth could not be asked."""

    user: User | None = None
    is_known: bool = True

    def owns(self, user_id: str) -> bool:
        return self.user is not None and self.user.id == user_id


UNKNOWN_READER = Reader(is_known=False)


class SignInNeeded(Exception):
    """The page needs a session; `target` is where to return after signing in."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


def visitor_of(request: Request) -> Visitor:
    """The session cookie alone, the trace, and the address the request came from.

    Nothing is concluded from the cookie here: each service verifies it itself.
    """
    session = request.cookies.get(COOKIE)
    cookie = f"{COOKIE}={session}" if session else None
    return Visitor(cookie, {**_trace(), **_address(request)})


def _trace() -> dict[str, str]:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    found = {"x-request-id": request_id} if request_id else {}
    return {**trace_headers(), **found}


def _address(request: Request) -> dict[str, str]:
    # Sign-in is throttled by address, which must be the visitor's and not ours.
    # uvicorn has already taken it from a trusted proxy's header.
    return {"x-forwarded-for": request.client.host} if request.client else {}


def gateway_of(request: Request) -> Gateway:
    return cast("Gateway", request.state.gateway)


def settings_of(request: Request) -> Settings:
    return cast("Settings", request.state.settings)


VisitorDep = Annotated[Visitor, Depends(visitor_of)]
GatewayDep = Annotated[Gateway, Depends(gateway_of)]
SettingsDep = Annotated[Settings, Depends(settings_of)]


async def find_reader(gateway: Gateway, visitor: Visitor) -> Reader:
    """Ask who is reading; a page must not fall over because auth did."""
    try:
        return Reader(await gateway.current_user(visitor))
    except (ServiceProblem, ServiceUnavailable):
        return UNKNOWN_READER


async def read_with(
    gateway: Gateway, visitor: Visitor, call: Awaitable[T]
) -> tuple[Reader, T]:
    """Make a page's own call while auth is asked who is reading."""
    reader = asyncio.create_task(find_reader(gateway, visitor))
    try:
        answer = await call
    except BaseException:
        reader.cancel()
        raise
    return await reader, answer
