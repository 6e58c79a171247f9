"""The front page: search, filter, browse."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from client import forms
from client.api_types import Problem
from client.backend import ServiceProblem, ServiceUnavailable, Visitor
from client.forms import Form, read_search, typed
from client.gateway import Gateway, TicketPage
from client.pages.routes import PageRoute
from client.rendering import Page, render
from client.visiting import GatewayDep, SettingsDep, VisitorDep, read_with
from client.wording import throttled_words

router = APIRouter(route_class=PageRoute)
_UNAVAILABLE = (
    "The list of tickets cannot be loaded just now. Please try again in a moment."
)
_NOT_UNDERSTOOD = "That search cannot be understood. Change it, or clear all filters."
_FOLDED = ("from", "to", "min_price", "max_price", "sort")


@router.get("/")
async def home(
    request: Request, gateway: GatewayDep, visitor: VisitorDep, settings: SettingsDep
) -> HTMLResponse:
    form = Form(typed(request.query_params, forms.SEARCH_FIELDS))
    filters = read_search(form, settings.currency)
    if cursor := request.query_params.get("cursor"):
        filters["cursor"] = cursor
    call = _find_tickets(gateway, visitor, filters)
    reader, answer = await read_with(gateway, visitor, call)
    found = answer if isinstance(answer, TicketPage) else None
    data = {
        "form": form,
        "sorts": forms.SORTS,
        "page": found,
        "trouble": answer if isinstance(answer, str) else None,
        "is_filtered": any(form.values.values()),
        "shows_filters": bool(form.errors)
        or any(form.values[name] for name in _FOLDED),
        "is_later_page": cursor is not None,
        "more_url": _more_url(form, found),
        "first_url": _url(form, None),
    }
    public = found is not None
    return render(request, Page("home.html", reader, data, is_public=public))


async def _find_tickets(
    gateway: Gateway, visitor: Visitor, filters: dict[str, str]
) -> TicketPage | str:
    """What is on sale, or in words why the list cannot be had; the page stands."""
    try:
        return await gateway.tickets(visitor, filters)
    except ServiceProblem as error:
        return _trouble(error.problem)
    except ServiceUnavailable:
        return _UNAVAILABLE


def _trouble(problem: Problem) -> str:
    if problem.status == 429:
        return throttled_words(problem)
    if problem.status in (400, 422):
        return _NOT_UNDERSTOOD
    return _UNAVAILABLE


def _more_url(form: Form, found: TicketPage | None) -> str | None:
    cursor = found.next_cursor if found else None
    return _url(form, cursor) if cursor else None


def _url(form: Form, cursor: str | None) -> str:
    query = {name: value for name, value in form.values.items() if value}
    if cursor:
        query["cursor"] = cursor
    return f"/?{urlencode(query)}" if query else "/"
