"""JetStream's atomic batch publishing (NATS 2.12, ADR-50).

The client library has no call for it, so the headers are written here.
"""

import json
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from common.bus.message import OutboxMessage
from common.ids import new_id

_BATCH_ID: Final = "Nats-Batch-Id"
_SEQUENCE: Final = "Nats-Batch-Sequence"
_COMMIT: Final = "Nats-Batch-Commit"


async def publish_atomically(
    client: Client, messages: Sequence[OutboxMessage], *, seconds: float
) -> bool:
    """Publish all of ``messages`` to their one stream, or none of them.

    Args:
        client: a connection.
        messages: at least one and at most 1,000, the server's limit.
        seconds: to wait for the one acknowledgement.

    Returns:
        Whether the server took the batch. It refuses one that contains a message
        id it knows (error 10201).

    Raises:
        nats.errors.Error: no answer came.
    """
    batch_id = new_id()
    *first, last = enumerate(messages, start=1)
    for sequence, message in first:
        headers = {**message.headers, _BATCH_ID: batch_id, _SEQUENCE: str(sequence)}
        await client.publish(message.subject, message.payload.encode(), headers=headers)
    sequence, message = last
    headers = {
        **message.headers,
        _BATCH_ID: batch_id,
        _SEQUENCE: str(sequence),
        _COMMIT: "1",
    }
    answer = await client.request(
        message.subject, message.payload.encode(), headers=headers, timeout=seconds
    )
    return "error" not in json.loads(answer.data)
