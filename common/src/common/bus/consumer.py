"""Durable pull consumer: fetch a batch, apply it, acknowledge it.

A batch is applied in one transaction. When it fails, its messages are redone one
by one, and each gets its own verdict: acknowledged, tried again later, or parked
in the dead-letter stream. The others flow on meanwhile.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, NamedTuple

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError
from opentelemetry.trace import Span, SpanKind

from common.background import end_if_cancelled
from common.bus.dead_letters import park
from common.bus.decoding import decode
from common.bus.jetstream import JetStream
from common.bus.pulling import pulling
from common.bus.streams import (
    DEAD_LETTERS,
    MAX_ACK_PENDING,
    declare_consumer,
    stream_of,
)
from common.errors import Disposition, TicketingError, verdict_on
from common.events import Event
from common.telemetry import batch_from, logger, metrics, span

log = logger(__name__)

BATCH: Final = 64
MAX_TRIES: Final = 6
FETCH_SECONDS: Final = 2.0
BACKOFF_SECONDS: Final = (0.25, 1.0, 5.0, 15.0, 30.0)

Apply = Callable[[Sequence[Event]], Awaitable[None]]
"""Applies events in one unit of work: all of them, or none and an error."""


class _Delivery(NamedTuple):
    message: Msg
    event: Event


@dataclass(frozen=True)
class Subscription:
    """What one service wants of one stream, under one durable name."""

    durable: str
    subjects: tuple[str, ...]
    apply: Apply

    @property
    def stream(self) -> str:
        """The stream that holds all of ``subjects``."""
        (stream,) = {stream_of(subject) for subject in self.subjects}
        return stream


def subscriptions(
    service: str, subjects: Sequence[str], apply: Apply
) -> list[Subscription]:
    """Return one subscription for each stream in which ``subjects`` lie."""
    streams = sorted({stream_of(subject) for subject in subjects})
    return [
        Subscription(
            durable=f"{service}-{stream.lower()}",
            subjects=tuple(s for s in subjects if stream_of(s) == stream),
            apply=apply,
        )
        for stream in streams
    ]


class Consumer:
    """Runs one subscription for ever."""

    def __init__(
        self,
        bus: JetStream,
        subscription: Subscription,
        *,
        backoff: Sequence[float] = BACKOFF_SECONDS,
    ) -> None:
        """Prepare; ``backoff`` is seconds to wait after each try, the last repeats."""
        self._backoff = backoff
        self._bus = bus
        self._subscription = subscription
        self._durable = subscription.durable
        self._failures: dict[int, int] = {}

    async def run(self) -> None:
        """Consume for ever; a broker or database that is away is waited for."""
        failures = 0
        while True:
            end_if_cancelled()
            try:
                async with pulling(self._bind) as pull:
                    while True:
                        end_if_cancelled()
                        await self._consume_once(pull)
                        failures = 0
            except (nats.errors.Error, OSError) as error:
                failures += 1
                log.warning(
                    "consumer_waiting",
                    consumer=self._durable,
                    reason=str(error) or type(error).__name__,
                )
                await asyncio.sleep(self._delay(failures))

    async def _bind(self) -> JetStreamContext.PullSubscription:
        stream, durable = self._subscription.stream, self._durable
        self._failures.clear()  # A stream that was lost counts from one again.
        await self._bus.declare([stream])
        js = self._bus.context
        await declare_consumer(js, stream, durable, self._subscription.subjects)
        return await js.pull_subscribe_bind(durable, stream)

    async def _consume_once(self, pull: JetStreamContext.PullSubscription) -> None:
        try:
            messages = await pull.fetch(BATCH, timeout=FETCH_SECONDS)
        except TimeoutError:
            self._measure_lag((await pull.consumer_info()).num_pending)
            return
        if messages:
            # Each says how many wait behind it: who never catches up tells that too.
            self._measure_lag(messages[-1].metadata.num_pending)
        with metrics.MESSAGE_DURATION.labels(self._durable).time():
            await self.process(messages)

    async def process(self, messages: Sequence[Msg]) -> None:
        """Handle ``messages`` to their end: each acknowledged, delayed or parked."""
        deliveries = []
        for message in messages:
            try:
                deliveries.append(_Delivery(message, decode(message)))
            except TicketingError as error:
                with _processing(message):
                    await self._give_up_or_retry(message, error)
        if len(deliveries) > 1 and await self._apply_together(deliveries):
            return
        for delivery in deliveries:
            await self._apply_alone(delivery)

    async def _apply_together(self, deliveries: Sequence[_Delivery]) -> bool:
        origins = {d.event.event_id: d.message.headers or {} for d in deliveries}
        try:
            with batch_from(origins):
                await self._subscription.apply([d.event for d in deliveries])
        except Exception as error:  # noqa: BLE001 - each is redone alone and judged
            log.info("batch_redone_singly", consumer=self._durable, reason=repr(error))
            return False
        for delivery in deliveries:
            with _processing(delivery.message):
                await self._applied(delivery)
        return True

    async def _apply_alone(self, delivery: _Delivery) -> None:
        with _processing(delivery.message):
            try:
                await self._subscription.apply([delivery.event])
            except Exception as error:  # noqa: BLE001 - the table of errors judges it
                await self._give_up_or_retry(delivery.message, error)
            else:
                await self._applied(delivery)

    async def _applied(self, delivery: _Delivery) -> None:
        log.info(
            "event_applied",
            consumer=self._durable,
            subject=delivery.message.subject,
            event_id=delivery.event.event_id,
        )
        await self._acknowledge(delivery.message)

    async def _acknowledge(self, message: Msg) -> None:
        """Acknowledge; if that is lost, the inbox absorbs the redelivery."""
        await message.ack()
        self._failures.pop(message.metadata.sequence.stream, None)
        self._count(message, "applied")

    async def _give_up_or_retry(self, message: Msg, error: Exception) -> None:
        tries = message.metadata.num_delivered
        if self._is_hopeless(message, error):
            await self._park(message, error)
            return
        delay = getattr(error, "retry_after", None) or self._delay(tries)
        log.warning(
            "message_delayed",
            consumer=self._durable,
            subject=message.subject,
            stream_sequence=message.metadata.sequence.stream,
            tries=tries,
            delay=round(delay, 3),
            reason=str(error) or type(error).__name__,
            exc_info=None if isinstance(error, TicketingError) else error,
        )
        await message.nak(delay=delay)
        self._count(message, "delayed")

    def _is_hopeless(self, message: Msg, error: Exception) -> bool:
        """Tell whether to give up; only failures of the message's own count.

        Deliveries are no measure of them: an outage adds to those too, and the
        first lost race after it would park the message.
        """
        disposition = verdict_on(error).disposition
        if disposition is not Disposition.RETRY_THEN_PARK:
            return disposition is Disposition.PARK
        sequence = message.metadata.sequence.stream
        failures = self._failures.pop(sequence, 0) + 1
        self._failures[sequence] = failures
        if len(self._failures) > MAX_ACK_PENDING:
            # More cannot be under way: the oldest ended with another replica.
            del self._failures[next(iter(self._failures))]
        return failures >= MAX_TRIES

    async def _park(self, message: Msg, error: Exception) -> None:
        try:
            await park(self._bus.context, message, self._durable, error)
        except NoStreamResponseError:
            # A server without its disk forgot the dead letters; what cannot be
            # parked would otherwise hold up whatever is fetched with it.
            await self._bus.declare([DEAD_LETTERS])
            await park(self._bus.context, message, self._durable, error)
        self._failures.pop(message.metadata.sequence.stream, None)
        self._count(message, "parked")

    def _measure_lag(self, unseen: int | None) -> None:
        metrics.CONSUMER_LAG.labels(self._durable).set(unseen or 0)

    def _count(self, message: Msg, outcome: str) -> None:
        metrics.MESSAGES_CONSUMED.labels(message.subject, self._durable, outcome).inc()

    def _delay(self, tries: int) -> float:
        """Return seconds to wait after ``tries`` tries, with a tenth of jitter."""
        step = self._backoff[min(tries, len(self._backoff)) - 1]
        return step * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, not a secret


def _processing(message: Msg) -> AbstractContextManager[Span]:
    """Return the span of handling ``message``, in the trace that it came with."""
    name = f"process {message.subject}"
    return span(name, SpanKind.CONSUMER, parent=message.headers or {})
