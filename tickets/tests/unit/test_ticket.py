"""The state machine of a listing: each step allowed or refused, and no other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from common.events import RejectionReason, TicketStatus
from tickets.errors import TicketLocked, TicketWithdrawn, UnexpectedSale
from tickets.listing import Listing
from tickets.models import Ticket

MakeTicket = Callable[..., Ticket]
MakeListing = Callable[..., Listing]

LOCKED = (TicketStatus.RESERVED, TicketStatus.SOLD)


@pytest.fixture
def ticket_in(make_ticket: MakeTicket) -> Callable[[TicketStatus], Ticket]:
    """Return a builder of tickets in a state; order-1 holds or has it."""

    def make(status: TicketStatus) -> Ticket:
        ticket = make_ticket()
        ticket.version = 1
        if status is TicketStatus.WITHDRAWN:
            ticket.withdraw()
        if status in LOCKED:
            ticket.hold("order-1")
        if status is TicketStatus.SOLD:
            ticket.sell("order-1")
        return ticket

    return make


def test_a_new_listing_is_available_and_nobodys(make_ticket: MakeTicket) -> None:
    ticket = make_ticket(seller="ann")
    assert ticket.status == TicketStatus.AVAILABLE
    assert ticket.seller_id == "ann"
    assert ticket.order_id is None


def test_an_available_ticket_can_be_edited(
    make_ticket: MakeTicket, make_listing: MakeListing
) -> None:
    ticket = make_ticket(price=5_000)
    ticket.version = 3
    ticket.edit(make_listing(price=6_000, title="Better seats"))
    assert (ticket.price, ticket.title) == (6_000, "Better seats")
    assert ticket.offer_version == 4


def test_the_same_offer_again_is_no_new_offer(make_ticket: MakeTicket) -> None:
    when = datetime(2030, 1, 1, tzinfo=UTC)
    ticket = make_ticket(sale_ends_at=when)
    ticket.version = 3
    same = Listing(title="Concert", price=5_000, currency="usd", sale_ends_at=when)
    ticket.edit(same)
    assert ticket.offer_version == 1


@pytest.mark.parametrize("status", LOCKED)
def test_r06_a_reserved_or_sold_ticket_cannot_be_edited_or_withdrawn(
    ticket_in: Callable[[TicketStatus], Ticket],
    make_listing: MakeListing,
    status: TicketStatus,
) -> None:
    ticket = ticket_in(status)
    with pytest.raises(TicketLocked):
        ticket.edit(make_listing(price=1))
    with pytest.raises(TicketLocked):
        ticket.withdraw()
    assert (ticket.status, ticket.price) == (status, 5_000)


def test_a_withdrawn_ticket_stays_withdrawn(
    ticket_in: Callable[[TicketStatus], Ticket], make_listing: MakeListing
) -> None:
    ticket = ticket_in(TicketStatus.WITHDRAWN)
    ticket.withdraw()
    with pytest.raises(TicketWithdrawn):
        ticket.edit(make_listing())
    with pytest.raises(TicketWithdrawn):
        ticket.hold("order-1")
    assert not ticket.release("order-1", relist=True)
    assert not ticket.release("order-1", relist=False)
    assert ticket.status == TicketStatus.WITHDRAWN


@pytest.mark.parametrize("status", LOCKED)
def test_a_ticket_that_has_an_order_refuses_another(
    ticket_in: Callable[[TicketStatus], Ticket], status: TicketStatus
) -> None:
    ticket = ticket_in(status)
    with pytest.raises(TicketLocked):
        ticket.hold("order-2")
    assert (ticket.status, ticket.order_id) == (status, "order-1")


def test_a_hold_is_released_and_the_ticket_is_on_sale_again(
    ticket_in: Callable[[TicketStatus], Ticket],
) -> None:
    ticket = ticket_in(TicketStatus.RESERVED)
    assert ticket.release("order-1", relist=True)
    assert (ticket.status, ticket.order_id) == (TicketStatus.AVAILABLE, None)


def test_a_refunded_sale_leaves_the_ticket_withdrawn(
    ticket_in: Callable[[TicketStatus], Ticket],
) -> None:
    ticket = ticket_in(TicketStatus.SOLD)
    assert ticket.release("order-1", relist=False)
    assert (ticket.status, ticket.order_id) == (TicketStatus.WITHDRAWN, None)


@pytest.mark.parametrize("relist", [True, False])
@pytest.mark.parametrize("status", LOCKED)
def test_i07_another_orders_release_changes_nothing(
    ticket_in: Callable[[TicketStatus], Ticket], status: TicketStatus, relist: bool
) -> None:
    ticket = ticket_in(status)
    assert not ticket.release("order-2", relist=relist)
    assert (ticket.status, ticket.order_id) == (status, "order-1")


def test_only_the_order_that_holds_it_can_buy_it(
    ticket_in: Callable[[TicketStatus], Ticket],
) -> None:
    ticket = ticket_in(TicketStatus.RESERVED)
    with pytest.raises(UnexpectedSale):
        ticket.sell("order-2")
    assert ticket.sell("order-1")
    assert not ticket.sell("order-1")
    assert ticket.status == TicketStatus.SOLD


@pytest.mark.parametrize("status", [TicketStatus.AVAILABLE, TicketStatus.WITHDRAWN])
def test_i04_nothing_is_sold_without_a_hold(
    ticket_in: Callable[[TicketStatus], Ticket], status: TicketStatus
) -> None:
    with pytest.raises(UnexpectedSale):
        ticket_in(status).sell("order-1")


@pytest.mark.parametrize(
    ("status", "version", "buyer", "reason"),
    [
        (TicketStatus.AVAILABLE, 1, "buyer", None),
        (TicketStatus.AVAILABLE, 2, "buyer", RejectionReason.PRICE_CHANGED),
        (TicketStatus.AVAILABLE, 1, "seller", RejectionReason.OWN_TICKET),
        (TicketStatus.RESERVED, 1, "buyer", RejectionReason.TAKEN),
        (TicketStatus.SOLD, 1, "buyer", RejectionReason.TAKEN),
        (TicketStatus.WITHDRAWN, 1, "buyer", RejectionReason.WITHDRAWN),
    ],
)
def test_an_order_is_refused_for_the_right_reason(
    ticket_in: Callable[[TicketStatus], Ticket],
    status: TicketStatus,
    version: int,
    buyer: str,
    reason: RejectionReason | None,
) -> None:
    assert ticket_in(status).refusal(version=version, buyer_id=buyer) is reason


@pytest.mark.parametrize(
    ("seen", "is_refused"), [(1, True), (2, True), (3, False), (5, False), (6, True)]
)
def test_r05_what_the_buyer_saw_must_be_what_is_offered(
    make_ticket: MakeTicket, seen: int, is_refused: bool
) -> None:
    ticket = make_ticket()
    ticket.version, ticket.offer_version = 5, 3
    refusal = ticket.refusal(version=seen, buyer_id="buyer")
    assert refusal is (RejectionReason.PRICE_CHANGED if is_refused else None)


@dataclass(frozen=True)
class Model:
    """What a listing should be, said a second time and more simply."""

    status: TicketStatus = TicketStatus.AVAILABLE
    order_id: str | None = None
    price: int = 100


OFFER = Listing(
    title="Concert",
    price=100,
    currency="usd",
    sale_ends_at=datetime(2030, 1, 1, tzinfo=UTC),
)
ORDERS = st.sampled_from(["order-1", "order-2", "order-3"])


class TicketMachine(RuleBasedStateMachine):
    """Does anything in any order, and compares the ticket with the model."""

    @initialize()
    def list_it(self) -> None:
        """Start with a listing."""
        self.ticket = Ticket.list_for_sale("seller", OFFER)
        self.ticket.version = 1
        self.model = Model()

    @property
    def is_available(self) -> bool:
        """Whether the model is on sale."""
        return self.model.status is TicketStatus.AVAILABLE

    @rule(price=st.integers(50, 500))
    def edit(self, price: int) -> None:
        """Succeed only while on sale."""
        if not self.is_available:
            with pytest.raises((TicketLocked, TicketWithdrawn)):
                self.ticket.edit(replace(OFFER, price=price))
            return
        self.ticket.edit(replace(OFFER, price=price))
        self.model = replace(self.model, price=price)

    @rule()
    def withdraw(self) -> None:
        """Succeed unless there is an order."""
        if self.model.order_id:
            with pytest.raises(TicketLocked):
                self.ticket.withdraw()
            return
        self.ticket.withdraw()
        self.model = replace(self.model, status=TicketStatus.WITHDRAWN)

    @rule(order=ORDERS)
    def hold(self, order: str) -> None:
        """Succeed only while on sale."""
        if not self.is_available:
            with pytest.raises((TicketLocked, TicketWithdrawn)):
                self.ticket.hold(order)
            return
        self.ticket.hold(order)
        self.model = replace(self.model, status=TicketStatus.RESERVED, order_id=order)

    @rule(order=ORDERS, relist=st.booleans())
    def release(self, order: str, relist: bool) -> None:
        """Free it from the order that has it, and from no other."""
        overtakes = self.is_available and not relist
        expected = self.model.order_id == order or overtakes
        assert self.ticket.release(order, relist=relist) is expected
        if expected:
            status = TicketStatus.AVAILABLE if relist else TicketStatus.WITHDRAWN
            self.model = replace(self.model, status=status, order_id=None)

    @rule(order=ORDERS)
    def sell(self, order: str) -> None:
        """Succeed for the order that holds it."""
        if self.model.order_id != order:
            with pytest.raises(UnexpectedSale):
                self.ticket.sell(order)
            return
        assert self.ticket.sell(order) is (self.model.status is TicketStatus.RESERVED)
        self.model = replace(self.model, status=TicketStatus.SOLD)

    @invariant()
    def is_as_the_model(self) -> None:
        """Compare; an order belongs to a reserved or sold ticket alone."""
        ticket = self.ticket
        assert Model(TicketStatus(ticket.status), ticket.order_id, ticket.price) == (
            self.model
        )
        assert (ticket.order_id is not None) == (ticket.status in LOCKED)


TicketMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None
)
TestTicketMachine = TicketMachine.TestCase
