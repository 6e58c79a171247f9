"""Sessions that ended before their tokens expire.

Every process that verifies tokens reads `users.sessions_revoked` for itself, from
as far back as a token can live, and keeps what it read in memory.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from common.background import end_if_cancelled
from common.bus import JetStream, stream_of
from common.bus.decoding import decode
from common.bus.pulling import pulling
from common.clock import now
from common.errors import TicketingError
from common.events import SessionsRevoked
from common.identity.session import Session
from common.telemetry import logger

log = logger(__name__)

TOKEN_LIFETIME: Final = timedelta(days=30)
"""The longest a token may live; a revocation is not needed after that."""

_FETCH_SECONDS: Final = 2.0
_BATCH: Final = 256
_INACTIVE_SECONDS: Final = 300.0


class Revocations:
    """Which sessions are over."""

    def __init__(self) -> None:
        self._users: dict[str, datetime] = {}
        self._sessions: dict[str, datetime] = {}

    def add(self, event: SessionsRevoked) -> None:
        """Remember a revocation; the order in which they come does not matter."""
        known, name = (
            (self._sessions, event.session_id)
            if event.session_id
            else (self._users, event.id)
        )
        known[name] = max(event.not_before, known.get(name, event.not_before))

    def is_revoked(self, session: Session) -> bool:
        """Tell whether ``session`` ended before its token expires."""
        everywhere = self._users.get(session.user_id)
        if everywhere is not None and session.issued_at < everywhere:
            return True
        return session.session_id in self._sessions

    def forget(self, before: datetime) -> None:
        """Drop revocations of tokens that have expired by themselves."""
        self._users = {k: v for k, v in self._users.items() if v >= before}
        self._sessions = {k: v for k, v in self._sessions.items() if v >= before}


class RevocationFeed:
    """Keeps `Revocations` up to date from the stream.

    ``is_caught_up`` once it has read all that there was.
    """

    def __init__(self, bus: JetStream, revocations: Revocations) -> None:
        self._bus = bus
        self._revocations = revocations
        self.is_caught_up = False

    async def run(self) -> None:
        """Read for ever; start over when the broker forgot who we are."""
        while True:
            end_if_cancelled()
            try:
                await self._follow()
            except (nats.errors.Error, OSError) as error:
                log.warning(
                    "revocation_feed_waiting",
                    reason=str(error) or type(error).__name__,
                )
                await asyncio.sleep(1)

    async def _follow(self) -> None:
        """Read until something is missing; whoever starts over reads everything.

        Nothing is acknowledged, so the server sends nothing twice: what a breaking
        connection swallowed shows only as a gap in the consumer's own numbers.
        """
        count = 0
        async with pulling(self._bind) as pull:
            while True:
                messages = await self._fetch(pull)
                for message in messages:
                    self._read(message)
                    self.is_caught_up |= not message.metadata.num_pending
                numbers = [m.metadata.sequence.consumer for m in messages]
                first, count = count + 1, count + len(messages)
                is_whole = numbers == list(range(first, count + 1))
                if not messages:
                    is_whole = await _delivered(pull) == count
                if not is_whole:
                    log.warning("revocations_missed", read=count)
                    return

    async def _fetch(self, pull: JetStreamContext.PullSubscription) -> list[Msg]:
        try:
            return await pull.fetch(_BATCH, timeout=_FETCH_SECONDS)
        except TimeoutError:
            self._revocations.forget(now() - TOKEN_LIFETIME)
            return []

    def _read(self, message: Msg) -> None:
        try:
            event = decode(message)
        except TicketingError:
            log.exception("revocation_unreadable")
            return
        if isinstance(event, SessionsRevoked):
            self._revocations.add(event)

    async def _bind(self) -> JetStreamContext.PullSubscription:
        stream = stream_of(SessionsRevoked.subject)
        await self._bus.declare([stream])
        js = self._bus.context
        since = now() - TOKEN_LIFETIME
        info = await js.add_consumer(
            stream,
            ConsumerConfig(
                filter_subject=SessionsRevoked.subject,
                ack_policy=AckPolicy.NONE,
                deliver_policy=DeliverPolicy.BY_START_TIME,
                opt_start_time=since.isoformat().replace("+00:00", "Z"),  # type: ignore[arg-type]
                inactive_threshold=_INACTIVE_SECONDS,
                mem_storage=True,
            ),
        )
        self.is_caught_up |= not info.num_pending
        return await js.pull_subscribe_bind(info.name, stream)


async def _delivered(pull: JetStreamContext.PullSubscription) -> int:
    """Return how many messages the server believes to have delivered."""
    delivered = (await pull.consumer_info()).delivered
    return delivered.consumer_seq if delivered else 0
