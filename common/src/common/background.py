"""Background tasks that may not die unnoticed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Final

from common.telemetry.logs import logger

log = logger(__name__)

_CANCEL_AGAIN_SECONDS: Final = 0.5


@asynccontextmanager
async def background(
    name: str, work: Coroutine[object, object, None]
) -> AsyncIterator[asyncio.Task[None]]:
    """Run ``work`` beside the block and cancel it when the block ends.

    Work that raises ends the process: a service that answers requests while its
    consumers or its relay are dead is worse than one that is restarted.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_end_process_on_failure)
    try:
        yield task
    finally:
        task.remove_done_callback(_end_process_on_failure)
        # Asked again and again: nats-py swallows a cancellation that meets it
        # between two attempts to connect, and then tries to connect for ever.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_CANCEL_AGAIN_SECONDS)
        await asyncio.gather(task, return_exceptions=True)


def end_if_cancelled() -> None:
    """End the present task if it was cancelled and a library swallowed that.

    Python 3.11's ``wait_for``, which nats-py waits with, does when an answer comes
    at the same moment; and a task group cancels its tasks only once.

    Raises:
        asyncio.CancelledError: it was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _end_process_on_failure(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        log.critical("background_task_died", task=task.get_name(), exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)
