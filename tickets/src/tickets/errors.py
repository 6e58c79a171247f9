"""What can go wrong with a listing, in the words of the business."""

from common.errors import Conflict, NotFound, PreconditionRequired, Stale


class TicketNotFound(NotFound):
    """No such ticket, or none of the caller's."""

    slug = "ticket_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such ticket")


class TicketLocked(Conflict):
    """Reserved or sold: nobody may change it under the buyer's eyes (R6)."""

    slug = "ticket_locked"


class TicketWithdrawn(Conflict):
    """The listing is over; it can be listed anew."""

    slug = "ticket_withdrawn"

    def __init__(self) -> None:
        super().__init__("This ticket was withdrawn from sale")


class TicketChanged(Stale):
    """The caller saw an older version than the present one."""

    slug = "ticket_changed"

    def __init__(self, version: int | None = None) -> None:
        super().__init__(
            "The ticket has changed since you looked at it",
            **({"version": version} if version is not None else {}),
        )


class OrderInHand(Conflict):
    """Another event of the same order is being handled at this moment."""

    slug = "order_in_hand"

    def __init__(self) -> None:
        super().__init__("Another event of this order is being handled")


class VersionRequired(PreconditionRequired):
    """An edit must say which version it edits."""

    slug = "version_required"

    def __init__(self) -> None:
        super().__init__('Send If-Match: "<version>" with the version you edit')


class UnexpectedSale(Conflict):
    """An order is complete for a ticket that was not held for it (I4).

    It cannot happen unless a store was restored from an older copy; the message
    ends among the dead letters, where somebody sees it.
    """

    slug = "unexpected_sale"
