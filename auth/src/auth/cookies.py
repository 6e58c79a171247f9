"""The session cookie: set and deleted with the same attributes."""

from typing import Any

from fastapi import Response

from auth.tokens import IssuedSession
from common.clock import now
from common.identity import COOKIE


class SessionCookie:
    """HttpOnly, SameSite=Lax, for the whole site; Secure where there is TLS."""

    def __init__(self, *, secure: bool) -> None:
        self._attributes: dict[str, Any] = {
            "path": "/",
            "secure": secure,
            "httponly": True,
            "samesite": "lax",
        }

    def set(self, response: Response, issued: IssuedSession) -> None:
        """Give the browser the token for as long as it is valid, in seconds."""
        left = issued.session.expires_at - now()
        response.set_cookie(
            COOKIE,
            issued.token,
            max_age=max(0, int(left.total_seconds())),
            **self._attributes,
        )

    def delete(self, response: Response) -> None:
        """Have the browser forget the token."""
        response.delete_cookie(COOKIE, **self._attributes)
