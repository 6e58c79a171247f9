"""Stripe. The only module that knows it; the others speak of `payments.intents`.

Every write carries an idempotency key, so a write whose answer was lost can be sent
again. https://docs.stripe.com/api/idempotent_requests
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

import stripe
from pydantic import BaseModel, Field
from stripe import params

from common.ids import is_id
from payments.errors import (
    GatewayRefused,
    GatewayUnavailable,
    IntentStateConflict,
    InvalidWebhook,
)
from payments.intents import (
    Intent,
    IntentRequest,
    IntentStatus,
    Refund,
    RefundStatus,
)
from payments.settings import Settings

SIGNATURE_TOLERANCE_SECONDS: Final = 300
_PAGE: Final = 100
_CLOCK_SLACK: Final = timedelta(minutes=5)
_RETRY_AFTER_SECONDS: Final = 2.0
_CANCEL: Final[params.PaymentIntentCancelParams] = {"cancellation_reason": "abandoned"}
_REFUND_STATUS: Final = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_STATE_CONFLICTS: Final = frozenset(
    {
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_already_refunded",
        "charge_expired_for_capture",
    }
)
_RELEVANT: Final = frozenset(
    {
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.requires_action",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)


@dataclass(frozen=True)
class Hint:
    """A verified webhook: which payment to look at. Nothing else in it is trusted.

    ``intent_id`` and ``order_id`` are None for events that are none of ours.
    """

    event_id: str
    type: str
    intent_id: str | None = None
    order_id: str | None = None


class Gateway:
    """Stripe's API for one account.

    Each method raises `GatewayUnavailable` when no answer came, which says nothing
    about what happened, and `GatewayRefused` for an error answer.
    """

    def __init__(self, settings: Settings) -> None:
        stripe.enable_telemetry = False
        self._http = stripe.HTTPXClient(timeout=settings.stripe_timeout_seconds)
        base = settings.stripe_api_base.rstrip("/")
        self._api = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            http_client=self._http,
            max_network_retries=settings.stripe_retries,
            base_addresses={"api": base} if base else None,
        ).v1
        self._webhook_secrets = settings.webhook_secrets

    async def create(self, request: IntentRequest, key: str) -> Intent:
        """Make an intent that holds the money of a card until it is captured."""
        with _translated():
            made = await self._api.payment_intents.create_async(
                {
                    "amount": request.amount,
                    "currency": request.currency,
                    "capture_method": "manual",
                    "allowed_payment_method_types": ["card"],
                    "metadata": request.metadata,
                },
                {"idempotency_key": key},
            )
        return _intent(made)

    async def find(self, request: IntentRequest) -> Intent | None:
        """Look for an intent made for ``request``, when no key remembers it."""
        created = int((request.since - _CLOCK_SLACK).timestamp())
        with _translated():
            page = await self._api.payment_intents.list_async(
                {"created": {"gte": created}, "limit": _PAGE}
            )
            async for found in page.auto_paging_iter():
                if _metadata(found) == request.metadata:
                    return _intent(found)
        return None

    async def read(self, intent_id: str) -> Intent:
        """Return the intent as it is now, with its refunds once money was taken."""
        with _translated():
            intent = _intent(await self._api.payment_intents.retrieve_async(intent_id))
            if intent.status is not IntentStatus.SUCCEEDED:
                return intent
            page = await self._api.refunds.list_async(
                {"payment_intent": intent_id, "limit": _PAGE}
            )
        return replace(intent, refunds=tuple(_refund(one) for one in page.data))

    async def capture(self, intent_id: str, key: str) -> Intent:
        """Take the money that is held.

        Raises:
            IntentStateConflict: there is nothing to take now.
        """
        with _translated():
            return _intent(
                await self._api.payment_intents.capture_async(
                    intent_id, {}, {"idempotency_key": key}
                )
            )

    async def cancel(self, intent_id: str, key: str) -> Intent:
        """Release the money that is held, or make sure that none ever is.

        Raises:
            IntentStateConflict: it cannot be cancelled now.
        """
        with _translated():
            return _intent(
                await self._api.payment_intents.cancel_async(
                    intent_id, _CANCEL, {"idempotency_key": key}
                )
            )

    async def refund(self, intent_id: str, key: str) -> Intent:
        """Give back all that was taken and not given back yet.

        Raises:
            IntentStateConflict: there is nothing to give back.
        """
        with _translated():
            await self._api.refunds.create_async(
                {"payment_intent": intent_id}, {"idempotency_key": key}
            )
        return await self.read(intent_id)

    def verify(self, payload: bytes, signature: str) -> Hint:
        """Check a webhook against every secret and read what it is about.

        Raises:
            InvalidWebhook: no secret fits, it is too old, or it is no event.
        """
        for secret in self._webhook_secrets:
            try:
                stripe.WebhookSignature.verify_header(
                    payload, signature, secret, SIGNATURE_TOLERANCE_SECONDS
                )
            except (stripe.SignatureVerificationError, ValueError, TypeError):
                continue
            return _hint(payload)
        raise InvalidWebhook

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Gateway]:
    """Lend a gateway and close its connections after."""
    gateway = Gateway(settings)
    try:
        yield gateway
    finally:
        await gateway.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn Stripe's errors into ours; their text never leaves this service."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise _ours(GatewayUnavailable, error) from error
    except stripe.StripeError as error:
        if error.code in _STATE_CONFLICTS or isinstance(error, stripe.CardError):
            raise IntentStateConflict(f"Stripe refused: {error.code}") from error
        # 409: a call with this key is still under way, so this one did nothing.
        busy = error.http_status == HTTPStatus.CONFLICT
        kind = GatewayUnavailable if busy else GatewayRefused
        raise _ours(kind, error) from error


def _ours(kind: type[GatewayUnavailable], error: stripe.StripeError) -> Exception:
    ours = kind(
        "The card service does not answer as it should",
        retry_after=_RETRY_AFTER_SECONDS,
    )
    ours.add_note(f"{type(error).__name__} {error.http_status} {error.code}")
    return ours


def _intent(found: stripe.PaymentIntent) -> Intent:
    return Intent(
        id=found.id,
        status=_status(found.status),
        amount=found.amount,
        currency=found.currency,
        held=found.amount_capturable,
        received=found.amount_received,
        order_id=_metadata(found).get("order_id"),
        decline_code=_decline_code(found),
        client_secret=found.client_secret or "",
    )


def _metadata(found: stripe.PaymentIntent) -> dict[str, str]:
    return found.metadata.to_dict()


def _status(word: str) -> IntentStatus:
    try:
        return IntentStatus(word)
    except ValueError:
        return IntentStatus.UNKNOWN


def _decline_code(found: stripe.PaymentIntent) -> str | None:
    error = found.last_payment_error
    if error is None:
        return None
    code = getattr(error, "decline_code", None) or getattr(error, "code", None)
    return str(code or "generic_decline")[:64]


def _refund(found: stripe.Refund) -> Refund:
    status = _REFUND_STATUS.get(found.status or "", RefundStatus.PENDING)
    return Refund(found.id, status, found.amount)


class _Event(BaseModel):
    """A webhook's body, as far as it concerns us."""

    id: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[str, Field(min_length=1, max_length=100)]
    data: dict[str, Any]


class _Subject(BaseModel):
    """The intent, or the refund, that a webhook is about."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    payment_intent: Annotated[str, Field(max_length=64)] | None = None
    metadata: dict[str, str] = {}

    @property
    def order_id(self) -> str | None:
        order_id = self.metadata.get("order_id", "")
        return order_id if is_id(order_id) else None


def _hint(payload: bytes) -> Hint:
    try:
        event = _Event.model_validate_json(payload)
        if event.type not in _RELEVANT:
            return Hint(event.id, event.type)
        subject = _Subject.model_validate(event.data.get("object"))
    except ValueError as error:
        raise InvalidWebhook from error
    if event.type.startswith("payment_intent."):
        return Hint(event.id, event.type, subject.id, subject.order_id)
    return Hint(event.id, event.type, subject.payment_intent)
