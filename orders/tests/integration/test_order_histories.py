"""Random histories of one order against a small model: table D1, I1, I6, I10."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, update

from common.clock import now
from common.db import Database
from common.db.messaging_tables import outbox
from common.errors import TicketingError, TooEarly
from common.events import (
    EVENT_TYPES,
    Event,
    ExpirationCompleted,
    OrderState,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentState,
    RejectionReason,
    ReservationRejected,
    TicketCreated,
    TicketStatus,
    TicketUpdated,
)
from common.ids import new_id
from common.inbox import Inbox
from common.testing.plugin import DatabaseUrlFactory, on_sqlite
from orders import service
from orders.consumers import HANDLERS
from orders.errors import (
    OrderNotCancellable,
    RefundBeforeCapture,
    WrongAmountCaptured,
)
from orders.models import Base, Order
from orders.reserving import ReserveRequest, SaleRules, reserve_tickets

R = TypeVar("R")

RULES = SaleRules(window=timedelta(hours=1), closes_before=timedelta(0))
AMOUNTS = st.sampled_from([5_500, 5_500, 5_500, 5_499])
PAYMENTS = st.sampled_from(["payment", "payment", "payment", "another"])


class Model:
    """What table D1 says of one order."""

    def __init__(self) -> None:
        self.status = "created"
        self.claimed: str | None = None
        self.reason: str | None = None
        self.overdue = False
        self.announced = ["orders.created"]

    @property
    def open(self) -> bool:
        """Whether it is live and no money is being taken."""
        return self.live and self.status != "complete" and self.claimed is None

    @property
    def live(self) -> bool:
        return self.status != "cancelled"

    def confirm(self) -> None:
        if self.status == "created" and not self.overdue:
            self.status = "awaiting:payment"
            self.announced.append("orders.awaiting_payment")

    def authorise(self, payment: str, amount: int) -> None:
        right, awaited = amount == 5_500, self.status == "awaiting:payment"
        if self.open and awaited and right and not self.overdue:
            self.claimed = payment
            self.announced.append("orders.claimed")
        elif self.open and (self.overdue or not right):
            self.cancel("expired" if self.overdue else "payment_failed")

    def is_taking(self, payment: str) -> bool:
        return self.status == "awaiting:payment" and self.claimed == payment

    def complete(self) -> None:
        self.status = "complete"
        self.announced.append("orders.completed")

    def cancel(self, reason: str) -> None:
        self.status, self.reason = "cancelled", reason
        self.announced.append("orders.cancelled")


class Bench:
    """One database and one loop for all histories."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.database = Database(url)
        self.inbox = Inbox(self.database, HANDLERS)

    def run(self, work: Awaitable[R]) -> R:
        async def wait() -> R:
            return await work

        return self.runner.run(wait())

    def apply(self, event: Event) -> None:
        self.run(self.inbox.apply([event]))

    def close(self) -> None:
        self.run(self.database.close())
        self.runner.close()

    async def reserve(self, buyer: str, ticket_id: str) -> Order | TicketingError:
        request = ReserveRequest(buyer_id=buyer, ticket_id=ticket_id)
        async with self.database.transaction() as session:
            [outcome] = await reserve_tickets(session, [request], RULES)
        return outcome

    async def cancel(self, order_id: str) -> None:
        async with self.database.transaction() as session:
            await service.cancel_order(session, "buyer", order_id)

    async def sweep(self) -> None:
        async with self.database.transaction() as session:
            await service.expire_overdue(session, 1_000)

    async def pass_deadline(self, order_id: str) -> None:
        async with self.database.transaction() as session:
            await session.execute(
                update(Order)
                .where(Order.id == order_id)
                .values(expires_at=now() - timedelta(seconds=1))
            )

    async def look(self, order_id: str, ticket_id: str) -> tuple[Order, int]:
        """Return the order, and how many live ones its ticket has."""
        async with self.database.reading() as session:
            live = await session.scalar(
                select(func.count()).where(
                    Order.ticket_id == ticket_id, Order.status != "cancelled"
                )
            )
            return await session.get_one(Order, order_id), live or 0

    async def news_after(self, last: int) -> tuple[int, list[Event]]:
        """Return what was announced after outbox row ``last``, and the last row."""
        async with self.database.reading() as session:
            found = await session.execute(
                select(outbox).where(outbox.c.id > last).order_by(outbox.c.id)
            )
            rows = found.all()
        events = [EVENT_TYPES[r.subject].model_validate_json(r.payload) for r in rows]
        return (rows[-1].id if rows else last), events


class OrderHistory(RuleBasedStateMachine):
    """One order, to which anything may happen at any time."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.model = Model()
        self.ticket_id = new_id()
        self.order_id = ""
        self.heard: list[OrderState] = []
        self.last = bench.run(bench.news_after(0))[0]

    def _ticket(self, version: int, **more: Any) -> Event:  # noqa: ANN401 - any field
        fields = {
            "id": self.ticket_id, "version": version, "offer_version": 1,
            "seller_id": "seller", "title": "Concert", "price": 5_000,
            "currency": "usd", "status": TicketStatus.AVAILABLE,
        }  # fmt: skip
        kind = TicketCreated if version == 1 else TicketUpdated
        return kind.model_validate({**fields, **more})

    def _pay(self, kind: type[PaymentState], payment: str, amount: int) -> None:
        self.bench.apply(
            kind(
                id=payment,
                version=1,
                order_id=self.order_id,
                amount=amount,
                currency="usd",
            )
        )

    @initialize(steps=st.integers(0, 3), late=st.booleans())
    def reserve(self, steps: int, late: bool) -> None:
        """Start some way along: at random, few would come as far as to a claim."""
        self.bench.apply(self._ticket(1))
        order = self.bench.run(self.bench.reserve("buyer", self.ticket_id))
        assert isinstance(order, Order)
        self.order_id = order.id
        way: tuple[Callable[[], object], ...] = (
            self.confirm,
            lambda: self.authorise("payment", 5_500),
            lambda: self.capture("payment", 5_500),
        )
        for step in way[:steps]:
            step()
        if late:
            self.pass_the_deadline()

    @rule()
    def confirm(self) -> None:
        held = {"status": TicketStatus.RESERVED, "order_id": self.order_id}
        self.bench.apply(self._ticket(2, **held))
        self.model.confirm()

    @rule(price=st.integers(50, 9_999))
    def edit_the_listing(self, price: int) -> None:
        version = 3 + len(self.heard)
        self.bench.apply(self._ticket(version, offer_version=version, price=price))

    @rule(changed=st.booleans())
    def refuse(self, changed: bool) -> None:
        reason = RejectionReason.PRICE_CHANGED if changed else RejectionReason.TAKEN
        self.bench.apply(
            ReservationRejected(
                ticket_id=self.ticket_id, order_id=self.order_id, reason=reason
            )
        )
        if self.model.status == "created":
            self.model.cancel("price_changed" if changed else "rejected")

    @rule(payment=PAYMENTS, amount=AMOUNTS)
    def authorise(self, payment: str, amount: int) -> None:
        self._pay(PaymentAuthorized, payment, amount)
        self.model.authorise(payment, amount)

    @rule(payment=PAYMENTS, amount=AMOUNTS)
    def capture(self, payment: str, amount: int) -> None:
        taking = self.model.is_taking(payment)
        if taking and amount != 5_500:
            with pytest.raises(WrongAmountCaptured):
                self._pay(PaymentCaptured, payment, amount)
            return
        self._pay(PaymentCaptured, payment, amount)
        if taking:
            self.model.complete()

    @rule(payment=PAYMENTS)
    def fail(self, payment: str) -> None:
        self._pay(PaymentFailed, payment, 5_500)
        if self.model.is_taking(payment):
            self.model.cancel("payment_failed")

    @rule(payment=PAYMENTS)
    def refund(self, payment: str) -> None:
        if self.model.is_taking(payment):
            with pytest.raises(RefundBeforeCapture):
                self._pay(PaymentRefunded, payment, 5_500)
            return
        self._pay(PaymentRefunded, payment, 5_500)
        if (self.model.status, self.model.claimed) == ("complete", payment):
            self.model.cancel("refunded")

    @rule()
    def cancel(self) -> None:
        if self.model.live and not self.model.open:
            with pytest.raises(OrderNotCancellable):
                self.bench.run(self.bench.cancel(self.order_id))
            return
        self.bench.run(self.bench.cancel(self.order_id))
        if self.model.open:
            self.model.cancel("buyer")

    @rule()
    def pass_the_deadline(self) -> None:
        self.bench.run(self.bench.pass_deadline(self.order_id))
        self.model.overdue = True

    @rule()
    def ring_the_timer(self) -> None:
        timer = ExpirationCompleted(order_id=self.order_id, expires_at=now())
        if self.model.open and not self.model.overdue:
            with pytest.raises(TooEarly):
                self.bench.apply(timer)
            return
        self.bench.apply(timer)
        if self.model.open:
            self.model.cancel("expired")

    @rule()
    def sweep(self) -> None:
        self.bench.run(self.bench.sweep())
        if self.model.open and self.model.overdue:
            self.model.cancel("expired")

    @rule()
    def let_another_try(self) -> None:
        outcome = self.bench.run(self.bench.reserve(new_id(), self.ticket_id))
        assert not (self.model.live and isinstance(outcome, Order))

    @invariant()
    def is_as_the_table_says(self) -> None:
        if not self.order_id:
            return
        order, live = self.bench.run(self.bench.look(self.order_id, self.ticket_id))
        model = self.model
        assert (order.status, order.claimed_payment, order.cancel_reason) == (
            model.status, model.claimed, model.reason,
        )  # fmt: skip
        assert order.live_ticket_id == (self.ticket_id if model.live else None)
        assert live <= 1, "I1"
        amounts = (order.price, order.fee, order.total, order.currency)
        assert amounts == (5_000, 500, 5_500, "usd"), "I10"
        self._listen()
        assert [event.subject for event in self.heard] == model.announced
        assert [e.version for e in self.heard] == list(range(1, order.version + 1))
        assert self.heard[-1].status == order.status

    def _listen(self) -> None:
        self.last, events = self.bench.run(self.bench.news_after(self.last))
        self.heard += [
            e for e in events if isinstance(e, OrderState) and e.id == self.order_id
        ]


@pytest.fixture
def bench(
    database_url_factory: DatabaseUrlFactory, migrations: Path
) -> Iterator[Bench]:
    """Lend a database and a loop."""
    bench = Bench(database_url_factory("orders", migrations, Base.metadata))
    yield bench
    bench.close()


@on_sqlite
def test_i01_i06_i10_every_history_of_an_order_keeps_to_the_table(
    bench: Bench,
) -> None:
    # It only calls what it is given, which need not be the class itself.
    machine = cast("type[RuleBasedStateMachine]", lambda: OrderHistory(bench))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=50,
            stateful_step_count=6,
            deadline=None,
            database=None,
            # Histories are short as they are; making them shorter takes minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
