"""Orders, and the copy of the tickets that can be ordered.

An order changes only through the conditional updates of `orders.transitions`:
each names the state it starts from, so of two at once one finds no row.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from common.clock import now
from common.db import LongText, UtcDateTime, key
from common.events import OrderedTicket
from common.ids import new_id


class Base(DeclarativeBase):
    """Tables of the orders service."""


class Ticket(Base):
    """Our copy of a listing, as new as the newest `tickets.*` event we have."""

    __tablename__ = "tickets"

    id: Mapped[str] = mapped_column(key(), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    offer_version: Mapped[int] = mapped_column(Integer)
    seller_id: Mapped[str] = mapped_column(key())
    title: Mapped[str] = mapped_column(String(100))
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(key(3))
    status: Mapped[str] = mapped_column(key(16))
    order_id: Mapped[str | None] = mapped_column(key())
    venue: Mapped[str | None] = mapped_column(String(100))
    city: Mapped[str | None] = mapped_column(String(100))
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timezone: Mapped[str | None] = mapped_column(String(64))
    section: Mapped[str | None] = mapped_column(String(40))
    row: Mapped[str | None] = mapped_column("seat_row", String(40))
    seat: Mapped[str | None] = mapped_column(String(40))

    def snapshot(self) -> OrderedTicket:
        """Return what an order made now keeps of it."""
        return OrderedTicket.model_validate(self, from_attributes=True)


class Order(Base):
    """One buyer's claim to one ticket.

    ``live_ticket_id`` is the ticket while the order is not cancelled and NULL
    after: its unique key is what allows one live order per ticket (I1).
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("live_ticket_id", name="uq_orders_live_ticket"),
        UniqueConstraint("buyer_id", "idempotency_key", name="uq_orders_key"),
        Index("ix_orders_buyer", "buyer_id", "id"),
        Index("ix_orders_deadline", "status", "expires_at"),
    )

    id: Mapped[str] = mapped_column(key(), primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column(Integer, default=1)
    buyer_id: Mapped[str] = mapped_column(key())
    ticket_id: Mapped[str] = mapped_column(key())
    live_ticket_id: Mapped[str | None] = mapped_column(key())
    status: Mapped[str] = mapped_column(key(20))
    claimed_payment: Mapped[str | None] = mapped_column(key())
    cancel_reason: Mapped[str | None] = mapped_column(key(20))
    price: Mapped[int] = mapped_column(BigInteger)
    fee: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(key(3))
    ticket_snapshot: Mapped[str] = mapped_column(LongText)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    idempotency_key: Mapped[str | None] = mapped_column(key(64))
    fingerprint: Mapped[str] = mapped_column(key(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    @property
    def ticket(self) -> OrderedTicket:
        """The ticket as it was when the order was made."""
        return OrderedTicket.model_validate_json(self.ticket_snapshot)
