"""A ticket's own page, and reserving it."""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from client.api_types import Problem, Ticket
from client.backend import ServiceProblem
from client.forms import read_key, read_version
from client.pages.routes import PageRoute
from client.rendering import Page, render, see_other
from client.visiting import (
    GatewayDep,
    Reader,
    SignInNeeded,
    VisitorDep,
    find_reader,
    read_with,
)
from client.wording import TICKET_STATES, refusal_words
from common.ids import new_id

router = APIRouter(route_class=PageRoute)


@router.get("/tickets/{ticket_id:uuid}")
async def ticket_page(
    request: Request, ticket_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> HTMLResponse:
    call = gateway.ticket(visitor, ticket_id)
    reader, ticket = await read_with(gateway, visitor, call)
    page = Page("ticket.html", reader, ticket_data(ticket), is_public=True)
    return render(request, page)


@router.post("/tickets/{ticket_id:uuid}/reserve")
async def reserve(
    request: Request, ticket_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    """Order the ticket at the version the buyer saw, so that a price cannot move."""
    if not visitor.has_session:
        raise SignInNeeded(f"/tickets/{ticket_id}")
    sent = await request.form()
    version = read_version(sent)
    try:
        order = await gateway.reserve(visitor, ticket_id, version, key=read_key(sent))
    except ServiceProblem as error:
        if error.problem.status == 401:
            raise SignInNeeded(f"/tickets/{ticket_id}") from error
        refusal = _refusal(error)
    else:
        return see_other(f"/orders/{order.id}")
    ticket = await gateway.ticket(visitor, ticket_id)
    reader = await find_reader(gateway, visitor)
    return render(request, _refused(reader, ticket, refusal))


def _refusal(error: ServiceProblem) -> Problem:
    """A refusal the ticket's page can show; raises every other."""
    problem = error.problem
    if problem.status == 404:
        # Orders may not have heard of a brand-new listing yet; if there is no such
        # ticket at all, asking tickets for it says so next.
        return problem.model_copy(update={"code": "ticket_catching_up"})
    if problem.status in (409, 422, 429):
        return problem
    raise error


def _refused(reader: Reader, ticket: Ticket, refusal: Problem) -> Page:
    """The ticket as it is now, with why it was not ordered and what can be done."""
    if refusal.code == "ticket_taken" and ticket.status == "available":
        # Orders knows first; tickets will have heard of the other buyer in a moment.
        ticket = ticket.model_copy(update={"status": "reserved"})
    data = {**ticket_data(ticket), "refusal": refusal}
    data["refusal_words"] = refusal_words(refusal)
    status = 429 if refusal.status == 429 else 409
    return Page("ticket.html", reader, data, status=status)


def ticket_data(ticket: Ticket) -> dict[str, object]:
    return {
        "ticket": ticket,
        "state": TICKET_STATES[ticket.status],
        "similar_url": "/?" + urlencode({"q": ticket.title}),
        "key": new_id(),
        "refusal": None,
        "refusal_words": None,
    }
