"""A call to Stripe that was decided on: everything it needs, read beforehand."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from common.clock import now
from payments.decision import Step
from payments.errors import IllegalTransition
from payments.gateway import Gateway
from payments.intents import Intent, IntentRequest
from payments.models import Payment

KEYS_REMEMBERED: Final = timedelta(hours=23)
"""Stripe may forget an idempotency key after a day."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One call. ``step`` None only reads; ``searches``: the key may be forgotten."""

    step: Step | None
    request: IntentRequest
    intent_id: str | None
    key: str = ""
    searches: bool = False

    @classmethod
    def of(cls, payment: Payment, step: Step | None, failed_refunds: int = 0) -> "Plan":
        """Plan ``step`` for the payment as it is now.

        A key is the same for every try, so that a lost answer does no harm, until
        an error answer has used it up.
        """
        return cls(
            step=step,
            request=_request(payment),
            intent_id=payment.intent_id,
            key=_key(payment, step, failed_refunds),
            searches=payment.refusals > 0
            or now() - payment.created_at > KEYS_REMEMBERED,
        )

    async def carry_out(self, gateway: Gateway) -> Intent | None:
        """Do it; return the intent after it, None if there is none to read.

        Raises:
            GatewayUnavailable: nobody knows whether it was done.
            GatewayRefused: an error answer.
            IntentStateConflict: the intent is not in a state for it.
        """
        if self.step is Step.CREATE:
            found = await gateway.find(self.request) if self.searches else None
            return found or await gateway.create(self.request, self.key)
        if self.intent_id is None:
            return None
        if self.step is None:
            return await gateway.read(self.intent_id)
        calls = {
            Step.CAPTURE: gateway.capture,
            Step.VOID: gateway.cancel,
            Step.REFUND: gateway.refund,
        }
        return await calls[self.step](self.intent_id, self.key)


def _request(payment: Payment) -> IntentRequest:
    return IntentRequest(
        payment_id=payment.id,
        order_id=payment.order_id,
        attempt=payment.attempt,
        amount=payment.amount,
        currency=payment.currency,
        since=payment.created_at,
    )


def _key(payment: Payment, step: Step | None, failed_refunds: int) -> str:
    used = payment.refusals
    if step is Step.CREATE:
        name = f"intent:{payment.order_id}:{payment.attempt}"
    elif step is Step.REFUND:
        name = f"refund:{payment.order_id}"
        used += failed_refunds
    elif step in {Step.CAPTURE, Step.VOID}:
        name = f"{step}:{payment.intent_id}"
    elif step is None:
        return ""
    else:
        raise IllegalTransition(f"{step} is no call")
    return f"{name}:{used}" if used else name
