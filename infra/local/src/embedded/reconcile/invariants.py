"""The invariants of the money (I1-I11 and I13), each a function over the books.

Each yields a sentence for every breach. They hold when the system is at rest;
while events are under way `in_flight` says so, and the books are read again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from embedded.reconcile.books import Books, Intent, Row

LIVE: Final = frozenset({"created", "awaiting:payment", "complete"})
PAYABLE: Final = frozenset({"created", "awaiting:payment"})
HOLDING: Final = "requires_capture"
SECRETS: Final = (
    "_secret_", "sk_test_", "sk_live_", "whsec_", "4242424242424242",
    "4000002500003155", "4000000000000002",
)  # fmt: skip
"""What a client secret, a Stripe key and a card number look like."""

_SIGNS: Final = {
    "authorise": 0, "void": 0, "capture": 1, "refund": -1, "refund_failed": 1,
}  # fmt: skip
"""What each kind of ledger entry does to what a buyer has paid."""


class Breach(NamedTuple):
    """One invariant that does not hold."""

    invariant: str
    sentence: str


def i01_one_live_order_per_ticket(books: Books) -> Iterator[str]:
    """Per ticket at most one order is created, awaiting payment or complete."""
    live = Counter(o["ticket_id"] for o in books.orders if o["status"] in LIVE)
    for ticket_id, count in live.items():
        if count > 1:
            yield f"ticket {ticket_id} has {count} live orders"


def i02_net_is_total_or_nothing(books: Books) -> Iterator[str]:
    """What a buyer paid is the total of a complete order, and nothing else.

    By Stripe, and our ledger says the same of every order.
    """
    net = _net_by_order(books)
    yield from _other_in_ledger(books, net)
    for order in books.orders:
        due = order["total"] if order["status"] == "complete" else 0
        claimed = order["status"] in PAYABLE and order["claimed_payment"]
        paid = net[order["id"]]
        if paid != due and not claimed:
            yield f"order {order['id']} is {order['status']}: {paid} paid, {due} due"
    known = {order["id"] for order in books.orders}
    for order_id, amount in net.items():
        if amount and order_id not in known:
            yield f"{amount} was taken for an unknown order {order_id}"


def i03_complete_is_captured_once(books: Books) -> Iterator[str]:
    """A complete order has exactly one captured intent, of its amount.

    And payments has recorded it as captured.
    """
    by_order = _intents_by_order(books)
    status = {payment["order_id"]: payment["status"] for payment in books.payments}
    for order in books.orders:
        if order["status"] != "complete":
            continue
        captured = [i for i in by_order[order["id"]] if i.status == "succeeded"]
        expected = [(order["total"], order["currency"])]
        if [(i.amount, i.currency) for i in captured] != expected:
            yield f"complete order {order['id']} has captures {captured}"
        recorded = status.get(order["id"])
        if recorded != "captured":
            yield f"the payment of complete order {order['id']} is {recorded}"


def i04_ticket_and_order_agree(books: Books) -> Iterator[str]:
    """Sold means that order is complete; reserved means it is alive."""
    orders = {order["id"]: order for order in books.orders}
    tickets = {ticket["id"]: ticket for ticket in books.tickets}
    for ticket in books.tickets:
        order = orders.get(ticket["order_id"])
        status = order["status"] if order else None
        if ticket["status"] == "sold" and status != "complete":
            yield f"ticket {ticket['id']} is sold to an order that is {status}"
        if ticket["status"] == "reserved" and status not in PAYABLE:
            yield f"ticket {ticket['id']} is reserved for an order that is {status}"
    for order in books.orders:
        ticket_row = tickets.get(order["ticket_id"])
        if order["status"] == "complete" and not _is_sold_to(ticket_row, order["id"]):
            yield f"order {order['id']} is complete and its ticket is not sold to it"


def i05_one_intent_per_order(books: Books) -> Iterator[str]:
    """An order has one intent that is not cancelled, at most."""
    for order_id, intents in _intents_by_order(books).items():
        open_ = [intent.id for intent in intents if intent.status != "canceled"]
        if len(open_) > 1:
            yield f"order {order_id} has the intents {', '.join(open_)}"


def i06_ends_are_final(books: Books) -> Iterator[str]:
    """Nothing happens after cancelled; nothing claimed or complete ever expires."""
    for order in books.orders:
        events = books.events_of("orders", order["id"])
        for before, after in pairwise(events):
            if before.body["status"] == "cancelled":
                yield f"order {order['id']} went on after it was cancelled"
            claimed = before.body["claimed_payment"] is not None
            reason = after.body["cancel_reason"]
            if claimed and reason in {"expired", "buyer"}:
                yield f"order {order['id']} was claimed, then ended as {reason}"


def i07_release_matches(books: Books) -> Iterator[str]:
    """A ticket leaves an order only because that order was cancelled."""
    status = {order["id"]: order["status"] for order in books.orders}
    for ticket in books.tickets:
        events = books.events_of("tickets", ticket["id"])
        for before, after in pairwise(events):
            holder = before.body["order_id"]
            left = holder is not None and after.body["order_id"] != holder
            if left and status.get(holder) != "cancelled":
                yield f"ticket {ticket['id']} left the live order {holder}"


def i08_versions_tell_one_story(books: Books) -> Iterator[str]:
    """Each version of an aggregate was announced once, and the last is the row.

    Announcements older than the outbox keeps them are not missed.
    """
    for service, rows in (("tickets", books.tickets), ("orders", books.orders)):
        for row in rows:
            events = books.events_of(service, row["id"])
            versions = [int(event.body["version"]) for event in events]
            first = versions[0] if versions else row["version"] + 1
            if versions != list(range(first, row["version"] + 1)):
                yield f"{service} {row['id']} v{row['version']} announced {versions}"
            elif events and events[-1].body["status"] != row["status"]:
                yield f"{service} {row['id']} is {row['status']}, announced otherwise"


def i09_changes_arrive(books: Books) -> Iterator[str]:
    """Every change was published, and every copy is as new as its original."""
    for event in books.events:
        if not event.is_published:
            yield f"{event.service} has not published a {event.subject}"
    if books.dead_letters:
        yield f"{books.dead_letters} messages lie among the dead letters"
    yield from _stale(books.tickets, books.ticket_copies, "ticket copy in orders")
    yield from _stale(books.orders, books.order_copies, "order copy in payments")


def i10_price_is_fixed(books: Books) -> Iterator[str]:
    """Price, fee, total and currency of an order never change."""
    names = ("price", "fee", "total", "currency")
    for order in books.orders:
        row = tuple(order[name] for name in names)
        for event in books.events_of("orders", order["id"]):
            if tuple(event.body[name] for name in names) != row:
                yield f"order {order['id']} changed its price"
        if order["total"] != order["price"] + order["fee"]:
            yield f"order {order['id']} does not add up"


def i11_no_hold_outlives_its_order(books: Books) -> Iterator[str]:
    """No money is held on a card for a cancelled order."""
    cancelled = {o["id"] for o in books.orders if o["status"] == "cancelled"}
    for intent in books.intents:
        if intent.status == HOLDING and intent.order_id in cancelled:
            yield f"{intent.id} holds {intent.amount} for a cancelled order"


def i13_no_secret_leaks(books: Books) -> Iterator[str]:
    """No card number, client secret or key in an event or a log."""
    for event in books.events:
        text = str(event.body)
        if any(secret in text for secret in SECRETS):
            yield f"a {event.subject} carries a secret"
    for name, text in books.logs.items():
        found = [secret for secret in SECRETS if secret in text]
        if found:
            yield f"the log of {name} contains {', '.join(found)}…"


INVARIANTS: Final[Mapping[str, Callable[[Books], Iterator[str]]]] = {
    "I1": i01_one_live_order_per_ticket,
    "I2": i02_net_is_total_or_nothing,
    "I3": i03_complete_is_captured_once,
    "I4": i04_ticket_and_order_agree,
    "I5": i05_one_intent_per_order,
    "I6": i06_ends_are_final,
    "I7": i07_release_matches,
    "I8": i08_versions_tell_one_story,
    "I9": i09_changes_arrive,
    "I10": i10_price_is_fixed,
    "I11": i11_no_hold_outlives_its_order,
    "I13": i13_no_secret_leaks,
}


def breaches(books: Books) -> list[Breach]:
    """Check every invariant; return what does not hold."""
    return [
        Breach(name, sentence)
        for name, check in INVARIANTS.items()
        for sentence in check(books)
    ]


def in_flight(books: Books) -> list[str]:
    """Say what is still under way: events, or money being taken."""
    moving = [
        f"{backlog.consumer} has {backlog.pending + backlog.unacknowledged} to do"
        for backlog in books.backlogs
        if backlog.pending or backlog.unacknowledged
    ]
    moving += [
        f"order {order['id']} is being captured"
        for order in books.orders
        if order["status"] in PAYABLE and order["claimed_payment"]
    ]
    return moving


def _net_by_order(books: Books) -> defaultdict[str, int]:
    net: defaultdict[str, int] = defaultdict(int)
    for intent in books.intents:
        net[intent.order_id] += intent.net
    return net


def _other_in_ledger(books: Books, net: Mapping[str, int]) -> Iterator[str]:
    recorded: defaultdict[str, int] = defaultdict(int)
    for entry in books.ledger:
        recorded[entry["order_id"]] += entry["amount"] * _SIGNS[entry["kind"]]
    for order_id in sorted(net.keys() | recorded.keys()):
        ours, theirs = recorded[order_id], net.get(order_id, 0)
        if ours != theirs:
            yield f"order {order_id}: {ours} in the ledger, {theirs} at Stripe"


def _intents_by_order(books: Books) -> defaultdict[str, list[Intent]]:
    by_order: defaultdict[str, list[Intent]] = defaultdict(list)
    for intent in books.intents:
        by_order[intent.order_id].append(intent)
    return by_order


def _is_sold_to(ticket: Row | None, order_id: str) -> bool:
    return (
        ticket is not None
        and ticket["status"] == "sold"
        and ticket["order_id"] == order_id
    )


def _stale(originals: Sequence[Row], copies: Sequence[Row], what: str) -> Iterator[str]:
    newest = {row["id"]: row["version"] for row in originals}
    held = {row["id"]: row["version"] for row in copies}
    for identifier, version in newest.items():
        if held.get(identifier) != version:
            yield f"{what} {identifier} is v{held.get(identifier)}, not v{version}"
