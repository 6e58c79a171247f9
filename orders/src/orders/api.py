"""Routes: parse, call one use case, return."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request, Response, status

from common.identity import CurrentUser
from common.web import Reading, Transaction, refusals
from orders import service
from orders.reserving import ReserveRequest
from orders.schemas import OrderIn, OrderOut, OrderQuery

PREFIX: Final = "/api/orders"
PERSONAL: Final = "private, no-store"

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")
]

router = APIRouter(prefix=PREFIX, tags=["orders"])


@router.post("", status_code=status.HTTP_201_CREATED, responses=refusals(404, 409))
async def place_order(
    user: CurrentUser,
    session: Transaction,
    request: Request,
    response: Response,
    body: OrderIn,
    idempotency_key: IdempotencyKey = None,
) -> OrderOut:
    """Reserve a ticket. Repeating a request with its key gives the same order."""
    wish = ReserveRequest(
        buyer_id=user.user_id,
        ticket_id=body.ticket_id,
        ticket_version=body.ticket_version,
        idempotency_key=idempotency_key,
    )
    placed = await service.place_order(session, wish, request.state.rules)
    response.headers["Location"] = f"{PREFIX}/{placed.order.id}"
    response.headers["Cache-Control"] = PERSONAL
    return OrderOut.of(placed)


@router.get("")
async def list_orders(
    user: CurrentUser,
    session: Reading,
    request: Request,
    response: Response,
    query: Annotated[OrderQuery, Query()],
) -> list[OrderOut]:
    """One's own orders, newest first."""
    orders, has_next = await service.list_orders(
        session, user.user_id, after=query.cursor, limit=query.limit
    )
    response.headers["Cache-Control"] = PERSONAL
    if has_next:
        parameters = {**request.query_params, "cursor": orders[-1].order.id}
        response.headers["Link"] = f'<{PREFIX}?{urlencode(parameters)}>; rel="next"'
    return [OrderOut.of(order) for order in orders]


@router.get("/{order_id}")
async def get_order(
    user: CurrentUser, session: Reading, response: Response, order_id: str
) -> OrderOut:
    """One order of one's own."""
    response.headers["Cache-Control"] = PERSONAL
    return OrderOut.of(await service.get_order(session, user.user_id, order_id))


@router.delete(
    "/{order_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    response_class=Response,
    responses=refusals(409),
)
async def cancel_order(user: CurrentUser, session: Transaction, order_id: str) -> None:
    """Give up an order that is not being paid yet."""
    await service.cancel_order(session, user.user_id, order_id)
