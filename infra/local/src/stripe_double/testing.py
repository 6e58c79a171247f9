"""The double inside a test: on a real socket, in the running event loop."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from stripe_double.errors import JsonObject
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
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a loopback port, 0 for a free one; yields its URL."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.is_up.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


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
    async with (
        serving(create_app(settings), port) as url,
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
async def stripe_client(
    url: str,
    *,
    key: str = "sk_test_double",
    retries: int = 0,
    patience_seconds: float = 5.0,
) -> AsyncIterator[stripe.StripeClient]:
    """The official client, pointed at the double and closed in the end."""
    http = stripe.HTTPXClient(timeout=patience_seconds)
    try:
        yield stripe.StripeClient(
            key,
            http_client=http,
            max_network_retries=retries,
            base_addresses={"api": url},
        )
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]


@dataclass
class ReceivedWebhook:
    """One webhook as it came in."""

    payload: bytes
    signature: str
    event: JsonObject


@dataclass
class WebhookReceiver:
    """Takes webhooks at `url`; `answers` are the next statuses, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[ReceivedWebhook] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: Request) -> Response:
        """Note the webhook and answer it."""
        payload = await request.body()
        signature = request.headers["stripe-signature"]
        async with self._changed:
            self.received.append(
                ReceivedWebhook(payload, signature, json.loads(payload))
            )
            self._changed.notify_all()
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    async def wait_for(self, count: int) -> list[ReceivedWebhook]:
        """What came in, once that many did; TimeoutError after ten seconds."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return self.received

    @property
    def types(self) -> list[str]:
        """The event types in the order they came in."""
        return [str(one.event["type"]) for one in self.received]


@asynccontextmanager
async def receiving_webhooks() -> AsyncIterator[WebhookReceiver]:
    """A place for webhooks on a free loopback port."""
    receiver = WebhookReceiver()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    async with serving(app) as url:
        receiver.url = f"{url}/hook"
        yield receiver
