"""Waiting for what another task or process does, without guessing how long."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final

_LOOK_SECONDS: Final = 0.005


async def until(
    condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 15.0
) -> None:
    """Return once ``condition``, which may be async, holds.

    Raises:
        TimeoutError: it did not within ``seconds``.
    """
    async with asyncio.timeout(seconds):
        # What is waited for may be in another process: nothing here can signal it.
        while not await _holds(condition):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if isawaitable(answer) else answer
