"""The streams and consumers of the system, declared in code.

Each service creates or updates what it uses when it starts. All limits are in
one place, so that a change of them is a change of this file.
"""

from collections.abc import Sequence
from typing import Final

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError, NotFoundError

DEAD_LETTERS: Final = "DEAD_LETTERS"
DEAD_LETTER_PREFIX: Final = "dead"

ACK_WAIT_SECONDS: Final = 30.0
"""A consumer that is silent for longer is taken for dead; others get its messages."""

MAX_ACK_PENDING: Final = 512
_DAY_SECONDS: Final = 86_400.0
_MAX_AGE_SECONDS: Final = 14 * _DAY_SECONDS
# A process that starts learns from the stream which sessions are over, so that
# keeps a revocation for longer than a token lives (30 days).
_LONGER_MAX_AGE_SECONDS: Final = {"USERS": 31 * _DAY_SECONDS}
_DEAD_MAX_AGE_SECONDS: Final = 90 * _DAY_SECONDS
_MAX_BYTES: Final = 512 * 1024**2
_DUPLICATE_WINDOW_SECONDS: Final = 600.0
_ALREADY_IN_USE: Final = 10058


def stream_of(subject: str) -> str:
    """Return the stream of ``subject``: that of the service which publishes it."""
    return subject.partition(".")[0].upper()


def _stream_config(name: str, replicas: int) -> StreamConfig:
    dead = name == DEAD_LETTERS
    prefix = DEAD_LETTER_PREFIX if dead else name.lower()
    return StreamConfig(
        name=name,
        subjects=[f"{prefix}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=_max_age_seconds(name),
        max_bytes=_MAX_BYTES,
        duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        num_replicas=replicas,
        allow_atomic=True,
        deny_delete=not dead,
        deny_purge=not dead,
    )


def _max_age_seconds(name: str) -> float:
    if name == DEAD_LETTERS:
        return _DEAD_MAX_AGE_SECONDS
    return _LONGER_MAX_AGE_SECONDS.get(name, _MAX_AGE_SECONDS)


async def declare_stream(js: JetStreamContext, name: str, *, replicas: int = 1) -> None:
    """Create the stream ``name``, or bring it to the configuration of this file.

    Raises:
        nats.js.errors.APIError: the server refuses, for instance because a limit
            cannot be changed on a stream that exists.
    """
    config = _stream_config(name, replicas)
    try:
        await js.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _ALREADY_IN_USE:
            raise
        await js.update_stream(config)


async def declare_consumer(
    js: JetStreamContext, stream: str, durable: str, subjects: Sequence[str]
) -> None:
    """Create the durable pull consumer, or bring it to the present configuration.

    The number of deliveries is unlimited on the server: our consumer counts and
    parks, so that no message ends unseen because a process died too often.
    """
    config = ConsumerConfig(
        durable_name=durable,
        filter_subjects=sorted(subjects),
        ack_policy=AckPolicy.EXPLICIT,
        deliver_policy=DeliverPolicy.ALL,
        ack_wait=ACK_WAIT_SECONDS,
        max_ack_pending=MAX_ACK_PENDING,
        max_deliver=-1,
    )
    await js.add_consumer(stream, config)


async def stream_exists(js: JetStreamContext, name: str) -> bool:
    """Tell whether the server has the stream ``name``."""
    try:
        await js.stream_info(name)
    except NotFoundError:
        return False
    return True
