"""How a fault of the chaos reaches the caller of the API."""

import asyncio
import json

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from stripe_double.chaos import Fault


class Disconnect(Response):
    """Drop the connection: a body is promised and never sent.

    The client sees its connection close with no usable answer, which it cannot
    tell from a network that broke.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin an answer and go away."""
        headers = [(b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


async def show(fault: Fault | None) -> Response | None:
    """Wait as the fault says; the response to send instead, if any."""
    if fault is None:
        return None
    await asyncio.sleep(fault.delay_seconds)
    if fault.how == "delay":
        return None
    if fault.how == "disconnect":
        return Disconnect()
    error = {
        "type": "api_error",
        "message": "An unknown error occurred, asked for by the chaos.",
    }
    return Response(
        json.dumps({"error": error}), fault.status, media_type="application/json"
    )
