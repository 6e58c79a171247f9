"""Every call the pages make to the services, typed."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
from pydantic import BaseModel

from client.api_types import Checkout, ListingBody, Order, Payment, Ticket, User
from client.backend import Backend, Call, ServiceProblem, Visitor, parse
from client.settings import Settings

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class TicketPage:
    items: list[Ticket]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    items: list[Order]
    next_cursor: str | None


class _UserAnswer(BaseModel):
    data: User | None = None


class Gateway:
    """The services as the pages see them; each method is one HTTP call."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._backend = Backend(http)
        self._users = f"{settings.auth_url}/api/users"
        self._tickets = f"{settings.tickets_url}/api/tickets"
        self._orders = f"{settings.orders_url}/api/orders"
        self._payments = f"{settings.payments_url}/api/payments"

    # Accounts. These return the Set-Cookie headers, to be passed on unchanged.

    async def current_user(self, visitor: Visitor) -> User | None:
        """Ask auth who the visitor is; without a session nobody needs asking."""
        if not visitor.has_session:
            return None
        response = await self._backend.send(
            visitor, Call("GET", f"{self._users}/currentuser")
        )
        answer: _UserAnswer = parse(_UserAnswer, response.content)
        return answer.data

    async def sign_up(self, visitor: Visitor, email: str, password: str) -> list[str]:
        return await self._account(
            visitor, "signup", {"email": email, "password": password}
        )

    async def sign_in(self, visitor: Visitor, email: str, password: str) -> list[str]:
        return await self._account(
            visitor, "signin", {"email": email, "password": password}
        )

    async def sign_out(self, visitor: Visitor, *, everywhere: bool) -> list[str]:
        action = "signout-everywhere" if everywhere else "signout"
        return await self._account(visitor, action, None)

    async def change_password(
        self, visitor: Visitor, current: str, new: str
    ) -> list[str]:
        body = {"current_password": current, "new_password": new}
        return await self._account(visitor, "password", body)

    async def _account(
        self, visitor: Visitor, action: str, body: dict[str, str] | None
    ) -> list[str]:
        call = Call("POST", f"{self._users}/{action}", body=body)
        response = await self._backend.send(visitor, call)
        return response.headers.get_list("set-cookie")

    # Tickets.

    async def tickets(self, visitor: Visitor, filters: dict[str, str]) -> TicketPage:
        params = {"limit": str(PAGE_SIZE), **filters}
        return await self._ticket_page(visitor, self._tickets, params)

    async def my_tickets(self, visitor: Visitor, cursor: str | None) -> TicketPage:
        params = _paged(cursor)
        return await self._ticket_page(visitor, f"{self._tickets}/mine", params)

    async def _ticket_page(
        self, visitor: Visitor, url: str, params: dict[str, str]
    ) -> TicketPage:
        response = await self._backend.send(visitor, Call("GET", url, params=params))
        return TicketPage(parse(list[Ticket], response.content), _cursor(response))

    async def ticket(self, visitor: Visitor, ticket_id: UUID) -> Ticket:
        call = Call("GET", f"{self._tickets}/{ticket_id}")
        response = await self._backend.send(visitor, call)
        ticket: Ticket = parse(Ticket, response.content)
        return ticket

    async def list_ticket(self, visitor: Visitor, listing: ListingBody) -> Ticket:
        call = Call("POST", self._tickets, body=listing)
        response = await self._backend.send(visitor, call)
        ticket: Ticket = parse(Ticket, response.content)
        return ticket

    async def edit_ticket(
        self, visitor: Visitor, ticket_id: UUID, version: int, *, listing: ListingBody
    ) -> None:
        """Replace a listing, provided it is still at the version that was seen."""
        call = Call(
            "PUT",
            f"{self._tickets}/{ticket_id}",
            body=listing,
            headers={"if-match": f'"{version}"'},
        )
        await self._backend.send(visitor, call)

    async def withdraw_ticket(self, visitor: Visitor, ticket_id: UUID) -> None:
        call = Call("DELETE", f"{self._tickets}/{ticket_id}")
        await self._backend.send(visitor, call)

    # Orders.

    async def reserve(
        self, visitor: Visitor, ticket_id: UUID, version: int | None, *, key: str
    ) -> Order:
        """Order a ticket at the version the buyer saw; the same key, the same order."""
        body: dict[str, object] = {"ticket_id": str(ticket_id)}
        if version is not None:
            body["ticket_version"] = version
        headers = {"idempotency-key": key}
        call = Call("POST", self._orders, body=body, headers=headers)
        response = await self._backend.send(visitor, call)
        order: Order = parse(Order, response.content)
        return order

    async def orders(self, visitor: Visitor, cursor: str | None) -> OrderPage:
        call = Call("GET", self._orders, params=_paged(cursor))
        response = await self._backend.send(visitor, call)
        return OrderPage(parse(list[Order], response.content), _cursor(response))

    async def order(self, visitor: Visitor, order_id: UUID) -> Order:
        call = Call("GET", f"{self._orders}/{order_id}")
        response = await self._backend.send(visitor, call)
        order: Order = parse(Order, response.content)
        return order

    async def cancel_order(self, visitor: Visitor, order_id: UUID) -> None:
        call = Call("DELETE", f"{self._orders}/{order_id}")
        await self._backend.send(visitor, call)

    # Payments.

    async def find_payment(self, visitor: Visitor, order_id: UUID) -> Payment | None:
        """The payment of an order; an order nobody tried to pay for has none."""
        call = Call("GET", f"{self._payments}/{order_id}")
        try:
            response = await self._backend.send(visitor, call)
        except ServiceProblem as error:
            if error.problem.status == httpx.codes.NOT_FOUND:
                return None
            raise
        payment: Payment = parse(Payment, response.content)
        return payment

    async def start_payment(
        self, visitor: Visitor, order_id: UUID, *, key: str
    ) -> Checkout:
        call = Call(
            "POST",
            self._payments,
            body={"order_id": str(order_id)},
            headers={"idempotency-key": key},
        )
        response = await self._backend.send(visitor, call)
        checkout: Checkout = parse(Checkout, response.content)
        return checkout


def _paged(cursor: str | None) -> dict[str, str]:
    params = {"limit": str(PAGE_SIZE)}
    return {**params, "cursor": cursor} if cursor else params


def _cursor(response: httpx.Response) -> str | None:
    url = response.links.get("next", {}).get("url", "")
    found = parse_qs(urlsplit(url).query).get("cursor")
    return found[0] if found else None
