"""The signed-in user as a FastAPI dependency."""

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie

from common.errors import Unauthenticated
from common.identity.session import COOKIE, Session
from common.identity.verifier import TokenVerifier

_COOKIE: Final = APIKeyCookie(
    name=COOKIE,
    scheme_name="session",
    description="Set by signing up or in.",
    auto_error=False,
)


async def _current_session(
    request: Request, token: Annotated[str | None, Security(_COOKIE)]
) -> Session:
    if not token:
        raise Unauthenticated("sign in first")
    verifier: TokenVerifier = request.state.verifier
    return await verifier.verify(token)


async def _session_or_none(request: Request) -> Session | None:
    try:
        return await _current_session(request, request.cookies.get(COOKIE))
    except Unauthenticated:
        return None


CurrentUser = Annotated[Session, Depends(_current_session)]
"""The session of the caller; without a valid one the answer is 401."""

OptionalUser = Annotated[Session | None, Depends(_session_or_none)]
"""The session of the caller, or None for a visitor."""
