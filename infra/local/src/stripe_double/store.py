"""Where the double keeps its objects: SQLite, in memory or in a file.

Every call is synchronous and every operation is one transaction, so a process
killed at any moment leaves either all of an operation or nothing of it.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stripe_double.errors import JsonObject

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, created, seq);
CREATE INDEX IF NOT EXISTS objects_intent
    ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_settle
    ON objects (json_extract(body, '$._settle_at'))
    WHERE json_extract(body, '$._settle_at') IS NOT NULL;
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at REAL NOT NULL,
    turn TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at);
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Page:
    """Which objects a list call asks for; times are whole seconds."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created: tuple[tuple[str, int], ...] = ()
    matching: tuple[tuple[str, str], ...] = ()


COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}


class Store:
    """Objects by id, idempotency keys and deliveries."""

    def __init__(self, path: Path | None) -> None:
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; transactions do not nest."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def put(self, body: JsonObject) -> None:
        """Insert or replace an object; its kind is its `object` field."""
        self.connection.execute(
            "INSERT INTO objects (id, kind, created, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (body["id"], body["object"], body["created"], json.dumps(body)),
        )

    def find(self, kind: str, object_id: str) -> JsonObject | None:
        """The object of that kind and id, or None."""
        row = self.connection.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (object_id, kind)
        ).fetchone()
        return None if row is None else _loaded(row)

    def find_where(self, kind: str, field: str, value: str) -> JsonObject | None:
        """The newest object whose top-level `field` has that value, or None."""
        page = Page(limit=1, matching=((field, value),))
        found, _ = self.page(kind, page)
        return found[0] if found else None

    def page(self, kind: str, page: Page) -> tuple[list[JsonObject], bool]:
        """Newest first, and whether there are more."""
        clauses = ["kind = ?"]
        arguments: list[str | int] = [kind]
        for comparison, moment in page.created:
            clauses.append(f"created {COMPARISONS[comparison]} ?")
            arguments.append(moment)
        for field, value in page.matching:
            clauses.append("json_extract(body, '$.' || ?) = ?")
            arguments += [field, value]
        for cursor, sign in ((page.starting_after, "<"), (page.ending_before, ">")):
            if cursor is not None:
                clauses.append(f"seq {sign} (SELECT seq FROM objects WHERE id = ?)")  # noqa: S608
                arguments.append(cursor)
        direction = "ASC" if page.ending_before else "DESC"
        query = (
            f"SELECT body FROM objects WHERE {' AND '.join(clauses)} "  # noqa: S608
            f"ORDER BY seq {direction} LIMIT ?"
        )
        rows = self.connection.execute(query, [*arguments, page.limit + 1]).fetchall()
        found = [_loaded(row) for row in rows[: page.limit]]
        return (found[::-1] if page.ending_before else found), len(rows) > page.limit

    def due_settlements(self, now: float) -> list[JsonObject]:
        """Refunds whose later outcome is due."""
        rows = self.connection.execute(
            "SELECT body FROM objects "
            "WHERE json_extract(body, '$._settle_at') IS NOT NULL "
            "AND json_extract(body, '$._settle_at') <= ? ORDER BY seq",
            (now,),
        ).fetchall()
        return [_loaded(row) for row in rows]

    def next_settlement(self) -> float | None:
        """When the next refund settles, in seconds since the epoch, or None."""
        row = self.connection.execute(
            "SELECT MIN(json_extract(body, '$._settle_at')) AS due FROM objects "
            "WHERE json_extract(body, '$._settle_at') IS NOT NULL"
        ).fetchone()
        due: float | None = row["due"]
        return due

    def find_key(self, key: str) -> sqlite3.Row | None:
        """The stored answer of an idempotency key, or None."""
        row: sqlite3.Row | None = self.connection.execute(
            "SELECT fingerprint, status, body FROM idempotency_keys WHERE key = ?",
            (key,),
        ).fetchone()
        return row

    def save_key(self, key: str, fingerprint: str, status: int, body: str) -> None:
        """Remember the first answer of a key for good."""
        self.connection.execute(
            "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?)",
            (key, fingerprint, status, body),
        )

    def clear(self) -> None:
        """Forget everything."""
        for table in ("objects", "deliveries", "idempotency_keys"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608


def _loaded(row: sqlite3.Row) -> JsonObject:
    body: JsonObject = json.loads(row["body"])
    return body
