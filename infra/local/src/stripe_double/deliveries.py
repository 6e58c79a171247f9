"""The queue of webhook deliveries, kept in the store so that none is lost."""

import time
from dataclasses import dataclass

from stripe_double.ids import random_text
from stripe_double.store import Store

RETRY_CEILING_SECONDS = 60.0
GIVE_UP_AFTER_ATTEMPTS = 60

COLUMNS = (
    "id, event_id, event_type, state, due_at, turn, attempts, last_status, last_error"
)


@dataclass(frozen=True)
class Delivery:
    """One copy of one event on its way.

    State: pending (waits for its time or its retry), held (waits to be
    reordered), delivered, dropped (chaos lost it) or failed (given up).
    `turn`: deliveries that share one are sent one after another.
    """

    id: int
    event_id: str
    event_type: str
    state: str
    due_at: float
    turn: str | None
    attempts: int
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True)
class Attempt:
    """How one try to deliver went."""

    status: int | None
    error: str | None

    @property
    def is_success(self) -> bool:
        """Any 2xx is a success, as for Stripe."""
        return self.status is not None and 200 <= self.status < 300


class Deliveries:
    """Queries and changes of the delivery queue."""

    def __init__(self, store: Store) -> None:
        self._db = store.connection

    def add(self, event_id: str, event_type: str, state: str, due_at: float) -> None:
        """Queue one copy of an event."""
        self._db.execute(
            "INSERT INTO deliveries (event_id, event_type, state, due_at) "
            "VALUES (?, ?, ?, ?)",
            (event_id, event_type, state, due_at),
        )

    def all(self) -> list[Delivery]:
        """Every delivery, oldest first."""
        rows = self._db.execute(f"SELECT {COLUMNS} FROM deliveries ORDER BY id")  # noqa: S608
        return [Delivery(*row) for row in rows]

    def due(self, now: float) -> list[Delivery]:
        """Pending deliveries whose time has come, in order of their time."""
        rows = self._db.execute(
            f"SELECT {COLUMNS} FROM deliveries "  # noqa: S608
            "WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id",
            (now,),
        )
        return [Delivery(*row) for row in rows]

    def next_due(self, busy: set[int]) -> float | None:
        """When the next pending delivery that is not in `busy` is due."""
        rows = self._db.execute(
            "SELECT id, due_at FROM deliveries WHERE state = 'pending' ORDER BY due_at"
        )
        return next((row["due_at"] for row in rows if row["id"] not in busy), None)

    def record(self, delivery: Delivery, attempt: Attempt, first_wait: float) -> None:
        """Write down an attempt; a failed one is due again, later each time."""
        attempts = delivery.attempts + 1
        wait = min(first_wait * 2.0 ** min(attempts - 1, 20), RETRY_CEILING_SECONDS)
        state = "pending"
        if attempt.is_success:
            state = "delivered"
        elif attempts >= GIVE_UP_AFTER_ATTEMPTS:
            state = "failed"
        self._db.execute(
            "UPDATE deliveries SET state = ?, due_at = ?, attempts = ?, "
            "last_status = ?, last_error = ? WHERE id = ?",
            (
                state, time.time() + wait, attempts, attempt.status, attempt.error,
                delivery.id,
            ),
        )  # fmt: skip

    def held(self) -> int:
        """How many wait to be reordered."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM deliveries WHERE state = 'held'"
        ).fetchone()
        return int(row[0])

    def release(self) -> int:
        """Send the held deliveries, newest first, one after another."""
        rows = self._db.execute(
            "SELECT id FROM deliveries WHERE state = 'held' ORDER BY id DESC"
        ).fetchall()
        turn, now = random_text(12), time.time()
        for place, row in enumerate(rows):
            self._db.execute(
                "UPDATE deliveries SET state = 'pending', turn = ?, due_at = ? "
                "WHERE id = ?",
                (turn, now - 1 + place * 1e-6, row["id"]),
            )
        return len(rows)

    def hurry(self) -> int:
        """Make every pending delivery due now, whatever it waits for."""
        changed = self._db.execute(
            "UPDATE deliveries SET due_at = ? WHERE state = 'pending'", (time.time(),)
        )
        return changed.rowcount
