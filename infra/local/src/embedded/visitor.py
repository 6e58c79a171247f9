"""A person who uses the marketplace as a browser would: for the demo and for tests.

Everything goes through the gateway; the card goes straight to Stripe, as it does in
a browser, with the publishable key and the client secret.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final, TypeVar

import httpx

from common.ids import new_id

PASSWORD: Final = "correct-horse-battery"  # noqa: S105 - of people who do not exist
PUBLISHABLE_KEY: Final = "pk_test_double"
WAIT_SECONDS: Final = 20.0
_LOOK_AGAIN_SECONDS: Final = 0.02
_TIMEOUT_SECONDS: Final = 30.0
_NEWER_THAN_ANY: Final = 2**31 - 1

Json = dict[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """An answer other than the one that was needed; shows it."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(
            f"{request.method} {request.url.path}: {response.status_code} "
            f"{response.text[:500]}"
        )
        self.response = response


class NeverHappened(Exception):
    """What was waited for did not come; shows what was there instead."""


class Visitor:
    """One person with a browser of his own."""

    def __init__(self, http: httpx.AsyncClient, stripe: str) -> None:
        self.http = http
        self._stripe = stripe

    async def sign_up(self, email: str | None = None) -> Json:
        """Open an account and stay signed in; return the account."""
        answer = await self.http.post(
            "/api/users/signup",
            json={"email": email or f"{new_id()}@example.com", "password": PASSWORD},
        )
        account: Json = _succeeded(answer).json()["data"]
        return account

    async def list_ticket(self, **fields: object) -> Json:
        """Put a ticket on sale; return it."""
        body = {"title": "A seat at the demo", "price": 5_000, **fields}
        answer = await self.http.post("/api/tickets", json=body)
        ticket: Json = _succeeded(answer).json()
        return ticket

    async def ticket(self, ticket_id: str) -> Json:
        """Look at a ticket."""
        found: Json = _succeeded(
            await self.http.get(f"/api/tickets/{ticket_id}")
        ).json()
        return found

    async def wait_for_ticket(
        self, ticket_id: str, status: str, *, seconds: float = WAIT_SECONDS
    ) -> Json:
        """Wait until a ticket is ``status``; return it.

        Raises:
            NeverHappened: it did not come to that in time.
        """
        return await _comes_to(self.ticket, ticket_id, status, seconds=seconds)

    async def try_order(
        self, ticket_id: str, *, key: str | None = None, **fields: object
    ) -> httpx.Response:
        """Post an order, whatever comes of it."""
        return await self.http.post(
            "/api/orders",
            json={"ticket_id": ticket_id, **fields},
            headers={"Idempotency-Key": key} if key else {},
        )

    async def order(
        self, ticket_id: str, *, key: str | None = None, **fields: object
    ) -> Json:
        """Reserve a ticket and return the order.

        A ticket that was listed a moment ago may not be known to orders yet.
        """

        async def attempt() -> httpx.Response | None:
            answer = await self.try_order(ticket_id, key=key, **fields)
            return None if answer.status_code == httpx.codes.NOT_FOUND else answer

        answer = await eventually(attempt, f"ticket {ticket_id} can be ordered")
        order: Json = _succeeded(answer).json()
        return order

    async def order_is_possible(self, ticket_id: str) -> None:
        """Wait until orders has heard of a ticket, without ordering it.

        An order for an offer newer than any is refused, but not as unknown.
        """

        async def known() -> bool | None:
            answer = await self.try_order(ticket_id, ticket_version=_NEWER_THAN_ANY)
            return answer.status_code != httpx.codes.NOT_FOUND or None

        await eventually(known, f"orders knows ticket {ticket_id}")

    async def order_state(self, order_id: str) -> Json:
        """Look at an own order."""
        found: Json = _succeeded(await self.http.get(f"/api/orders/{order_id}")).json()
        return found

    async def wait_for_order(
        self, order_id: str, status: str, *, seconds: float = WAIT_SECONDS
    ) -> Json:
        """Wait until an own order is ``status``; return it.

        Raises:
            NeverHappened: it did not come to that in time.
        """
        return await _comes_to(self.order_state, order_id, status, seconds=seconds)

    async def start_payment(self, order_id: str) -> str:
        """Begin to pay; return the client secret of the intent.

        Right after the hold is confirmed payments may not know of it yet.
        """

        async def attempt() -> httpx.Response | None:
            answer = await self.http.post("/api/payments", json={"order_id": order_id})
            early = {httpx.codes.NOT_FOUND, httpx.codes.CONFLICT}
            return None if answer.status_code in early else answer

        answer = await eventually(attempt, f"order {order_id} can be paid")
        return str(_succeeded(answer).json()["id"])

    async def confirm_card(self, client_secret: str, card: str) -> httpx.Response:
        """Give Stripe a card, such as ``pm_card_visa``, as Stripe.js does."""
        intent_id, _, _ = client_secret.partition("_secret_")
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as http:
            return await http.post(
                f"{self._stripe}/v1/payment_intents/{intent_id}/confirm",
                data={"client_secret": client_secret, "payment_method": card},
                headers={"Authorization": f"Bearer {PUBLISHABLE_KEY}"},
            )

    async def buy(self, ticket_id: str, card: str = "pm_card_visa") -> Json:
        """Reserve, pay, and wait until it is complete; return the order."""
        return await self.pay(await self.order(ticket_id), card)

    async def pay(self, order: Json, card: str = "pm_card_visa") -> Json:
        """Pay an order and wait until it is complete; return it."""
        await self.wait_for_order(order["id"], "awaiting:payment")
        secret = await self.start_payment(order["id"])
        _succeeded(await self.confirm_card(secret, card))
        return await self.wait_for_order(order["id"], "complete")


@asynccontextmanager
async def visiting(stack: Mapping[str, Any]) -> AsyncIterator[Visitor]:
    """Lend a visitor of the stack that ``stack`` (stack.json) describes."""
    async with httpx.AsyncClient(
        base_url=stack["gateway"], timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as http:
        yield Visitor(http, stack["stripe"])


async def eventually(
    attempt: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    seconds: float = WAIT_SECONDS,
) -> T:
    """Try until ``attempt`` answers something; return it.

    Raises:
        NeverHappened: it answered None for all of ``seconds``.
    """
    deadline = monotonic() + seconds
    while (found := await attempt()) is None:
        if monotonic() >= deadline:
            raise NeverHappened(f"waited {seconds:g} s and not: {what}")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return found


async def _comes_to(
    look: Callable[[str], Awaitable[Json]], name: str, status: str, *, seconds: float
) -> Json:
    async def reached() -> Json | None:
        found = await look(name)
        return found if found["status"] == status else None

    return await eventually(reached, f"{name} is {status}", seconds=seconds)


def _succeeded(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise Refused(response)
    return response
