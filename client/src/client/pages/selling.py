"""Listing a ticket for sale, and looking after one's listings."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from client import display, forms
from client.api_types import Ticket
from client.backend import ServiceProblem
from client.forms import Form, listing_values, read_listing, read_version, typed
from client.pages.routes import PageRoute
from client.rendering import Page, render, see_other
from client.visiting import (
    UNKNOWN_READER,
    GatewayDep,
    Reader,
    SettingsDep,
    SignInNeeded,
    VisitorDep,
    find_reader,
    read_with,
)
from client.wording import TICKET_STATES, throttled_words
from common import clock, money

router = APIRouter(route_class=PageRoute)


@router.get("/sell")
async def sell(
    request: Request, gateway: GatewayDep, visitor: VisitorDep, settings: SettingsDep
) -> HTMLResponse:
    reader = await find_reader(gateway, visitor)
    if reader.user is None and reader.is_known:
        raise SignInNeeded("/sell")
    form = Form(dict.fromkeys(forms.LISTING_FIELDS, ""))
    return render(request, _listing_page(reader, form, settings.currency))


@router.post("/sell")
async def list_ticket(
    request: Request, gateway: GatewayDep, visitor: VisitorDep, settings: SettingsDep
) -> Response:
    form = Form(typed(await request.form(), forms.LISTING_FIELDS))
    listing = read_listing(form, settings.currency, now=clock.now())
    refusal = _Refusal(422)
    if listing is not None:
        try:
            ticket = await gateway.list_ticket(visitor, listing)
        except ServiceProblem as error:
            refusal = _explain(error, form)
        else:
            return see_other(f"/tickets/{ticket.id}?notice=listed")
    reader = await find_reader(gateway, visitor)
    page = _listing_page(reader, form, settings.currency, refusal=refusal)
    return render(request, page)


@router.get("/listings")
async def listings(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> HTMLResponse:
    cursor = request.query_params.get("cursor")
    call = gateway.my_tickets(visitor, cursor)
    reader, page = await read_with(gateway, visitor, call)
    data = {"page": page, "states": TICKET_STATES, "is_later_page": cursor is not None}
    return render(request, Page("listings.html", reader, data))


@router.get("/listings/{ticket_id:uuid}/edit")
async def edit(
    request: Request, ticket_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> HTMLResponse:
    call = gateway.ticket(visitor, ticket_id)
    reader, ticket = await read_with(gateway, visitor, call)
    _only_for_seller(request, reader, ticket)
    page = _listing_page(
        reader, Form(_values_of(ticket)), ticket.currency, ticket=ticket
    )
    return render(request, page)


@router.post("/listings/{ticket_id:uuid}/edit")
async def save(
    request: Request, ticket_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    """Save an edit made to the version that was seen; a newer one is shown first."""
    sent = await request.form()
    form = Form(typed(sent, forms.LISTING_FIELDS))
    call = gateway.ticket(visitor, ticket_id)
    reader, ticket = await read_with(gateway, visitor, call)
    _only_for_seller(request, reader, ticket)
    listing = read_listing(form, ticket.currency, now=clock.now())
    refusal = _Refusal(422)
    if listing is not None:
        version = read_version(sent) or 0
        try:
            await gateway.edit_ticket(visitor, ticket_id, version, listing=listing)
        except ServiceProblem as error:
            refusal = _explain(error, form)
        else:
            return see_other(f"/tickets/{ticket_id}?notice=saved")
        ticket = await gateway.ticket(visitor, ticket_id)
    page = _listing_page(reader, form, ticket.currency, ticket=ticket, refusal=refusal)
    return render(request, page)


@router.get("/listings/{ticket_id:uuid}/withdraw")
async def confirm_withdrawal(
    request: Request, ticket_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> HTMLResponse:
    call = gateway.ticket(visitor, ticket_id)
    reader, ticket = await read_with(gateway, visitor, call)
    _only_for_seller(request, reader, ticket)
    return render(request, Page("withdraw.html", reader, {"ticket": ticket}))


@router.post("/listings/{ticket_id:uuid}/withdraw")
async def withdraw(
    ticket_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    try:
        await gateway.withdraw_ticket(visitor, ticket_id)
    except ServiceProblem as error:
        if error.problem.status != 409:
            raise
        return see_other("/listings?notice=not-withdrawable")
    return see_other("/listings?notice=withdrawn")


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a form comes back: the page's status and a sentence above the fields."""

    status: int
    code: str = "invalid"
    message: str = "Nothing is saved yet. Please correct the marked fields."


_NO_REFUSAL = _Refusal(200, "", "")


def _explain(error: ServiceProblem, form: Form) -> _Refusal:
    """Turn a service's refusal into one the form can show; raises what it cannot."""
    problem = error.problem
    form.add_service_errors(problem.errors)
    match problem.status:
        case 401:
            return _Refusal(401, "session_ended", "Your session has ended.")
        case 409:
            detail = problem.detail or "This ticket is reserved or sold."
            return _Refusal(409, problem.code, detail)
        case 412 | 428:
            return _Refusal(412, "stale", "The listing changed while you were editing.")
        case 422 | 400:
            return _Refusal(422)
        case 429:
            return _Refusal(429, "throttled", throttled_words(problem))
    raise error


def _only_for_seller(request: Request, reader: Reader, ticket: Ticket) -> None:
    """Show a listing's forms to nobody but its seller (tickets checks it again)."""
    if reader is UNKNOWN_READER or reader.owns(ticket.user_id):
        return
    if reader.user is None:
        raise SignInNeeded(request.url.path)
    raise ServiceProblem.not_found()


def _listing_page(
    reader: Reader,
    form: Form,
    currency: str,
    *,
    ticket: Ticket | None = None,
    refusal: _Refusal = _NO_REFUSAL,
) -> Page:
    data = {
        "form": form,
        "refusal": refusal,
        "ticket": ticket,
        "current": _values_of(ticket) if ticket else None,
        "limits": forms.LIMITS,
        "zones": display.zone_names(),
        "currency": currency,
        "fee_basis_points": money.FEE_BASIS_POINTS,
        "exponent": money.EXPONENTS[currency],
    }
    return Page("sell.html", reader, data, status=refusal.status)


def _values_of(ticket: Ticket) -> dict[str, str]:
    face = ticket.face_value
    amounts = {"price": ticket.price} | ({} if face is None else {"face_value": face})
    texts = {
        name: money.format_amount(amount, ticket.currency)
        for name, amount in amounts.items()
    }
    return listing_values(ticket, {"face_value": "", **texts})
