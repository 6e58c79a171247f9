"""The connection to NATS JetStream, and publishing on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError

from common.bus.batch import publish_atomically
from common.bus.message import OutboxMessage
from common.bus.streams import declare_stream, stream_of
from common.errors import Unavailable
from common.telemetry import logger, metrics

log = logger(__name__)

PUBLISH_TIMEOUT_SECONDS: Final = 5.0
_FLUSH_SECONDS: Final = 1


class BrokerUnavailable(Unavailable):
    """NATS is away, or did not acknowledge in time."""

    slug = "broker_unavailable"


class JetStream:
    """One connection that reconnects for ever; starts while NATS is still down."""

    def __init__(self, url: str, *, name: str, replicas: int = 1) -> None:
        """Prepare; `connect` connects.

        Args:
            url: servers of one cluster, separated by commas.
            name: of the service; shown by the server's monitoring.
            replicas: copies of each stream, 3 on a cluster of three.
        """
        self._url = url
        self._name = name
        self._replicas = replicas
        self._client = Client()
        self._is_closing = False

    @property
    def is_connected(self) -> bool:
        """Whether the connection is up at this moment."""
        return bool(self._client.is_connected)

    @property
    def context(self) -> JetStreamContext:
        """The JetStream API of the connection."""
        return self._client.jetstream(timeout=PUBLISH_TIMEOUT_SECONDS)

    async def connect(self) -> None:
        """Connect, waiting for as long as the server needs to appear."""
        await self._client.connect(
            servers=self._url.split(","),
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            ping_interval=20,
            max_outstanding_pings=3,
            inbox_prefix=f"_INBOX_{self._name}".encode(),
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
        )
        log.info("nats_connected", name=self._name)

    async def declare(self, streams: Sequence[str]) -> None:
        """Create or update ``streams``, trying until the server lets us.

        A server that is still recovering answers late or not at all.
        """
        for stream in streams:
            while True:
                try:
                    await declare_stream(self.context, stream, replicas=self._replicas)
                    break
                except (nats.errors.Error, OSError) as error:
                    log.warning("stream_not_declared", stream=stream, reason=str(error))
                    await asyncio.sleep(0.5)

    async def publish(self, messages: Sequence[OutboxMessage]) -> list[str]:
        """Publish in order; return the ids of what the server has on disk.

        Several messages go as one atomic batch: one flush to disk for all. The
        server refuses a batch in which it knows one message already; then each
        goes by itself and the known one is acknowledged as a duplicate.

        Raises:
            BrokerUnavailable: the server acknowledged none of them.
        """
        if not self._client.is_connected:
            raise BrokerUnavailable("NATS is not connected")
        published: list[str] = []
        if len(messages) > 1 and await self._publish_batch(messages):
            published = [message.event_id for message in messages]
        else:
            published = await self._publish_singly(messages)
        if messages and not published:
            raise BrokerUnavailable("NATS acknowledged nothing")
        acknowledged = set(published)
        for message in messages:
            if message.event_id in acknowledged:
                metrics.MESSAGES_SENT.labels(message.subject).inc()
        return published

    async def _publish_batch(self, messages: Sequence[OutboxMessage]) -> bool:
        try:
            return await publish_atomically(
                self._client, messages, seconds=PUBLISH_TIMEOUT_SECONDS
            )
        except (nats.errors.Error, OSError) as error:
            log.warning("batch_not_acknowledged", size=len(messages), reason=str(error))
            return False

    async def _publish_singly(self, messages: Sequence[OutboxMessage]) -> list[str]:
        js = self.context
        answers = await asyncio.gather(
            *(
                js.publish(m.subject, m.payload.encode(), headers=m.headers)
                for m in messages
            ),
            return_exceptions=True,
        )
        published, failures = [], []
        for message, answer in zip(messages, answers, strict=True):
            if not isinstance(answer, BaseException):
                published.append(message.event_id)
            elif isinstance(answer, nats.errors.Error | OSError):
                failures.append(answer)
            else:
                raise answer
        if failures:
            await self._after_failures(messages, failures)
        return published

    async def _after_failures(
        self, messages: Sequence[OutboxMessage], failures: Sequence[Exception]
    ) -> None:
        """Say what went wrong; declare anew what a server without its disk forgot."""
        log.warning(
            "events_not_acknowledged",
            failed=len(failures),
            size=len(messages),
            reason=str(failures[0]) or type(failures[0]).__name__,
        )
        if not any(isinstance(one, NoStreamResponseError) for one in failures):
            return
        for stream in {stream_of(message.subject) for message in messages}:
            try:
                await declare_stream(self.context, stream, replicas=self._replicas)
            except (nats.errors.Error, OSError) as error:
                log.warning("stream_not_declared", stream=stream, reason=str(error))

    async def close(self) -> None:
        """Send what is buffered, within a second, and disconnect.

        Not ``drain()``: that waits until every message a pull subscription was given
        is marked as done, which nats-py's ``fetch`` does not do for those it found
        waiting, so it would run out of its time at every stop.
        """
        if self._client.is_closed:
            return
        self._is_closing = True
        if self._client.is_connected:
            try:
                await self._client.flush(_FLUSH_SECONDS)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                log.info("nats_closed_without_flush", reason=type(error).__name__)
        # The library asserts that there was a connection; NATS may never have come.
        with suppress(AssertionError):
            await self._client.close()

    async def _on_error(self, error: Exception) -> None:
        log.debug("nats_error", reason=str(error) or type(error).__name__)

    async def _on_disconnected(self) -> None:
        if not self._is_closing:
            log.warning("nats_disconnected", name=self._name)

    async def _on_reconnected(self) -> None:
        log.info("nats_reconnected", name=self._name)


@asynccontextmanager
async def connected(
    url: str, *, name: str, streams: Sequence[str] = (), replicas: int = 1
) -> AsyncIterator[JetStream]:
    """Lend a connected JetStream with ``streams`` declared; close it after."""
    bus = JetStream(url, name=name, replicas=replicas)
    try:
        await bus.connect()
        await bus.declare(streams)
        yield bus
    finally:
        await bus.close()
