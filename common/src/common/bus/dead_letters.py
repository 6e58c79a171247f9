"""Messages that cannot be handled: parked with the reason, listed, redriven."""

import json
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from common.bus.message import MESSAGE_ID, SCHEMA_VERSION
from common.bus.streams import DEAD_LETTER_PREFIX, DEAD_LETTERS, stream_exists
from common.telemetry import logger, metrics

log = logger(__name__)

SUBJECT: Final = "Dead-Letter-Subject"
CONSUMER: Final = "Dead-Letter-Consumer"
REASON: Final = "Dead-Letter-Reason"
SEQUENCE: Final = "Dead-Letter-Stream-Sequence"
_REASON_LENGTH: Final = 500


class DeadLetter(NamedTuple):
    """A parked message."""

    sequence: int
    subject: str
    consumer: str
    reason: str
    headers: dict[str, str]
    payload: bytes


async def park(
    js: JetStreamContext, message: Msg, consumer: str, error: Exception
) -> None:
    """Copy ``message`` into the dead-letter stream, then end its deliveries.

    In this order, and the copy acknowledged: a crash between the two parks it
    once more under the same id, which the stream takes for a duplicate.
    """
    reason = str(error) or type(error).__name__
    sequence = message.metadata.sequence.stream
    # What the server keeps of an atomic batch would be taken for a batch again.
    own = (message.headers or {}).items()
    headers = {
        **{name: value for name, value in own if not name.startswith("Nats-")},
        MESSAGE_ID: f"{consumer}:{message.metadata.stream}:{sequence}",
        SUBJECT: message.subject,
        CONSUMER: consumer,
        REASON: json.dumps(reason[:_REASON_LENGTH]),
        SEQUENCE: str(sequence),
    }
    subject = f"{DEAD_LETTER_PREFIX}.{consumer}.{message.subject}"
    await js.publish(subject, message.data, headers=headers)
    await message.term()
    metrics.DEAD_LETTERS.labels(message.subject, consumer).inc()
    log.error(
        "message_parked",
        consumer=consumer,
        subject=message.subject,
        stream_sequence=sequence,
        reason=reason,
        exc_info=error,
    )


async def list_dead_letters(js: JetStreamContext) -> AsyncIterator[DeadLetter]:
    """Yield what is parked, oldest first.

    Declares nothing: who looks does not know how many copies the services keep.
    """
    if not await stream_exists(js, DEAD_LETTERS):
        return
    state = (await js.stream_info(DEAD_LETTERS)).state
    if not state.messages:
        return
    for sequence in range(state.first_seq, state.last_seq + 1):
        try:
            raw = await js.get_msg(DEAD_LETTERS, sequence)
        except NotFoundError:
            continue
        headers = dict(raw.headers or {})
        yield DeadLetter(
            sequence=sequence,
            subject=headers[SUBJECT],
            consumer=headers[CONSUMER],
            reason=json.loads(headers[REASON]),
            headers=headers,
            payload=raw.data or b"",
        )


async def redrive(js: JetStreamContext, letter: DeadLetter) -> None:
    """Publish a parked message again under its own subject, then remove it.

    Everyone who subscribes to the subject gets it; the inbox of those who have
    handled it skips it. The message id is new, or the stream would drop it.
    """
    headers = {
        name: value
        for name, value in letter.headers.items()
        if name in {SCHEMA_VERSION, "traceparent", "tracestate"}
    }
    headers[MESSAGE_ID] = f"redrive:{letter.sequence}:{letter.headers[MESSAGE_ID]}"
    await js.publish(letter.subject, letter.payload, headers=headers)
    await js.delete_msg(DEAD_LETTERS, letter.sequence)
