"""Each invariant finds its breach in books that are otherwise right."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from embedded.reconcile.books import Backlog, Books, Intent, Published
from embedded.reconcile.invariants import INVARIANTS, breaches, in_flight


def _order(**overrides: object) -> dict[str, Any]:
    return {
        "id": "o1",
        "version": 4,
        "ticket_id": "t1",
        "status": "complete",
        "claimed_payment": "p1",
        "cancel_reason": None,
        "price": 1000,
        "fee": 100,
        "total": 1100,
        "currency": "usd",
        **overrides,
    }


def _ticket(**overrides: object) -> dict[str, Any]:
    return {"id": "t1", "version": 3, "status": "sold", "order_id": "o1", **overrides}


def _intent(**overrides: Any) -> Intent:  # noqa: ANN401 - any field
    right = Intent("pi_1", "o1", "succeeded", 1100, "usd", received=1100, refunded=0)
    return right._replace(**overrides)


def _story(
    service: str, row: dict[str, Any], states: list[dict[str, Any]]
) -> list[Any]:
    return [
        Published(service, f"{service}.news", {**row, **state, "version": n}, True)
        for n, state in enumerate(states, start=1)
    ]


def _ticket_story() -> list[Published]:
    return _story(
        "tickets",
        _ticket(),
        [
            {"status": "available", "order_id": None},
            {"status": "reserved"},
            {"status": "sold"},
        ],
    )


def _order_story() -> list[Published]:
    return _story(
        "orders",
        _order(),
        [
            {"status": "created", "claimed_payment": None},
            {"status": "awaiting:payment", "claimed_payment": None},
            {"status": "awaiting:payment"},
            {"status": "complete"},
        ],
    )


def right_books() -> Books:
    """Return the books after one purchase that went well."""
    return Books(
        tickets=[_ticket()],
        ticket_copies=[{"id": "t1", "version": 3}],
        orders=[_order()],
        order_copies=[{"id": "o1", "version": 4}],
        payments=[{"order_id": "o1", "status": "captured"}],
        ledger=[
            {"order_id": "o1", "kind": "authorise", "amount": 1100},
            {"order_id": "o1", "kind": "capture", "amount": 1100},
        ],
        intents=[_intent()],
        events=[*_ticket_story(), *_order_story()],
        logs={"payments": '{"msg": "payment_state", "status": "captured"}'},
    )


def test_right_books_have_no_breach() -> None:
    assert breaches(right_books()) == []
    assert in_flight(right_books()) == []


def _twice_sold(books: Books) -> Books:
    return replace(books, orders=[*books.orders, _order(id="o2")])


def _charged_for_nothing(books: Books) -> Books:
    cancelled = _order(status="cancelled", cancel_reason="expired")
    return replace(books, orders=[cancelled])


def _captured_twice(books: Books) -> Books:
    return replace(books, intents=[_intent(), _intent(id="pi_2")])


def _wrong_amount(books: Books) -> Books:
    return replace(books, intents=[_intent(amount=1000, received=1100)])


def _not_in_the_ledger(books: Books) -> Books:
    return replace(books, ledger=books.ledger[:1])


def _only_in_the_ledger(books: Books) -> Books:
    more = {"order_id": "o7", "kind": "capture", "amount": 500}
    return replace(books, ledger=[*books.ledger, more])


def _not_recorded_as_captured(books: Books) -> Books:
    return replace(books, payments=[{"order_id": "o1", "status": "authorized"}])


def _sold_to_nobody(books: Books) -> Books:
    return replace(books, tickets=[_ticket(order_id="o9")])


def _reserved_for_the_cancelled(books: Books) -> Books:
    return replace(
        books,
        tickets=[_ticket(status="reserved")],
        orders=[_order(status="cancelled", cancel_reason="buyer")],
    )


def _two_open_intents(books: Books) -> Books:
    other = _intent(id="pi_2", status="requires_action", received=0)
    return replace(books, intents=[_intent(), other])


def _expired_after_the_claim(books: Books) -> Books:
    story = _order_story()
    story[3].body["cancel_reason"] = "expired"  # type: ignore[index]
    return replace(books, events=[*_ticket_story(), *story])


def _alive_after_its_end(books: Books) -> Books:
    story = _order_story()
    story[1].body["status"] = "cancelled"  # type: ignore[index]
    return replace(books, events=[*_ticket_story(), *story])


def _taken_from_a_live_order(books: Books) -> Books:
    story = _ticket_story()
    story[2].body["order_id"] = "o2"  # type: ignore[index]
    return replace(books, events=[*story, *_order_story()])


def _never_announced(books: Books) -> Books:
    return replace(books, events=[*_ticket_story(), *_order_story()[:2]])


def _announced_twice(books: Books) -> Books:
    story = _order_story()
    return replace(books, events=[*_ticket_story(), *story, story[3]])


def _not_published(books: Books) -> Books:
    story = [event._replace(is_published=False) for event in _order_story()]
    return replace(books, events=[*_ticket_story(), *story])


def _stale_copy(books: Books) -> Books:
    return replace(books, order_copies=[{"id": "o1", "version": 3}])


def _lost_copy(books: Books) -> Books:
    return replace(books, ticket_copies=[])


def _dead_letter(books: Books) -> Books:
    return replace(books, dead_letters=1)


def _other_price(books: Books) -> Books:
    story = _order_story()
    story[0].body["total"] = 900  # type: ignore[index]
    return replace(books, events=[*_ticket_story(), *story])


def _hold_outlives_its_order(books: Books) -> Books:
    held = _intent(status="requires_capture", received=0)
    cancelled = _order(status="cancelled", cancel_reason="buyer")
    return replace(books, orders=[cancelled], intents=[held])


def _secret_in_an_event(books: Books) -> Books:
    story = _order_story()
    story[0].body["note"] = "pi_1_secret_abc"  # type: ignore[index]
    return replace(books, events=[*_ticket_story(), *story])


def _card_in_a_log(books: Books) -> Books:
    return replace(books, logs={"client": "4242424242424242"})


@pytest.mark.parametrize(
    ("invariant", "break_"),
    [
        ("I1", _twice_sold),
        ("I2", _charged_for_nothing),
        ("I2", _captured_twice),
        ("I2", _not_in_the_ledger),
        ("I2", _only_in_the_ledger),
        ("I3", _captured_twice),
        ("I3", _not_recorded_as_captured),
        ("I3", _wrong_amount),
        ("I4", _sold_to_nobody),
        ("I4", _reserved_for_the_cancelled),
        ("I5", _captured_twice),
        ("I5", _two_open_intents),
        ("I6", _expired_after_the_claim),
        ("I6", _alive_after_its_end),
        ("I7", _taken_from_a_live_order),
        ("I8", _never_announced),
        ("I8", _announced_twice),
        ("I9", _not_published),
        ("I9", _stale_copy),
        ("I9", _lost_copy),
        ("I9", _dead_letter),
        ("I10", _other_price),
        ("I11", _hold_outlives_its_order),
        ("I13", _secret_in_an_event),
        ("I13", _card_in_a_log),
    ],
)
def test_a_breach_is_found(invariant: str, break_: Callable[[Books], Books]) -> None:
    found = {breach.invariant for breach in breaches(break_(right_books()))}

    assert invariant in found


def test_every_invariant_of_the_rules_is_checked() -> None:
    checked = set(INVARIANTS)

    # I12 is about payouts, which do not exist yet.
    assert checked == {f"I{n}" for n in range(1, 14)} - {"I12"}


def test_what_is_under_way_is_no_breach_yet() -> None:
    claimed = _order(status="awaiting:payment")
    books = replace(
        right_books(), orders=[claimed], backlogs=[Backlog("orders-payments", 1, 2)]
    )

    assert in_flight(books) == [
        "orders-payments has 3 to do",
        "order o1 is being captured",
    ]
