"""The deadlines still to come, in Redis: every query on them.

Both keys are sorted sets scored by the deadline in epoch milliseconds. A member
names an order *and* its exact deadline: what is removed is therefore exactly what
was read, though the order may have got another deadline in between.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from arq import ArqRedis
from redis.exceptions import RedisError

from common.clock import now
from common.errors import Unavailable

DEADLINES: Final = "expiration:deadlines"
CANCELLED: Final = "expiration:cancelled"
CANCELLED_KEPT: Final = timedelta(hours=1)
"""How long after its deadline a cancelled order is remembered."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class RedisUnavailable(Unavailable):
    """Redis is away, or refuses to write."""

    slug = "redis_unavailable"


def to_milliseconds(instant: datetime) -> int:
    """Return ``instant`` in epoch milliseconds, rounded up: never too early."""
    return -((_EPOCH - instant) // _MILLISECOND)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an order expires, unless it is paid or cancelled before."""

    order_id: str
    expires_at: datetime

    def __post_init__(self) -> None:
        if self.expires_at.utcoffset() is None:
            raise ValueError("a deadline without a time zone is no instant")

    @property
    def member(self) -> str:
        """The text under which Redis holds this deadline."""
        return f"{self.order_id} {self.expires_at.astimezone(UTC).isoformat()}"

    @classmethod
    def from_member(cls, member: bytes) -> Self:
        order_id, _, expires_at = member.decode().rpartition(" ")
        return cls(order_id, datetime.fromisoformat(expires_at))


class Deadlines:
    """The sorted sets. Every method raises RedisUnavailable when Redis is away."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def store(
        self, scheduled: Sequence[Deadline], cancelled: Sequence[Deadline]
    ) -> None:
        """Add and remove deadlines, all of them or none.

        Events come in any order: a cancelled order is remembered, so that its
        creation, arriving after, sets no timer.
        """
        async with _redis_errors():
            live = await self._without_cancelled(scheduled)
            async with self._redis.pipeline(transaction=True) as pipe:
                if live:
                    pipe.zadd(DEADLINES, _scores(live))
                if cancelled:
                    pipe.zrem(DEADLINES, *_scores(cancelled))
                    pipe.zadd(CANCELLED, _scores(cancelled))
                    forgotten = to_milliseconds(now() - CANCELLED_KEPT)
                    pipe.zremrangebyscore(CANCELLED, "-inf", forgotten)
                await pipe.execute()

    async def due(self, at: datetime, limit: int) -> list[Deadline]:
        """Return the deadlines not after ``at``, earliest first."""
        async with _redis_errors():
            members = await self._redis.zrangebyscore(
                DEADLINES, "-inf", int(at.timestamp() * 1000), start=0, num=limit
            )
        return [Deadline.from_member(member) for member in members]

    async def remove(self, deadlines: Sequence[Deadline]) -> None:
        """Forget ``deadlines``, and no other of the same orders."""
        if not deadlines:
            return
        async with _redis_errors():
            await self._redis.zrem(DEADLINES, *_scores(deadlines))

    async def pending(self) -> int:
        """Count the deadlines that have not been published."""
        async with _redis_errors():
            count: int = await self._redis.zcard(DEADLINES)
            return count

    async def ping(self) -> None:
        """Fail when Redis does not answer; for readiness."""
        async with _redis_errors():
            await self._redis.ping()

    async def _without_cancelled(self, deadlines: Sequence[Deadline]) -> list[Deadline]:
        if not deadlines:
            return []
        members = [deadline.member for deadline in deadlines]
        scores = await self._redis.zmscore(CANCELLED, members)
        pairs = zip(deadlines, scores, strict=True)
        return [deadline for deadline, score in pairs if score is None]


def _scores(deadlines: Sequence[Deadline]) -> dict[str, int]:
    return {d.member: to_milliseconds(d.expires_at) for d in deadlines}


@asynccontextmanager
async def _redis_errors() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise RedisUnavailable(str(error) or type(error).__name__) from error
