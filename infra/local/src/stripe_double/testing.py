"""The double inside a test: on a real socket, in the running event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from stripe_double.main import create_app
from stripe_double.remote import ControlClient
from stripe_double.settings import Settings

TEST_RETRY_SECONDS = 0.05


@dataclass(frozen=True)
class Double:
    """A running double: where it is, which keys it takes, and its knobs."""

    url: str
    secret_key: str
    publishable_key: str
    webhook_secret: str
    control: ControlClient


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to the test runner."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running_double(
    *,
    webhook_url: str = "",
    secret: str = "whsec_double",  # noqa: S107 It opens nothing.
    state_path: Path | None = None,
    retry_seconds: float = TEST_RETRY_SECONDS,
    port: int = 0,
) -> AsyncIterator[Double]:
    """Serve a double on a loopback port until the block ends.

    `port` 0 takes a free one. With `state_path` a second double on the same
    file carries on where the first one ended. A failed delivery is tried again
    after `retry_seconds`, then after twice that, and so on.
    """
    settings = Settings(
        port=port,
        stripe_webhook_url=webhook_url,
        stripe_webhook_secret=secret,
        stripe_webhook_retry_seconds=retry_seconds,
        refund_settle_seconds=0.05,
        state_path=state_path,
    )
    listener = socket.create_server(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        _serving(settings, listener),
        ControlClient(url, settings.stripe_publishable_key) as control,
    ):
        yield Double(
            url=url,
            secret_key=settings.stripe_secret_key,
            publishable_key=settings.stripe_publishable_key,
            webhook_secret=secret,
            control=control,
        )


@asynccontextmanager
async def _serving(settings: Settings, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.is_up.wait()
        yield
    finally:
        server.should_exit = True
        await serving
