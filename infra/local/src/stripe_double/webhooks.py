"""Webhooks: signing them, and sending them until they are taken."""

import asyncio
import hashlib
import hmac
import json
import time
from itertools import groupby

import httpx

from stripe_double import refunds
from stripe_double.account import Account
from stripe_double.deliveries import Attempt, Delivery

TIMEOUT_SECONDS = 10.0
AT_ONCE = 8


def sign(payload: str, secret: str, timestamp: int | None = None) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over `timestamp.payload`.

    `timestamp` is in whole seconds since the epoch, now by default.
    """
    moment = int(time.time()) if timestamp is None else timestamp
    signed = f"{moment}.{payload}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Courier:
    """Sends due deliveries and settles due refunds, as long as it runs.

    Like Stripe it promises no order: up to eight deliveries are under way at
    once. What it has not finished stays in the store for its next life.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    async def run(self) -> None:
        """Work until cancelled."""
        with self._account.store.transaction():
            self._account.deliveries.release()
        try:
            while True:
                self._account.wake.clear()
                self._start_due()
                await self._sleep()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._client.aclose()

    def _start_due(self) -> None:
        with self._account.store.transaction():
            refunds.settle_due(self._account)
        due = [
            delivery
            for delivery in self._account.deliveries.due(time.time())
            if delivery.id not in self._busy
        ]
        for turn, group in groupby(due, key=lambda delivery: delivery.turn):
            for batch in [list(group)] if turn else [[one] for one in group]:
                self._start(batch)

    def _start(self, batch: list[Delivery]) -> None:
        self._busy.update(delivery.id for delivery in batch)
        task = asyncio.create_task(self._deliver(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, batch: list[Delivery]) -> None:
        async with self._places:
            for delivery in batch:
                attempt = await self._attempt(delivery)
                self._busy.discard(delivery.id)
                self._account.deliveries.record(
                    delivery,
                    attempt,
                    self._account.settings.stripe_webhook_retry_seconds,
                )
        self._account.wake.set()

    async def _attempt(self, delivery: Delivery) -> Attempt:
        event = self._account.store.find("event", delivery.event_id)
        if event is None:
            return Attempt(None, "The event was forgotten by a reset.")
        payload = json.dumps(event, indent=2)
        endpoint = self._account.endpoint
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(payload, endpoint.secret),
            "User-Agent": "Stripe/1.0 (the double)",
        }
        try:
            response = await self._client.post(
                endpoint.url, content=payload, headers=headers
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Attempt(None, f"{type(error).__name__}: {error}")
        return Attempt(response.status_code, None)

    async def _sleep(self) -> None:
        moments = [
            self._account.deliveries.next_due(self._busy),
            self._account.store.next_settlement(),
        ]
        due = [moment for moment in moments if moment is not None]
        timeout = max(0.0, min(due) - time.time()) if due else None
        try:
            await asyncio.wait_for(self._account.wake.wait(), timeout)
        except TimeoutError:
            return
