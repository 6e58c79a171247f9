"""A double that is killed carries on where it was."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import stripe
from stripe.params import PaymentIntentCreateParams

from stripe_double.remote import ControlClient
from stripe_double.testing import WebhookReceiver, stripe_client

pytestmark = pytest.mark.asyncio
CREATE: PaymentIntentCreateParams = {
    "amount": 5000,
    "currency": "usd",
    "capture_method": "manual",
}


@asynccontextmanager
async def process(tmp_path: Path, **settings: str) -> AsyncIterator[str]:
    """`python -m stripe_double` on a free port; killed outright at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stripe_double",
        env={
            **os.environ,
            "PORT": str(port),
            "STATE_PATH": str(tmp_path / "stripe.sqlite3"),
            "STRIPE_WEBHOOK_RETRY_SECONDS": "0.2",
            **settings,
        },
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await until_up(url)
        yield url
    finally:
        running.send_signal(signal.SIGKILL)
        await running.wait()


async def until_up(url: str) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient() as http:
        while True:
            try:
                await http.get(f"{url}/readyz")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_state_keys_and_deliveries_survive_a_kill(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    nowhere = "http://127.0.0.1:1/hook"
    options: stripe.RequestOptions = {"idempotency_key": "intent:7:1"}
    async with process(tmp_path, STRIPE_WEBHOOK_URL=nowhere) as url:
        async with stripe_client(url) as client:
            made = await client.v1.payment_intents.create_async(CREATE, options)
        async with ControlClient(url) as control:
            await control.pay(str(made.client_secret))
    async with process(tmp_path, STRIPE_WEBHOOK_URL=receiver.url) as url:
        async with stripe_client(url) as client:
            again = await client.v1.payment_intents.create_async(CREATE, options)
            paid = await client.v1.payment_intents.capture_async(made.id)
        await receiver.wait_for(3)
    assert again.id == made.id
    assert paid.status == "succeeded"
    assert set(receiver.types) == {
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    }


async def test_webhooks_held_at_the_kill_are_sent_afterwards(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    async with (
        process(tmp_path, STRIPE_WEBHOOK_URL=receiver.url) as url,
        ControlClient(url) as control,
        stripe_client(url) as client,
    ):
        await control.set_chaos(reorder=50)
        await client.v1.payment_intents.create_async(CREATE)
    assert receiver.types == []
    async with process(tmp_path, STRIPE_WEBHOOK_URL=receiver.url):
        await receiver.wait_for(1)
    assert receiver.types == ["payment_intent.created"]
