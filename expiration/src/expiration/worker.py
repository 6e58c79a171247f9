"""arq as the timer: it says when to look, Redis knows at what.

A lost job loses no deadline: the sweep looks every few seconds too. Nor does a
lost Redis: orders looks at its own deadlines by itself (R14).
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arq import ArqRedis, Retry, func
from arq.worker import Worker
from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

from common import clock
from common.errors import Unavailable
from common.telemetry import logger
from expiration.deadlines import Deadline, RedisUnavailable, to_milliseconds
from expiration.service import ANNOUNCED_AFTER, Expiry

log = logger(__name__)

SLOT_MILLISECONDS: Final = 250
"""Deadlines in one slot share one job, which runs at the slot's end."""

SWEEP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.2
_JOB_SECONDS: Final = 15
_LOOK_SECONDS: Final = 12
_COMPLETION_SECONDS: Final = 10
_EXPIRES_EXTRA: Final = timedelta(days=30)
_SOON_MILLISECONDS: Final = 1000
_MAX_PAUSE_SECONDS: Final = 5.0


def encode_job(job: dict[str, Any]) -> bytes:
    """Serialise a job as JSON: arq's default, pickle, runs what it reads."""
    return json.dumps(job, default=repr).encode()


def decode_job(raw: bytes) -> dict[str, Any]:
    """Read what `encode_job` wrote.

    Raises:
        ValueError: it is not JSON; arq then drops the job.
    """
    job: dict[str, Any] = json.loads(raw)
    return job


def connect(url: str) -> ArqRedis:
    """Return a client of the Redis at ``url``, which connects when first used."""
    pool = redis_asyncio.ConnectionPool.from_url(
        url, socket_connect_timeout=1.0, socket_timeout=2.0
    )
    return ArqRedis(
        pool,
        job_serializer=encode_job,
        job_deserializer=decode_job,
        expires_extra_ms=_EXPIRES_EXTRA // timedelta(milliseconds=1),
    )


class Alarms:
    """Sets the timers."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def set_for(self, deadlines: Sequence[Deadline]) -> None:
        """Have `wake` run soon after each of ``deadlines``; at once if past (E1).

        A connection lost at the wrong moment looks to arq as if another had set
        the same alarm; then it is the sweep that finds the deadline.

        Raises:
            RedisUnavailable: some may not be set.
        """
        present = to_milliseconds(clock.now())
        moments = {max(present, _slot_end(deadline)) for deadline in deadlines}
        try:
            for moment in sorted(moments):
                # The shared job of a slot that is about to end may have looked
                # already; then a second job under its id would not be taken.
                shared = moment - present > _SOON_MILLISECONDS
                await self._redis.enqueue_job(
                    wake.__name__,
                    _job_id=f"wake:{moment}" if shared else None,
                    _defer_until=datetime.fromtimestamp(moment / 1000, UTC),
                )
        except (RedisError, OSError) as error:
            raise RedisUnavailable(str(error) or type(error).__name__) from error


def _slot_end(deadline: Deadline) -> int:
    moment = to_milliseconds(deadline.expires_at + ANNOUNCED_AFTER)
    return -(-moment // SLOT_MILLISECONDS) * SLOT_MILLISECONDS


async def wake(ctx: dict[Any, Any]) -> None:
    """Announce what is due: arq's one job."""
    expiry: Expiry = ctx["expiry"]
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await expiry.announce_due()
    except (Unavailable, TimeoutError) as error:
        log.warning("wake_postponed", reason=_reason(error), tries=ctx["job_try"])
        raise Retry(defer=_pause(ctx["job_try"])) from error


def build_worker(redis: ArqRedis, expiry: Expiry) -> Worker:
    """Return an arq worker that runs inside the present event loop."""
    return Worker(
        functions=[func(wake, name=wake.__name__)],
        redis_pool=redis,
        ctx={"expiry": expiry},
        handle_signals=False,
        poll_delay=_POLL_SECONDS,
        job_timeout=_JOB_SECONDS,
        job_completion_wait=_COMPLETION_SECONDS,
        keep_result=0,
        max_tries=10,
        health_check_interval=10,
        job_serializer=encode_job,
        job_deserializer=decode_job,
        expires_extra_ms=_EXPIRES_EXTRA // timedelta(milliseconds=1),
        timezone=UTC,
    )


async def run_worker(redis: ArqRedis, expiry: Expiry) -> None:
    """Run arq for ever; it ends whenever Redis is away, and is started again."""
    failures = 0
    while True:
        worker = build_worker(redis, expiry)
        try:
            await worker.async_run()
        except (RedisError, OSError) as error:
            failures = 1 if worker.jobs_complete else failures + 1
            log.warning("worker_waiting", reason=_reason(error))
        finally:
            await _finish_jobs(worker)
        await asyncio.sleep(_pause(failures))


async def _finish_jobs(worker: Worker) -> None:
    """Let jobs under way end; what does not is run again by the next worker."""
    jobs = list(worker.tasks.values())
    if not jobs:
        return
    _, late = await asyncio.wait(jobs, timeout=_COMPLETION_SECONDS)
    for job in late:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def run_sweep(expiry: Expiry) -> None:
    """Announce what is due for ever, whether or not a job says so."""
    failures = 0
    while True:
        try:
            await expiry.announce_due()
            await expiry.measure()
            failures = 0
        except Unavailable as error:
            failures += 1
            log.warning("sweep_waiting", reason=_reason(error))
        await asyncio.sleep(_pause(failures) if failures else SWEEP_SECONDS)


def _pause(failures: int) -> float:
    return min(_MAX_PAUSE_SECONDS, 0.25 * 2.0 ** min(failures, 10))


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
