"""What expiration does with the events of orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from common.events import Event, OrderCancelled, OrderCreated
from expiration.deadlines import Deadline, Deadlines
from expiration.worker import Alarms

SUBJECTS: Final = (OrderCreated.subject, OrderCancelled.subject)


@dataclass
class OrderEvents:
    """Applies events to Redis. No inbox: all of it may be done again (I8)."""

    deadlines: Deadlines
    alarms: Alarms

    async def apply(self, events: Sequence[Event]) -> None:
        """Keep the deadlines of created orders and drop those of cancelled ones.

        The deadline is stored before its alarm is set, so that an alarm always
        finds it; the events are acknowledged after both.

        Raises:
            RedisUnavailable: Redis is away; the events are to come again.
        """
        created = [_deadline(e) for e in events if isinstance(e, OrderCreated)]
        cancelled = [_deadline(e) for e in events if isinstance(e, OrderCancelled)]
        await self.deadlines.store(created, cancelled)
        await self.alarms.set_for(created)


def _deadline(event: OrderCreated | OrderCancelled) -> Deadline:
    return Deadline(event.id, event.expires_at)
