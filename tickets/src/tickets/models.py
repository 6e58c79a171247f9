"""Listings and their state machine; what orders we have heard of.

A listing is available, reserved for one order, sold to it, or withdrawn. Every
change raises ``version``, and an UPDATE only finds the version that was read:
of two changes at once, one fails (SQLAlchemy's ``version_id_col``).
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from common.clock import now
from common.db import UtcDateTime, folded, key
from common.events import RejectionReason, TicketStatus
from common.ids import new_id
from tickets.errors import TicketLocked, TicketWithdrawn, UnexpectedSale
from tickets.listing import Listing


class Base(DeclarativeBase):
    """Tables of the tickets service."""


class Ticket(Base):
    """One lot for sale, sold whole."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index("ix_tickets_newest", "status", "id"),
        Index("ix_tickets_date", "status", "sale_ends_at", "id"),
        Index("ix_tickets_price", "status", "price", "id"),
        Index("ix_tickets_seller", "seller_id", "id"),
    )

    id: Mapped[str] = mapped_column(key(), primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    offer_version: Mapped[int] = mapped_column(Integer)
    seller_id: Mapped[str] = mapped_column(key())
    status: Mapped[str] = mapped_column(key(16))
    order_id: Mapped[str | None] = mapped_column(key())
    title: Mapped[str] = mapped_column(String(100))
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(key(3))
    venue: Mapped[str | None] = mapped_column(String(100))
    city: Mapped[str | None] = mapped_column(String(100))
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timezone: Mapped[str | None] = mapped_column(String(64))
    section: Mapped[str | None] = mapped_column(String(40))
    row: Mapped[str | None] = mapped_column("seat_row", String(40))
    seat: Mapped[str | None] = mapped_column(String(40))
    face_value: Mapped[int | None] = mapped_column(BigInteger)
    sale_ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    search_text: Mapped[str] = mapped_column(folded(1000))
    city_key: Mapped[str | None] = mapped_column(folded(300))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form

    @classmethod
    def list_for_sale(cls, seller_id: str, listing: Listing) -> "Ticket":
        """Return a new listing, available at once."""
        ticket = cls(
            id=new_id(),
            seller_id=seller_id,
            status=TicketStatus.AVAILABLE,
            order_id=None,
            offer_version=1,
        )
        ticket._describe(listing)
        return ticket

    def edit(self, listing: Listing) -> None:
        """Replace what is offered; the same offer again changes nothing.

        Raises:
            TicketLocked: it is reserved or sold.
            TicketWithdrawn: it is not on sale any more.
        """
        self.require_available()
        if self._describe(listing):
            self.offer_version = self.version + 1

    def withdraw(self) -> None:
        """Take it from sale; doing it twice is fine.

        Raises:
            TicketLocked: it is reserved or sold.
        """
        if self.status != TicketStatus.WITHDRAWN:
            self.require_available()
            self.status = TicketStatus.WITHDRAWN

    def refusal(self, *, version: int, buyer_id: str) -> RejectionReason | None:
        """Say why an order that saw ``version`` cannot have it, if it cannot.

        What the buyer saw must still be what is offered: an edit since then
        refuses (R5); a hold that came and went in between does not.
        """
        if self.status == TicketStatus.WITHDRAWN:
            return RejectionReason.WITHDRAWN
        if self.status != TicketStatus.AVAILABLE:
            return RejectionReason.TAKEN
        if self.seller_id == buyer_id:
            return RejectionReason.OWN_TICKET
        if not self.offer_version <= version <= self.version:
            return RejectionReason.PRICE_CHANGED
        return None

    def hold(self, order_id: str) -> None:
        """Reserve it for ``order_id``.

        Raises:
            TicketLocked: it is reserved or sold.
            TicketWithdrawn: it is not on sale any more.
        """
        self.require_available()
        self.status = TicketStatus.RESERVED
        self.order_id = order_id

    def release(self, order_id: str, *, relist: bool) -> bool:
        """End what ``order_id`` has of it; tell whether that changed it (I7, R18).

        A refund that comes before the rest of its order has nothing to end, but
        withdraws all the same: the order of events must not matter (R50).

        Args:
            order_id: the order that was cancelled.
            relist: whether it goes back on sale; a refunded one does not.
        """
        unknown_sale = not relist and self.status == TicketStatus.AVAILABLE
        if self.order_id != order_id and not unknown_sale:
            return False
        self.order_id = None
        self.status = TicketStatus.AVAILABLE if relist else TicketStatus.WITHDRAWN
        return True

    def sell(self, order_id: str) -> bool:
        """Give it to ``order_id`` for good; tell whether that changed anything.

        Raises:
            UnexpectedSale: it was not held for this order.
        """
        if self.order_id != order_id:
            raise UnexpectedSale(f"ticket {self.id} was not held for order {order_id}")
        if self.status == TicketStatus.SOLD:
            return False
        self.status = TicketStatus.SOLD
        return True

    def require_available(self) -> None:
        """Refuse a change of what is not on sale.

        Raises:
            TicketLocked: it is reserved or sold.
            TicketWithdrawn: it is not on sale any more.
        """
        if self.status == TicketStatus.WITHDRAWN:
            raise TicketWithdrawn
        if self.status != TicketStatus.AVAILABLE:
            raise TicketLocked(f"The ticket is {self.status} and cannot be changed")

    def _describe(self, listing: Listing) -> bool:
        """Take over ``listing``; tell whether it differs from what was offered."""
        before = {name: getattr(self, name) for name in listing.columns}
        for name, value in listing.columns.items():
            setattr(self, name, value)
        return before != listing.columns


class SeenOrder(Base):
    """The newest version of an order that we have applied.

    A cancelled order leaves its row here for good: if its `orders.created` comes
    late, it is older than this and can never reserve (R9).
    """

    __tablename__ = "seen_orders"

    order_id: Mapped[str] = mapped_column(key(), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    ticket_id: Mapped[str] = mapped_column(key())
