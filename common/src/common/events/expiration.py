"""What expiration publishes."""

from pydantic import AwareDatetime

from common.events._base import Event, Id


class ExpirationCompleted(Event):
    """The deadline that expiration knew of an order has passed."""

    subject = "expiration.completed"

    order_id: Id
    expires_at: AwareDatetime
