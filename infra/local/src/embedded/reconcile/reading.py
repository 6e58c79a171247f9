"""Reading the books of a running stack."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import text

from common.db import Database
from embedded.reconcile.books import Backlog, Books, Intent, Published, Row

_QUERIES: Final[Mapping[str, Mapping[str, str]]] = {
    "tickets": {"tickets": "SELECT id, version, status, order_id FROM tickets"},
    "orders": {
        "orders": (
            "SELECT id, version, ticket_id, status, claimed_payment, cancel_reason,"
            " price, fee, total, currency FROM orders"
        ),
        "ticket_copies": "SELECT id, version FROM tickets",
    },
    "payments": {
        "payments": "SELECT order_id, status FROM payments",
        "order_copies": "SELECT order_id AS id, version FROM orders",
        "ledger": "SELECT order_id, kind, amount FROM ledger",
    },
}
"""Per service, which field of the books is filled by which query."""

_OUTBOX: Final = "SELECT subject, payload, published_at FROM outbox ORDER BY id"
_STREAMS: Final = ("TICKETS", "ORDERS", "PAYMENTS", "EXPIRATION")
_DEAD_LETTERS: Final = "DEAD_LETTERS"
_PAGE: Final = 100


async def read_books(stack: Mapping[str, Any], *, secret_key: str, logs: Path) -> Books:
    """Read everything.

    Args:
        stack: the content of stack.json.
        secret_key: of Stripe or its double.
        logs: the folder with the services' logs.
    """
    # What depends on others is read first: were it read last, a change between
    # two reads would look like a copy that is ahead of its original.
    fields: dict[str, Any] = {"events": []}
    fields["intents"] = await _read_intents(stack["stripe"], secret_key)
    for service in ("payments", "orders", "tickets"):
        await _read_database(stack["databases"][service], service, fields)
    fields |= await _read_broker(stack["nats"])
    fields["logs"] = await asyncio.to_thread(_read_logs, logs)
    return Books(**fields)


def _read_logs(folder: Path) -> dict[str, str]:
    return {
        path.stem: path.read_text(errors="replace") for path in folder.glob("*.log")
    }


async def _read_database(url: str, service: str, fields: dict[str, Any]) -> None:
    database = Database(url)
    try:
        async with database.reading() as session:
            for name, query in _QUERIES[service].items():
                rows = await session.execute(text(query))
                fields[name] = [dict(row) for row in rows.mappings()]
            outbox = await session.execute(text(_OUTBOX))
            fields["events"] += [
                _published(service, dict(row)) for row in outbox.mappings()
            ]
    finally:
        await database.close()


def _published(service: str, row: Row) -> Published:
    body = json.loads(row["payload"])
    return Published(service, row["subject"], body, row["published_at"] is not None)


async def _read_intents(base: str, secret_key: str) -> list[Intent]:
    headers = {"Authorization": f"Bearer {secret_key}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=10) as client:
        intents = await _read_all(client, "/v1/payment_intents")
        refunds = await _read_all(client, "/v1/refunds")
    refunded: dict[str, int] = {}
    for refund in refunds:
        if refund["status"] == "succeeded":
            intent_id = refund["payment_intent"]
            refunded[intent_id] = refunded.get(intent_id, 0) + refund["amount"]
    return [
        Intent(
            id=one["id"],
            order_id=one["metadata"]["order_id"],
            status=one["status"],
            amount=one["amount"],
            currency=one["currency"],
            received=one["amount_received"],
            refunded=refunded.get(one["id"], 0),
        )
        for one in intents
        if "order_id" in one["metadata"]
    ]


async def _read_all(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    parameters: dict[str, str | int] = {"limit": _PAGE}
    while True:
        answer = await client.get(path, params=parameters)
        answer.raise_for_status()
        page = answer.json()
        found += page["data"]
        if not page["has_more"]:
            return found
        parameters["starting_after"] = found[-1]["id"]


async def _read_broker(url: str) -> dict[str, Any]:
    client = await nats.connect(url, name="reconcile")
    try:
        js = client.jetstream()
        backlogs = [one for name in _STREAMS for one in await _backlogs(js, name)]
        return {"backlogs": backlogs, "dead_letters": await _count(js, _DEAD_LETTERS)}
    finally:
        await client.close()


async def _backlogs(js: JetStreamContext, stream: str) -> list[Backlog]:
    try:
        consumers = await js.consumers_info(stream)
    except NotFoundError:
        return []
    return [
        Backlog(info.name, info.num_pending or 0, info.num_ack_pending or 0)
        for info in consumers
        if info.config.durable_name
    ]


async def _count(js: JetStreamContext, stream: str) -> int:
    try:
        return (await js.stream_info(stream)).state.messages
    except NotFoundError:
        return 0
