"""What runs in a service beside its HTTP server, started and stopped in order."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from common.background import background
from common.bus import BrokerUnavailable, Consumer, JetStream, Subscription
from common.bus import subscriptions as subscriptions_of
from common.bus.streams import DEAD_LETTERS
from common.db import Database
from common.events import Event
from common.identity import JwksCache, RevocationFeed, Revocations, TokenVerifier
from common.inbox import Handler, Inbox
from common.outbox import RETENTION, OutboxRelay, OutboxStore, SqlOutbox
from common.settings import BusSettings, DatabaseSettings

_JWKS_TIMEOUT_SECONDS: Final = 2.0


@dataclass
class Messaging:
    """One process's part in the event traffic.

    Attributes:
        streams: those it publishes on.
        outbox: where its events wait; None if it keeps none.
        retention: how long published events are kept for replay.
        subscriptions: what it consumes.
        revocations: filled from `users.sessions_revoked`, if given.
    """

    bus: JetStream
    streams: Sequence[str] = ()
    outbox: OutboxStore | None = None
    retention: timedelta = RETENTION
    subscriptions: Sequence[Subscription] = ()
    revocations: Revocations | None = None
    relay: OutboxRelay | None = field(init=False, default=None)
    _feed: RevocationFeed | None = field(init=False, default=None)
    _started: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Make the relay at once: commits may wake it before NATS is up."""
        if self.outbox is not None:
            self.relay = OutboxRelay(self.outbox, self.bus, retention=self.retention)
        if self.revocations is not None:
            self._feed = RevocationFeed(self.bus, self.revocations)

    def wake(self) -> None:
        """Say that the outbox was filled; never blocks."""
        if self.relay is not None:
            self.relay.wake()

    async def ping(self) -> None:
        """Fail until NATS was reached and all revocations are read; for readiness.

        Later outages do not fail it: requests are served from the database and
        events wait in the outbox.

        Raises:
            BrokerUnavailable: not started yet.
        """
        if not self._started:
            raise BrokerUnavailable("not connected yet")
        if self._feed is not None and not self._feed.is_caught_up:
            raise BrokerUnavailable("not told yet which sessions are over")

    async def run(self) -> None:
        """Connect, declare, then relay and consume for ever."""
        await self.bus.connect()
        await self.bus.declare([*self.streams, DEAD_LETTERS])
        async with asyncio.TaskGroup() as tasks:
            if self.relay is not None:
                tasks.create_task(self.relay.run())
            for subscription in self.subscriptions:
                tasks.create_task(Consumer(self.bus, subscription).run())
            if self._feed is not None:
                tasks.create_task(self._feed.run())
            self._started = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run beside the block; disconnect when it ends."""
        try:
            async with background("messaging", self.run()):
                yield
        finally:
            await self.bus.close()


def bus_of(name: str, settings: BusSettings) -> JetStream:
    """Return the connection of the service ``name``, not connected yet."""
    return JetStream(
        settings.nats_url.get_secret_value(),
        name=name,
        replicas=settings.nats_replicas,
    )


@asynccontextmanager
async def sql_service(
    name: str,
    settings: DatabaseSettings,
    handlers: Mapping[type[Event], Handler],
) -> AsyncIterator[dict[str, Any]]:
    """Start what tickets, orders and payments have in common; lend their state.

    The state holds ``database``, ``verifier``, ``messaging`` and ``pings``.
    """
    async with AsyncExitStack() as stack:
        database = Database(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
        )
        stack.push_async_callback(database.close)
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=_JWKS_TIMEOUT_SECONDS)
        )
        revocations = Revocations()
        inbox = Inbox(database, handlers)
        messaging = Messaging(
            bus_of(name, settings),
            streams=[name.upper()],
            outbox=SqlOutbox(database),
            subscriptions=subscriptions_of(name, inbox.subjects, inbox.apply),
            revocations=revocations,
        )
        database.on_outbox_commit(messaging.wake)
        await stack.enter_async_context(messaging.running())
        await stack.enter_async_context(background("inbox", inbox.keep_house()))
        yield {
            "database": database,
            "verifier": TokenVerifier(
                JwksCache(client, settings.jwks_url), revocations
            ),
            "messaging": messaging,
            "pings": {"database": database.ping, "messaging": messaging.ping},
        }
