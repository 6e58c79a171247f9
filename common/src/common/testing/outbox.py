"""Reading what a service has decided to publish."""

from sqlalchemy import select

from common.db import Database
from common.db.messaging_tables import outbox
from common.events import EVENT_TYPES, Event


async def published(database: Database) -> list[Event]:
    """Return all events in the outbox, oldest first."""
    async with database.reading() as session:
        rows = await session.execute(
            select(outbox.c.subject, outbox.c.payload).order_by(outbox.c.id)
        )
        return [
            EVENT_TYPES[row.subject].model_validate_json(row.payload) for row in rows
        ]
