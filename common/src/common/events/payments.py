"""What payments publishes. No card data and no client secret, ever (I13)."""

from common.events._base import Currency, Event, Id, MinorUnits, Version


class PaymentState(Event):
    """The whole payment of one order."""

    id: Id
    version: Version
    order_id: Id
    amount: MinorUnits
    currency: Currency


class PaymentAuthorized(PaymentState):
    """The card issuer holds the money; nothing is charged yet."""

    subject = "payments.authorized"


class PaymentCaptured(PaymentState):
    """The money was taken."""

    subject = "payments.captured"


class PaymentFailed(PaymentState):
    """The money can definitely not be taken any more: the hold is gone."""

    subject = "payments.failed"


class PaymentVoided(PaymentState):
    """The hold was given back; the buyer was never charged."""

    subject = "payments.voided"


class PaymentRefunded(PaymentState):
    """Money that had been taken was given back in full."""

    subject = "payments.refunded"
