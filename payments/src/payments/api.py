"""Routes: parse, call one use case, return."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response, status
from sqlalchemy.exc import IntegrityError

from common.identity import CurrentUser
from common.ids import is_id
from common.telemetry import logger
from common.web import Reading, problem, refusals
from payments import metrics, paying, service
from payments.errors import (
    InvalidWebhook,
    OrderNotFound,
    PaymentNotFound,
    UnknownIntent,
)
from payments.gateway import Hint
from payments.paying import PayOrder, Till
from payments.schemas import OpenPaymentOut, PaymentIn, PaymentOut, Received
from payments.states import PaymentStatus

PREFIX: Final = "/api/payments"
PRIVATE: Final = "private, no-store"

# The route reads the body itself: what is signed are its bytes.
_EVENT: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}

log = logger(__name__)
router = APIRouter(prefix=PREFIX, tags=["payments"])


@router.post("", status_code=status.HTTP_201_CREATED, responses=refusals(404, 409))
async def open_payment(
    request: Request,
    response: Response,
    user: CurrentUser,
    body: PaymentIn,
    idempotency_key: Annotated[
        str | None, Header(max_length=64, pattern=r"^[\x21-\x7e]+$")
    ] = None,
) -> OpenPaymentOut:
    """Begin, or go on, to pay an order of one's own."""
    if not is_id(body.order_id):
        raise OrderNotFound
    till: Till = request.state.till
    wish = PayOrder(user.user_id, body.order_id, idempotency_key)
    payment, client_secret = await paying.open_payment(till, wish)
    response.headers["Cache-Control"] = PRIVATE
    response.headers["Location"] = f"{PREFIX}/{payment.order_id}"
    return OpenPaymentOut(
        id=client_secret,
        payment_id=payment.id,
        order_id=payment.order_id,
        amount=payment.amount,
        currency=payment.currency,
        status=PaymentStatus(payment.status),
    )


@router.post("/webhook", response_model=Received, openapi_extra=_EVENT)
async def take_webhook(
    request: Request, stripe_signature: Annotated[str, Header()] = ""
) -> Received | Response:
    """Take a webhook of Stripe's; 2xx only once it is stored."""
    till: Till = request.state.till
    try:
        hint = till.gateway.verify(await request.body(), stripe_signature)
    except InvalidWebhook:
        metrics.WEBHOOKS.labels("invalid").inc()
        log.warning("webhook_refused")
        return problem(400, "invalid_webhook", "The signature is not valid")
    outcome = await _store(till, hint)
    metrics.WEBHOOKS.labels(outcome).inc()
    return Received()


@router.get("/{order_id}")
async def get_payment(
    session: Reading, response: Response, user: CurrentUser, order_id: str
) -> PaymentOut:
    """The state of the payment of an order of one's own."""
    if not is_id(order_id):
        raise PaymentNotFound
    payment = await service.get_payment(session, user.user_id, order_id)
    response.headers["Cache-Control"] = PRIVATE
    return PaymentOut.of(payment)


async def _store(till: Till, hint: Hint) -> str:
    try:
        async with till.database.transaction() as session:
            return await service.take_webhook(session, hint, till.wake)
    except IntegrityError:
        return "duplicate"  # The same one, at the same time, on another connection.
    except UnknownIntent:
        metrics.WEBHOOKS.labels("unknown").inc()
        raise
