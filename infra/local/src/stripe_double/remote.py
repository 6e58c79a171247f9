"""A client of the control API, and of the browser's part of the API.

For tests and tools; the double may run in this process or in another one.
"""

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import httpx

from stripe_double.errors import JsonObject

POLL_SECONDS = 0.02


class ControlClient:
    """Turns the knobs of the double at `url`. Use as an async context manager.

    Each call raises `httpx.HTTPStatusError` when the double refuses it.
    """

    def __init__(self, url: str, publishable_key: str = "pk_test_double") -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=10, trust_env=False)
        self._publishable_key = publishable_key

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 JSON of any shape.
        response = await self._http.request(method, f"/_double{path}", json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    async def set_chaos(self, **knobs: object) -> JsonObject:
        """Change the named knobs of `chaos.Chaos`; all of them as they are now."""
        changed: JsonObject = await self._call("PATCH", "/chaos", knobs)
        return changed

    async def add_fault(self, operation: str, **fault: object) -> None:
        """Add one `chaos.Fault` for this operation to those in force."""
        chaos = await self._call("GET", "/chaos")
        faults = [*chaos["faults"], {"operation": operation, **fault}]
        await self.set_chaos(faults=faults)

    async def calm(self) -> None:
        """Put every knob at rest."""
        await self._call("PUT", "/chaos", {})

    async def reset(self) -> None:
        """Forget every object, key, delivery and knob."""
        await self._call("POST", "/reset")

    async def send_webhooks_to(self, url: str, secret: str | None = None) -> None:
        """Events from now on are delivered there; an empty url: nowhere."""
        await self._call("PUT", "/endpoint", {"url": url, "secret": secret})

    async def requests(self, operation: str | None = None) -> list[JsonObject]:
        """The calls of the API so far, oldest first, or those of one operation."""
        entries: list[JsonObject] = await self._call("GET", "/requests")
        return [one for one in entries if operation in (None, one["operation"])]

    async def deliveries(self, event_type: str | None = None) -> list[JsonObject]:
        """The deliveries so far, oldest first, or those of one event type."""
        found: list[JsonObject] = await self._call("GET", "/deliveries")
        return [one for one in found if event_type in (None, one["event_type"])]

    async def wait_until_delivered(self, seconds: float = 10.0) -> list[JsonObject]:
        """Wait until no delivery is pending; TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            found = await self.deliveries()
            if not any(one["state"] == "pending" for one in found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"Deliveries still pending: {found}")
            await asyncio.sleep(POLL_SECONDS)

    async def release(self) -> None:
        """Send what `reorder` holds back, newest first."""
        await self._call("POST", "/deliveries/release")

    async def hurry(self) -> None:
        """Send what waits for a delay or a retry, now."""
        await self._call("POST", "/deliveries/hurry")

    async def redeliver(self, event_id: str) -> None:
        """Send one more copy of an event, past all chaos."""
        await self._call("POST", f"/events/{event_id}/redeliver")

    async def authenticate(
        self, intent_id: str, outcome: str = "complete"
    ) -> JsonObject:
        """Do the open 3-D Secure challenge: "complete" or "fail"."""
        path = f"/payment_intents/{intent_id}/authenticate"
        intent: JsonObject = await self._call("POST", path, {"outcome": outcome})
        return intent

    async def force(self, intent_id: str, **change: object) -> JsonObject:
        """Change an intent behind everybody's back, see `forcing.Force`."""
        path = f"/payment_intents/{intent_id}/force"
        intent: JsonObject = await self._call("POST", path, change)
        return intent

    async def settle_refund(
        self, refund_id: str, outcome: str = "failed"
    ) -> JsonObject:
        """Make a refund "succeeded" or "failed", now."""
        path = f"/refunds/{refund_id}/settle"
        refund: JsonObject = await self._call("POST", path, {"outcome": outcome})
        return refund

    async def open_dispute(self, intent_id: str) -> JsonObject:
        """Dispute the captured charge of an intent."""
        body = {"payment_intent": intent_id}
        dispute: JsonObject = await self._call("POST", "/disputes", body)
        return dispute

    async def close_dispute(self, dispute_id: str, status: str = "lost") -> JsonObject:
        """End a dispute as "won" or "lost"."""
        path = f"/disputes/{dispute_id}/close"
        dispute: JsonObject = await self._call("POST", path, {"status": status})
        return dispute

    async def pay(
        self, client_secret: str, number: str = "4242424242424242", cvc: str = "123"
    ) -> JsonObject:
        """Confirm an intent with a typed card, as the buyer's browser does.

        The answer is the intent, or `{"error": …}`, whatever its status.
        """
        card = {"number": number, "cvc": cvc, "exp_month": "12", "exp_year": "2040"}
        form = {f"payment_method_data[card][{name}]": v for name, v in card.items()}
        form |= {
            "key": self._publishable_key,
            "client_secret": client_secret,
            "payment_method_data[type]": "card",
            "use_stripe_sdk": "true",
        }
        intent_id = client_secret.partition("_secret_")[0]
        response = await self._http.post(
            f"/v1/payment_intents/{intent_id}/confirm", data=form
        )
        answer: JsonObject = response.json()
        return answer
