"""Routes: parse, call one use case, return.

A route names the user before the session: who is not signed in opens no transaction,
and looking up a signing key happens outside of one.
"""

import re
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request, Response, status

from common.identity import CurrentUser
from common.web import Reading, Transaction, refusals
from tickets import service
from tickets.errors import TicketChanged, VersionRequired
from tickets.listing import Listing
from tickets.models import Ticket
from tickets.schemas import ListingIn, OwnQuery, SearchQuery, TicketOut
from tickets.search import Position, Sort
from tickets.settings import Settings

PREFIX: Final = "/api/tickets"
CACHEABLE: Final = "public, max-age=1"
PERSONAL: Final = "private, no-store"
_VERSION: Final = re.compile("[1-9][0-9]{0,17}")

router = APIRouter(prefix=PREFIX, tags=["tickets"])


@router.get("")
async def search_tickets(
    session: Reading,
    request: Request,
    response: Response,
    query: Annotated[SearchQuery, Query()],
) -> list[TicketOut]:
    """What is on sale. The same for everyone, and cacheable for a second."""
    search = query.to_search()
    tickets, has_next = await service.search_tickets(session, search)
    response.headers["Cache-Control"] = CACHEABLE
    if has_next:
        _link_next(request, response, _position(tickets[-1], search.sort))
    return [TicketOut.model_validate(ticket) for ticket in tickets]


@router.get("/mine")
async def list_own_tickets(
    user: CurrentUser,
    session: Reading,
    request: Request,
    response: Response,
    query: Annotated[OwnQuery, Query()],
) -> list[TicketOut]:
    """One's own listings in every state, newest first."""
    tickets, has_next = await service.list_own_tickets(
        session, user.user_id, after=query.cursor, limit=query.limit
    )
    response.headers["Cache-Control"] = PERSONAL
    if has_next:
        _link_next(request, response, tickets[-1].id)
    return [TicketOut.model_validate(ticket) for ticket in tickets]


@router.get("/{ticket_id}")
async def get_ticket(session: Reading, response: Response, ticket_id: str) -> TicketOut:
    """One ticket in any state."""
    return _answer(response, await service.get_ticket(session, ticket_id))


@router.post("", status_code=status.HTTP_201_CREATED)
async def list_ticket(
    user: CurrentUser,
    session: Transaction,
    request: Request,
    response: Response,
    body: ListingIn,
) -> TicketOut:
    """Put a ticket on sale."""
    ticket = await service.list_ticket(session, user.user_id, _listing(request, body))
    response.headers["Location"] = f"{PREFIX}/{ticket.id}"
    return _answer(response, ticket)


@router.put("/{ticket_id}", responses=refusals(409, 412, 428))
async def edit_ticket(
    user: CurrentUser,
    session: Transaction,
    request: Request,
    response: Response,
    ticket_id: str,
    body: ListingIn,
    if_match: Annotated[str | None, Header()] = None,
) -> TicketOut:
    """Replace an offer of one's own."""
    ticket = await service.edit_ticket(
        session,
        user.user_id,
        ticket_id,
        version=_version(if_match),
        listing=_listing(request, body),
    )
    return _answer(response, ticket)


@router.delete(
    "/{ticket_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    response_class=Response,
    responses=refusals(409),
)
async def withdraw_ticket(
    user: CurrentUser, session: Transaction, ticket_id: str
) -> None:
    """Take a ticket of one's own from sale."""
    await service.withdraw_ticket(session, user.user_id, ticket_id)


def _listing(request: Request, body: ListingIn) -> Listing:
    settings: Settings = request.state.settings
    closes = timedelta(seconds=settings.sale_closes_seconds_before)
    return body.to_listing(settings.currency, closes)


def _answer(response: Response, ticket: Ticket) -> TicketOut:
    response.headers["ETag"] = f'"{ticket.version}"'
    response.headers["Cache-Control"] = "no-cache"
    return TicketOut.model_validate(ticket)


def _version(if_match: str | None) -> int | None:
    """Read ``"3"`` as 3 and ``*`` as any version (RFC 9110 section 13.1.1)."""
    if if_match is None:
        raise VersionRequired
    if if_match.strip() == "*":
        return None
    number = if_match.strip().strip('"')
    if _VERSION.fullmatch(number) is None:
        raise TicketChanged
    return int(number)


def _position(ticket: Ticket, sort: Sort) -> str:
    value = {Sort.NEWEST: None, Sort.DATE: ticket.sale_ends_at}.get(sort, ticket.price)
    return Position(ticket.id, value).encode(sort)


def _link_next(request: Request, response: Response, cursor: str) -> None:
    parameters = {**request.query_params, "cursor": cursor}
    target = f"{request.url.path}?{urlencode(parameters)}"
    response.headers["Link"] = f'<{target}>; rel="next"'
