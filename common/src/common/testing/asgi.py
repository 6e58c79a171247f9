"""A whole application, started, with clients at addresses of their own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

BASE_URL = "http://testserver"


class RunningApp:
    """An application between its startup and its shutdown.

    Attributes:
        state: what its lifespan yielded.
    """

    def __init__(self, manager: LifespanManager, clients: AsyncExitStack) -> None:
        self.state: Mapping[str, Any] = manager._state  # noqa: SLF001 - has no other name
        self._app = manager.app
        self._clients = clients

    async def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Return a client with cookies of its own, connecting from ``address``."""
        transport = httpx.ASGITransport(self._app, client=(address, 40_000))
        client = httpx.AsyncClient(transport=transport, base_url=BASE_URL)
        return await self._clients.enter_async_context(client)


@asynccontextmanager
async def running_app(app: FastAPI) -> AsyncIterator[RunningApp]:
    """Start ``app``, lend it, close its clients and shut it down."""
    async with (
        LifespanManager(app, startup_timeout=20, shutdown_timeout=20) as manager,
        AsyncExitStack() as clients,
    ):
        yield RunningApp(manager, clients)
