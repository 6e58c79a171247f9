"""The whole service as it runs: HTTP, NATS, worker, webhooks, all real."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm

from common.bus import connected
from common.db import Database
from common.events import Event, PaymentAuthorized, PaymentCaptured
from common.outbox import OutboxMessage
from common.testing import FakeIdentity, published
from common.testing.http import signed_in
from common.testing.waiting import until
from payments.main import create_app
from payments.settings import Settings
from payments.testing import BUYER, claimed, make_order
from stripe_double.testing import Double

pytestmark = pytest.mark.asyncio


def keys_of(identity: FakeIdentity) -> FastAPI:
    """Return an app that publishes the key of ``identity`` as auth does."""
    app = FastAPI()
    public = identity.private_key.public_key()
    jwk = OKPAlgorithm.to_jwk(public, as_dict=True)

    @app.get("/jwks.json")
    def jwks() -> dict[str, Any]:
        return {"keys": [{**jwk, "alg": "EdDSA", "kid": identity.key_id}]}

    return app


async def test_from_the_order_event_to_the_captured_event(
    empty_nats: str,
    database: Database,
    double: Double,
    identity: FakeIdentity,
    make_settings: Callable[..., Settings],
    serve: Callable[[FastAPI], Any],
) -> None:
    async def events(kind: type[Event]) -> bool:
        return any(isinstance(one, kind) for one in await published(database))

    order = make_order()
    async with (
        serve(keys_of(identity)) as auth,
        connected(empty_nats, name="test-orders", streams=["ORDERS"]) as orders,
    ):
        # Within the poll's minute only events and webhooks can move anything.
        settings = make_settings(
            jwks_url=f"{auth}/jwks.json", nats_url=empty_nats, poll_first_seconds=60
        )
        async with (
            serve(create_app(settings)) as url,
            httpx.AsyncClient(
                base_url=url, headers=signed_in(identity, BUYER), trust_env=False
            ) as client,
        ):
            await double.control.send_webhooks_to(f"{url}/api/payments/webhook")
            await orders.publish([OutboxMessage.from_event(order)])
            opened: list[httpx.Response] = []

            async def is_open() -> bool:
                answer = await client.post("/api/payments", json={"order_id": order.id})
                opened.append(answer)
                return answer.status_code == 201

            await until(is_open)
            await double.control.pay(opened[-1].json()["id"])
            await until(lambda: events(PaymentAuthorized))
            payment_id = opened[-1].json()["payment_id"]
            claim = claimed(order, payment_id)
            await orders.publish([OutboxMessage.from_event(claim)])
            await until(lambda: events(PaymentCaptured))
            state = (await client.get(f"/api/payments/{order.id}")).json()
            assert state["status"] == "captured"
            assert (await client.get("/readyz")).status_code == 200
            docs = await client.get("/api/payments/openapi.json")
            assert "/api/payments/{order_id}" in docs.json()["paths"]
