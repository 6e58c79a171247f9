"""What can go wrong with an order, in the words of the business."""

from common.errors import Conflict, InvalidInput, NotFound, Unprocessable
from common.money import format_amount


class OrderNotFound(NotFound):
    """No such order, or somebody else's."""

    slug = "order_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such order")


class TicketNotFound(NotFound):
    """No such ticket, as far as orders has heard."""

    slug = "ticket_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such ticket")


class TicketTaken(Conflict):
    """Somebody else was faster (R1)."""

    slug = "ticket_taken"

    def __init__(self) -> None:
        super().__init__("Somebody else has just reserved this ticket")


class TicketNotOnSale(Conflict):
    """The seller withdrew it."""

    slug = "ticket_not_on_sale"

    def __init__(self) -> None:
        super().__init__("This ticket is not on sale any more")


class SaleClosed(Conflict):
    """The event has begun, or is about to (R11)."""

    slug = "sale_closed"

    def __init__(self) -> None:
        super().__init__("The sale for this event is closed")


class OwnTicket(Conflict):
    """Nobody buys from himself (R3)."""

    slug = "own_ticket"

    def __init__(self) -> None:
        super().__init__("This is your own ticket")


class AlreadyYours(Conflict):
    """The buyer holds or owns it already; ``order_id`` says where (R2)."""

    slug = "already_yours"

    def __init__(self, order_id: str) -> None:
        super().__init__("You have already ordered this ticket", order_id=order_id)


class PriceChanged(Conflict):
    """The offer is not what the buyer saw; ``ticket`` is what it is now (R4)."""

    slug = "price_changed"

    def __init__(self, ticket: dict[str, object], total: int, currency: str) -> None:
        super().__init__(
            f"The offer has changed; it is now {format_amount(total, currency)}",
            ticket=ticket,
        )


class TicketCatchingUp(Conflict):
    """The buyer saw a newer offer than has reached us; it is on its way."""

    slug = "ticket_catching_up"

    def __init__(self) -> None:
        super().__init__("This ticket is just being updated", retry_after=1.0)


class IdempotencyKeyReused(InvalidInput):
    """The same key came with another request (R2)."""

    slug = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used for another request")


class OrderNotCancellable(Conflict):
    """Money is being taken, or was taken: it cannot be cancelled any more."""

    slug = "order_not_cancellable"

    def __init__(self) -> None:
        super().__init__("This order is being paid or is complete")


class WrongAmountCaptured(Unprocessable):
    """Another amount than the order's total was captured (I3)."""

    slug = "wrong_amount_captured"

    def __init__(self) -> None:
        super().__init__("The captured amount is not the total of the order")


class RefundBeforeCapture(Conflict):
    """The news of a refund has overtaken that of the capture; it comes again."""

    slug = "refund_before_capture"

    def __init__(self) -> None:
        super().__init__("The order is not complete yet")
