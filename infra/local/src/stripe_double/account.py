"""What one running double consists of: its store, its chaos, its memory."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from stripe_double.chaos import Chaos
from stripe_double.deliveries import Deliveries
from stripe_double.errors import JsonObject, resource_missing
from stripe_double.settings import Settings
from stripe_double.store import Store

JOURNAL_LENGTH = 2000


@dataclass
class Endpoint:
    """Where webhooks go; an empty `url` means nowhere."""

    url: str
    secret: str


@dataclass
class JournalEntry:
    """One call of the API, for tests that count calls."""

    operation: str
    path: str
    idempotency_key: str | None
    status: int
    replayed: bool
    fault: str | None


@dataclass
class Account:
    """The one test account of this double."""

    settings: Settings
    store: Store
    endpoint: Endpoint
    base_url: str = ""
    chaos: Chaos = field(default_factory=Chaos)
    journal: deque[JournalEntry] = field(
        default_factory=lambda: deque(maxlen=JOURNAL_LENGTH)
    )
    keys_in_use: set[str] = field(default_factory=set)
    # Set whenever a delivery or settlement may have become due.
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def deliveries(self) -> Deliveries:
        """The queue of webhook deliveries."""
        return Deliveries(self.store)

    def get(self, kind: str, object_id: str, param: str | None = None) -> JsonObject:
        """The object, or Stripe's 404 naming `param`."""
        found = self.store.find(kind, object_id)
        if found is None:
            raise resource_missing(kind, object_id, param or "id")
        return found


def open_account(settings: Settings) -> Account:
    """The account with its store opened; close the store when done."""
    return Account(
        settings=settings,
        store=Store(settings.state_path),
        endpoint=Endpoint(settings.stripe_webhook_url, settings.stripe_webhook_secret),
    )


def shown(stored: JsonObject) -> JsonObject:
    """The object as the API shows it, without what only the double knows."""
    return {name: value for name, value in stored.items() if name[0] != "_"}
