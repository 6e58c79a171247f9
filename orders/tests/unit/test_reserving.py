"""Who is refused at a glance, and what an order keeps of its ticket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import money
from common.errors import TicketingError
from common.events import OrderedTicket, TicketStatus
from orders.errors import (
    AlreadyYours,
    OwnTicket,
    PriceChanged,
    SaleClosed,
    TicketCatchingUp,
    TicketNotFound,
    TicketNotOnSale,
    TicketTaken,
)
from orders.models import Order, Ticket
from orders.reserving import ReserveRequest, SaleRules, _View

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


def _ticket(**overrides: Any) -> Ticket:  # noqa: ANN401 - any column
    fields = {
        "id": "ticket", "version": 7, "offer_version": 4, "seller_id": "seller",
        "title": "Concert", "price": 5_005, "currency": "usd",
        "status": TicketStatus.AVAILABLE,
    }  # fmt: skip
    return Ticket(**{**fields, **overrides})


def _view(
    ticket: Ticket | None = None,
    holder: str | None = None,
    closes_before: timedelta = timedelta(0),
) -> _View:
    live = {"ticket": Order(id="order", buyer_id=holder)} if holder else {}
    return _View(
        now=NOON,
        rules=SaleRules(window=WINDOW, closes_before=closes_before),
        tickets={"ticket": ticket} if ticket else {},
        live=live,
    )


def _request(**overrides: Any) -> ReserveRequest:  # noqa: ANN401 - any field
    return ReserveRequest(**{"buyer_id": "buyer", "ticket_id": "ticket", **overrides})


def _refusal(view: _View, **request: object) -> type[TicketingError] | None:
    refused = view.refusal(_request(**request))
    return type(refused) if refused else None


def test_an_available_ticket_is_not_refused() -> None:
    assert _refusal(_view(_ticket())) is None


def test_an_unknown_ticket_is_not_found() -> None:
    assert _refusal(_view()) is TicketNotFound


def test_r03_the_seller_is_refused_before_anything_else() -> None:
    view = _view(_ticket(status=TicketStatus.WITHDRAWN), holder="other")
    assert _refusal(view, buyer_id="seller") is OwnTicket


def test_r02_the_holder_hears_that_it_is_his() -> None:
    refused = _view(_ticket(status=TicketStatus.SOLD), "buyer").refusal(_request())
    assert isinstance(refused, AlreadyYours)
    assert refused.extras == {"order_id": "order"}


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (TicketStatus.RESERVED, TicketTaken),
        (TicketStatus.SOLD, TicketTaken),
        (TicketStatus.WITHDRAWN, TicketNotOnSale),
    ],
)
def test_what_is_not_available_is_refused(
    status: TicketStatus, refusal: type[TicketingError]
) -> None:
    assert _refusal(_view(_ticket(status=status))) is refusal


def test_a_live_order_of_another_takes_the_ticket() -> None:
    assert _refusal(_view(_ticket(), holder="other")) is TicketTaken


@pytest.mark.parametrize(
    ("starts_in", "closes_before", "refusal"),
    [
        (timedelta(microseconds=1), timedelta(0), None),
        (timedelta(0), timedelta(0), SaleClosed),
        (timedelta(hours=1), timedelta(hours=1), SaleClosed),
        (timedelta(hours=1, microseconds=1), timedelta(hours=1), None),
    ],
)
def test_r11_the_sale_closes_on_the_instant(
    starts_in: timedelta,
    closes_before: timedelta,
    refusal: type[TicketingError] | None,
) -> None:
    ticket = _ticket(starts_at=NOON + starts_in)
    assert _refusal(_view(ticket, closes_before=closes_before)) is refusal


@pytest.mark.parametrize(
    ("seen", "refusal"),
    [
        (None, None),
        (3, PriceChanged),
        (4, None),
        (6, None),
        (7, None),
        (8, TicketCatchingUp),
    ],
)
def test_r04_r05_the_version_seen_must_show_the_present_offer(
    seen: int | None, refusal: type[TicketingError] | None
) -> None:
    assert _refusal(_view(_ticket()), ticket_version=seen) is refusal


def test_r04_the_refusal_says_what_the_offer_is_now() -> None:
    refused = _view(_ticket()).refusal(_request(ticket_version=1))
    assert isinstance(refused, PriceChanged)
    assert refused.detail == "The offer has changed; it is now $55.06"
    offer = refused.extras["ticket"]
    assert offer == {
        "id": "ticket", "version": 7, "title": "Concert", "price": 5_005,
        "fee": 501, "total": 5_506, "currency": "usd",
    }  # fmt: skip


def test_i10_price_and_fee_are_fixed_when_the_order_is_made() -> None:
    order = _view(_ticket()).make_order(_request())
    assert (order.price, order.fee, order.total) == (5_005, 501, 5_506)
    assert order.total == money.total(order.price)
    assert order.currency == "usd"


def test_the_order_holds_its_ticket_as_it_was() -> None:
    ticket = _ticket(seat="12", city="Vienna", starts_at=NOON + timedelta(days=1))
    order = _view(ticket).make_order(_request(idempotency_key="k"))
    assert (order.live_ticket_id, order.ticket_id) == ("ticket", "ticket")
    assert (order.status, order.version) == ("created", 1)
    assert (order.buyer_id, order.idempotency_key) == ("buyer", "k")
    assert order.ticket == OrderedTicket(
        id="ticket", version=7, seller_id="seller", title="Concert", seat="12",
        city="Vienna", starts_at=NOON + timedelta(days=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("starts_in", "deadline_in"),
    [
        (None, WINDOW),
        (timedelta(days=1), WINDOW),
        (timedelta(minutes=10), timedelta(minutes=5)),
        (timedelta(minutes=20), WINDOW),
    ],
)
def test_r11_the_deadline_is_cut_to_the_end_of_the_sale(
    starts_in: timedelta | None, deadline_in: timedelta
) -> None:
    ticket = _ticket(starts_at=NOON + starts_in if starts_in else None)
    view = _view(ticket, closes_before=timedelta(minutes=5))
    assert view.make_order(_request()).expires_at == NOON + deadline_in


def test_a_fingerprint_is_of_what_was_asked_for() -> None:
    same = _request(idempotency_key="a").fingerprint
    assert _request(idempotency_key="b").fingerprint == same
    assert _request(ticket_version=1).fingerprint != same
    assert _request(ticket_id="other").fingerprint != same
