"""Orders as we know them, their payments, and what passed through Stripe.

Whoever changes a payment has its row locked, so a version is never decided twice.
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from common.clock import now
from common.db import BigSerial, UtcDateTime, key
from common.events import OrderState, OrderStatus
from common.ids import new_id
from payments.decision import OrderFacts, PaymentFacts
from payments.errors import IllegalTransition
from payments.states import MAY_FOLLOW, PaymentStatus


class Base(DeclarativeBase):
    """Tables of the payments service."""


class Order(Base):
    """The newest state of an order that we have heard of (a replica)."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_status", "status"),)

    order_id: Mapped[str] = mapped_column(key(), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    buyer_id: Mapped[str] = mapped_column(key())
    status: Mapped[str] = mapped_column(key(20))
    claimed_payment: Mapped[str | None] = mapped_column(key())
    total: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(key(3))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str | None] = mapped_column(key(20))

    def follow(self, state: OrderState) -> None:
        """Take over the whole state of the event."""
        self.version = state.version
        self.buyer_id = state.buyer_id
        self.status = state.status
        self.claimed_payment = state.claimed_payment
        self.total = state.total
        self.currency = state.currency
        self.expires_at = state.expires_at
        self.cancel_reason = state.cancel_reason

    @property
    def is_open(self) -> bool:
        """Whether it waits for money, by its state; its deadline is another matter."""
        return self.status == OrderStatus.AWAITING_PAYMENT and not self.claimed_payment

    @property
    def facts(self) -> OrderFacts:
        """What a decision needs to know."""
        return OrderFacts(
            id=self.order_id,
            status=OrderStatus(self.status),
            is_claimed=self.claimed_payment is not None,
            total=self.total,
            currency=self.currency,
        )


class Payment(Base):
    """The one payment of an order. ``amount`` in minor units.

    ``attempt`` counts intents: it rises only after the last one is confirmed
    canceled (I5). ``refusals`` counts error answers, each of which uses up an
    idempotency key. ``due_at`` is when to look at it again, NULL when it is over;
    ``lease`` names the look in progress, and is cleared by whatever makes that
    look outdated. ``looks`` in a row found nothing new. ``trace`` continues the
    trace of who asked for a look.
    """

    __tablename__ = "payments"
    __table_args__ = (
        Index("ix_payments_due", "due_at"),
        Index("ix_payments_alert", "alerted_at"),
    )

    id: Mapped[str] = mapped_column(key(), primary_key=True)
    order_id: Mapped[str] = mapped_column(
        key(), ForeignKey("orders.order_id"), unique=True
    )
    buyer_id: Mapped[str] = mapped_column(key())
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(key(3))
    status: Mapped[str] = mapped_column(key(20))
    version: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer)
    refusals: Mapped[int] = mapped_column(Integer)
    intent_id: Mapped[str | None] = mapped_column(key(64), unique=True)
    decline_code: Mapped[str | None] = mapped_column(key(64))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(key())
    looks: Mapped[int] = mapped_column(Integer)
    trace: Mapped[str | None] = mapped_column(key(64))
    alert: Mapped[str | None] = mapped_column(String(200))
    alerted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def begin(cls, order: Order) -> "Payment":
        """Return the payment of ``order``, for which no intent exists yet."""
        return cls(
            id=new_id(),
            order_id=order.order_id,
            buyer_id=order.buyer_id,
            amount=order.total,
            currency=order.currency,
            status=PaymentStatus.NEW,
            version=1,
            attempt=1,
            refusals=0,
            looks=0,
            created_at=now(),
            updated_at=now(),
        )

    @property
    def facts(self) -> PaymentFacts:
        """What a decision needs to know."""
        return PaymentFacts(PaymentStatus(self.status), self.decline_code)

    def move(self, status: PaymentStatus, decline_code: str | None = None) -> None:
        """Record the next state.

        Raises:
            IllegalTransition: it cannot follow the present one.
        """
        if status not in MAY_FOLLOW[PaymentStatus(self.status)]:
            raise IllegalTransition(f"{self.status} payment cannot become {status}")
        self.status = status
        self.decline_code = decline_code
        self.version += 1
        self.looks = 0
        self.updated_at = now()

    def begin_again(self) -> None:
        """Prepare for another intent; the last one is confirmed canceled (I5)."""
        self.move(PaymentStatus.NEW)
        self.attempt += 1
        self.refusals = 0
        self.intent_id = None
        self.created_at = now()

    def raise_alert(self, text: str) -> None:
        """Leave a word for the people who run this; the first time counts."""
        if self.alert != text:
            self.alert = text
            self.alerted_at = now()


class StripeEvent(Base):
    """A webhook that was taken: the same one again changes nothing (R24).

    ``payment_id`` is the payment that it made us look at, if any. Nothing else of
    it is kept, above all no client secret (I13).
    """

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(key(255), primary_key=True)
    type: Mapped[str] = mapped_column(key(100))
    payment_id: Mapped[str | None] = mapped_column(key())
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerEntry(Base):
    """Money that moved, or was held; rows are only ever added. Minor units.

    ``stripe_id`` is the intent, or the refund, that moved it.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("payment_id", "kind", "stripe_id", name="uq_ledger_once"),
        Index("ix_ledger_order", "order_id"),
    )

    id: Mapped[int] = mapped_column(BigSerial, primary_key=True, autoincrement=True)
    payment_id: Mapped[str] = mapped_column(key(), ForeignKey("payments.id"))
    order_id: Mapped[str] = mapped_column(key())
    kind: Mapped[str] = mapped_column(key(20))
    stripe_id: Mapped[str] = mapped_column(key(64))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(key(3))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PaymentRequest(Base):
    """An idempotency key of a buyer and the order that it was used for (R2)."""

    __tablename__ = "payment_requests"

    buyer_id: Mapped[str] = mapped_column(key(), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(key(64), primary_key=True)
    order_id: Mapped[str] = mapped_column(key())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
