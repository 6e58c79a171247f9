"""One's orders: the list, the checkout, its state, and cancelling."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from client.api_types import Checkout, Order, Payment
from client.backend import ServiceProblem, ServiceUnavailable, Visitor
from client.forms import read_key
from client.gateway import Gateway
from client.pages.routes import PageRoute
from client.rendering import Page, render, see_other
from client.settings import Settings
from client.visiting import (
    GatewayDep,
    SettingsDep,
    VisitorDep,
    read_with,
)
from client.wording import (
    SETTLED,
    Stage,
    leaves_a_hold,
    order_stage,
    stage_words,
)
from common.ids import new_id

router = APIRouter(route_class=PageRoute)
_NO_STORE = {"cache-control": "private, no-store"}
_PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)


@router.get("/orders")
async def orders(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> HTMLResponse:
    cursor = request.query_params.get("cursor")
    reader, page = await read_with(gateway, visitor, gateway.orders(visitor, cursor))
    rows = [(order, order_stage(order, None)) for order in page.items]
    data = {
        "rows": [(order, stage, stage_words(stage, order)) for order, stage in rows],
        "next_cursor": page.next_cursor,
        "is_later_page": cursor is not None,
    }
    return render(request, Page("orders.html", reader, data))


@router.get("/orders/{order_id:uuid}")
async def order_page(
    request: Request,
    order_id: UUID,
    gateway: GatewayDep,
    visitor: VisitorDep,
    settings: SettingsDep,
) -> HTMLResponse:
    call = _order_and_payment(gateway, visitor, order_id)
    reader, (order, payment) = await read_with(gateway, visitor, call)
    returned = request.query_params.get("redirect_status")
    data = _order_data(settings, order, payment, returned=returned)
    return render(request, Page("order.html", reader, data))


@router.get("/orders/{order_id:uuid}/state")
async def order_state(
    order_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> JSONResponse:
    """Where the order stands, for the page that is waiting for it to move on."""
    try:
        order, payment = await _order_and_payment(gateway, visitor, order_id)
    except ServiceProblem as error:
        status = error.problem.status
        return JSONResponse({"code": error.problem.code}, status, _NO_STORE)
    stage = order_stage(order, payment)
    words = stage_words(stage, order)
    body = {
        "stage": stage,
        "status": order.status,
        "payment": payment.status if payment else None,
        "seconds_left": order.seconds_left,
        "title": words.title,
        "lead": words.lead,
        "settled": stage in SETTLED,
    }
    return JSONResponse(body, headers=_NO_STORE)


@router.post("/orders/{order_id:uuid}/pay")
async def pay(
    request: Request,
    order_id: UUID,
    gateway: GatewayDep,
    visitor: VisitorDep,
    settings: SettingsDep,
) -> Response:
    """Prepare the one payment of the order; the browser then confirms the card.

    A script gets the client secret as JSON, a plain form the page with the card
    fields on it. Asking twice prepares nothing twice.
    """
    key = read_key(await request.form())
    if _wants_json(request):
        return await _pay_as_json(gateway, visitor, order_id, key=key)
    try:
        checkout = await _start_payment(gateway, visitor, order_id, key=key)
    except ServiceProblem as error:
        if error.problem.status not in (409, 429):
            raise
        return see_other(f"/orders/{order_id}?notice={_payment_notice(error)}")
    call = _order_and_payment(gateway, visitor, order_id)
    reader, (order, payment) = await read_with(gateway, visitor, call)
    data = _order_data(settings, order, payment, checkout=checkout)
    return render(request, Page("order.html", reader, data))


async def _start_payment(
    gateway: Gateway, visitor: Visitor, order_id: UUID, *, key: str
) -> Checkout:
    """Prepare the payment; payments hears of a hold a moment after orders does."""
    for pause in _PAUSES_SECONDS:
        try:
            return await gateway.start_payment(visitor, order_id, key=key)
        except ServiceProblem as error:
            if not _is_too_early(error):
                raise
        await asyncio.sleep(pause)
    return await gateway.start_payment(visitor, order_id, key=key)


def _is_too_early(error: ServiceProblem) -> bool:
    problem = error.problem
    return problem.status == 404 or (
        problem.status == 409 and problem.retry_after is not None
    )


async def _pay_as_json(
    gateway: Gateway, visitor: Visitor, order_id: UUID, *, key: str
) -> JSONResponse:
    try:
        checkout = await _start_payment(gateway, visitor, order_id, key=key)
    except ServiceProblem as error:
        problem = error.problem
        body = {"code": problem.code, "message": problem.detail}
        return JSONResponse(body, problem.status, _NO_STORE)
    except ServiceUnavailable:
        return JSONResponse({"code": "unavailable"}, 503, _NO_STORE)
    return JSONResponse({"client_secret": checkout.id}, 201, _NO_STORE)


@router.get("/orders/{order_id:uuid}/cancel")
async def confirm_cancellation(
    request: Request, order_id: UUID, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    reader, order = await read_with(gateway, visitor, gateway.order(visitor, order_id))
    if order_stage(order, None) in SETTLED:
        return see_other(f"/orders/{order_id}")
    return render(request, Page("cancel.html", reader, {"order": order}))


@router.post("/orders/{order_id:uuid}/cancel")
async def cancel(order_id: UUID, gateway: GatewayDep, visitor: VisitorDep) -> Response:
    try:
        await gateway.cancel_order(visitor, order_id)
    except ServiceProblem as error:
        if error.problem.status != 409:
            raise
        return see_other(f"/orders/{order_id}?notice=not-cancellable")
    return see_other(f"/orders/{order_id}")


async def _order_and_payment(
    gateway: Gateway, visitor: Visitor, order_id: UUID
) -> tuple[Order, Payment | None]:
    """Ask both services at once; the order is the truth, the payment may be missing.

    With payments out of reach the page still shows the order, its deadline included.
    """
    payment = asyncio.create_task(_payment_or_none(gateway, visitor, order_id))
    try:
        order = await gateway.order(visitor, order_id)
    except BaseException:
        payment.cancel()
        raise
    return order, await payment


async def _payment_or_none(
    gateway: Gateway, visitor: Visitor, order_id: UUID
) -> Payment | None:
    try:
        return await gateway.find_payment(visitor, order_id)
    except (ServiceProblem, ServiceUnavailable):
        return None


def _order_data(
    settings: Settings,
    order: Order,
    payment: Payment | None,
    *,
    checkout: Checkout | None = None,
    returned: str | None = None,
) -> dict[str, object]:
    stage = order_stage(order, payment)
    # Back from the bank's own page, the browser knows before we do: wait in its
    # words, while the stage that counts is still the one the services tell.
    hinted = stage == "pay" and returned in ("succeeded", "pending")
    shown: Stage = "confirming" if hinted else stage
    return {
        "order": order,
        "payment": payment,
        "stage": shown,
        "is_hinted": hinted,
        "is_settled": shown in SETTLED,
        "bank_refused": stage == "pay" and returned == "failed",
        "words": stage_words(shown, order),
        "confirming": stage_words("confirming", order),
        "leaves_a_hold": leaves_a_hold(payment),
        "client_secret": checkout.id if checkout else "",
        "publishable_key": settings.stripe_publishable_key,
        "stripe_js_url": settings.stripe_js_url,
        "key": new_id(),
    }


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")


def _payment_notice(error: ServiceProblem) -> str:
    return "not-payable" if error.problem.status == 409 else "try-again"
