"""What can go wrong with a payment, in the words of the business."""

from common.errors import Conflict, InvalidInput, NotFound, Unavailable


class OrderNotFound(NotFound):
    """No such order, none of the caller's, or not heard of yet."""

    slug = "order_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such order")


class PaymentNotFound(NotFound):
    """Nobody has begun to pay this order, or it is not the caller's."""

    slug = "payment_not_found"

    def __init__(self) -> None:
        super().__init__("There is no payment for this order")


class OrderNotPayable(Conflict):
    """The order is not waiting for money, or its time is over."""

    slug = "order_not_payable"


class KeyReused(InvalidInput):
    """The idempotency key belongs to another request (R2)."""

    slug = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used for another order")


class InvalidWebhook(Exception):
    """Forged, damaged or stale: whoever sent it is not Stripe, or a replay (R28)."""


class UnknownIntent(Unavailable):
    """A webhook about an intent we do not know yet; Stripe shall retry (R26)."""

    slug = "unknown_intent"

    def __init__(self) -> None:
        super().__init__("this payment is not known yet", retry_after=1.0)


class GatewayUnavailable(Unavailable):
    """No answer: whether the call had an effect is unknown (R32)."""

    slug = "gateway_unavailable"


class GatewayRefused(GatewayUnavailable):
    """An error answer, which the idempotency key of the call will now repeat."""


class IntentStateConflict(Conflict):
    """The intent is in another state than we thought; read it again (R37)."""

    slug = "intent_state_conflict"


class IllegalTransition(Conflict):
    """A state that cannot follow the present one: a defect of ours."""

    slug = "illegal_transition"
