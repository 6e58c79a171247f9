"""What tests across services share: one running stack, checked after each test."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from embedded.reconcile import reconcile
from embedded.testing import RunningStack, running_stack
from embedded.visitor import Visitor, visiting

ORDER_WINDOW_SECONDS = 10

Arrive = Callable[[], Awaitable[Visitor]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_stack(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningStack]:
    """The whole system, started once; orders live for ten seconds."""
    folder: Path = tmp_path_factory.mktemp("stack")
    settings = {"ORDER_WINDOW_SECONDS": str(ORDER_WINDOW_SECONDS)}
    async with running_stack(folder, env=settings) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def stack(whole_stack: RunningStack) -> AsyncIterator[RunningStack]:
    """The running system; when the test ends, its books must agree."""
    await whole_stack.wait_ready()
    yield whole_stack
    await whole_stack.wait_ready()
    breaches = await reconcile(whole_stack.state_dir, wait=40)
    assert breaches == []


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(stack: RunningStack) -> AsyncIterator[Arrive]:
    """Bring in people, each signed up and with a browser of his own."""
    async with AsyncExitStack() as browsers:

        async def arrival() -> Visitor:
            visitor = await browsers.enter_async_context(visiting(stack.description))
            await visitor.sign_up()
            return visitor

        yield arrival


def pytest_configure() -> None:
    """Keep what the machine's proxies would do out of calls to this machine."""
    os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")
