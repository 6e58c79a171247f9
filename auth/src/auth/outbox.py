"""The outbox of a service whose database is MongoDB."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from auth.mongo import Document, Mongo, MongoSession, unavailable_when_away
from common.clock import now
from common.events import Event
from common.ids import new_id
from common.outbox import Backlog, Claim, OutboxMessage

LEASE: Final = timedelta(seconds=30)
"""A relay that died with events in its hands keeps them from others this long."""


class MongoOutbox:
    """The collection `outbox`, as use cases fill it and the relay empties it."""

    def __init__(self, mongo: Mongo) -> None:
        self._outbox = mongo.database["outbox"]

    async def create_indexes(self) -> None:
        """Create what is missing; does nothing the second time."""
        await self._outbox.create_index(
            [("published_at", 1), ("_id", 1)], name="unpublished_first"
        )

    async def add(self, event: Event, session: MongoSession) -> None:
        """Store ``event`` in the transaction of ``session``; the relay sends it."""
        message = OutboxMessage.from_event(event)
        await self._outbox.insert_one(
            {
                "_id": message.event_id,
                "subject": message.subject,
                "headers": json.dumps(message.headers),
                "payload": message.payload,
                "created_at": now(),
                "published_at": None,
                "lease": None,
                "leased_until": None,
            },
            session=session,
        )

    @asynccontextmanager
    async def claim(self, limit: int) -> AsyncIterator[Claim]:
        """Lend the oldest unpublished events; mark those that were published.

        MongoDB has no row locks to hold meanwhile: the events are leased, and
        the relays of other replicas pass over them. Should a lease run out under
        a slow relay, an event goes twice with one message id, which is harmless.
        """
        lease = new_id()
        with unavailable_when_away():
            claim = await self._lease(lease, limit)
        try:
            yield claim
        finally:
            with unavailable_when_away():
                await self._settle(lease, claim)

    async def backlog(self) -> Backlog:
        """Count what is not published yet and find its oldest."""
        with unavailable_when_away():
            pending = await self._outbox.count_documents({"published_at": None})
            oldest = await self._outbox.find_one(
                {"published_at": None}, sort=[("_id", 1)]
            )
        return Backlog(pending, oldest["created_at"] if oldest else None)

    async def prune(self, before: datetime) -> int:
        """Delete events published before ``before``; returns how many."""
        with unavailable_when_away():
            done = await self._outbox.delete_many({"published_at": {"$lt": before}})
        return done.deleted_count

    async def replay(self, since: datetime) -> int:
        """Mark what was published at or after ``since`` as unpublished again.

        Returns the number of events that the relay will send.
        """
        with unavailable_when_away():
            done = await self._outbox.update_many(
                {"published_at": {"$gte": since}}, {"$set": {"published_at": None}}
            )
        return done.modified_count

    async def _lease(self, lease: str, limit: int) -> Claim:
        free = {
            "published_at": None,
            "$or": [{"leased_until": None}, {"leased_until": {"$lte": now()}}],
        }
        oldest = self._outbox.find(free, {"_id": 1}).sort("_id", 1).limit(limit)
        ids = [one["_id"] for one in await oldest.to_list(limit)]
        if not ids:
            return Claim([])
        await self._outbox.update_many(
            {"_id": {"$in": ids}, **free},
            {"$set": {"lease": lease, "leased_until": now() + LEASE}},
        )
        leased = self._outbox.find({"lease": lease}).sort("_id", 1)
        return Claim([_message(one) for one in await leased.to_list(limit)])

    async def _settle(self, lease: str, claim: Claim) -> None:
        if not claim.messages:
            return
        released = {"lease": None, "leased_until": None}
        await self._outbox.update_many(
            {"_id": {"$in": claim.published}},
            {"$set": {"published_at": now(), **released}},
        )
        if len(claim.published) < len(claim.messages):
            await self._outbox.update_many({"lease": lease}, {"$set": released})


def _message(document: Document) -> OutboxMessage:
    return OutboxMessage(
        document["_id"],
        document["subject"],
        json.loads(document["headers"]),
        document["payload"],
    )
