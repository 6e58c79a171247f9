"""What every service and Stripe have on their books, read at one moment.

Read straight from the databases, not through the services: a check must not ask
the code that it checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Row = Mapping[str, Any]
"""One database row by column name."""


class Intent(NamedTuple):
    """A PaymentIntent as Stripe has it. Amounts in minor units."""

    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    received: int
    refunded: int

    @property
    def net(self) -> int:
        """What the buyer has paid in the end."""
        return self.received - self.refunded


class Published(NamedTuple):
    """An event in the outbox of a service."""

    service: str
    subject: str
    body: Mapping[str, Any]
    is_published: bool


class Backlog(NamedTuple):
    """What a durable consumer has still to do."""

    consumer: str
    pending: int
    unacknowledged: int


@dataclass(frozen=True, kw_only=True)
class Books:
    """Everything that the invariants are checked on."""

    tickets: Sequence[Row] = ()
    ticket_copies: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    order_copies: Sequence[Row] = ()
    payments: Sequence[Row] = ()
    ledger: Sequence[Row] = ()
    intents: Sequence[Intent] = ()
    events: Sequence[Published] = ()
    backlogs: Sequence[Backlog] = ()
    dead_letters: int = 0
    logs: Mapping[str, str] = field(default_factory=dict)

    def events_of(self, service: str, aggregate_id: str) -> list[Published]:
        """Return the events about one aggregate, in the order of their versions."""
        found = [
            event
            for event in self.events
            if event.service == service
            and event.body.get("id") == aggregate_id
            and "version" in event.body
        ]
        return sorted(found, key=lambda event: int(event.body["version"]))
