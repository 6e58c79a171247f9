"""What tests across services share: running stacks, whose books are checked."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from embedded.reconcile import reconcile
from embedded.testing import RunningStack, running_stack
from embedded.visitor import Visitor, visiting

SHORT_WINDOW_SECONDS = 10
LONG_WINDOW_SECONDS = 900
REST_SECONDS = 60

Arrive = Callable[[], Awaitable[Visitor]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def short_stack(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningStack]:
    """The whole system, started once; an order lives for ten seconds."""
    async with _stack(tmp_path_factory, window=SHORT_WINDOW_SECONDS) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def long_stack(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningStack]:
    """The whole system, started once; an order lives for a quarter of an hour."""
    async with _stack(tmp_path_factory, window=LONG_WINDOW_SECONDS) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def stack(short_stack: RunningStack) -> AsyncIterator[RunningStack]:
    """The system with short orders; when the test ends, its books must agree."""
    async with _checked(short_stack) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def patient_stack(long_stack: RunningStack) -> AsyncIterator[RunningStack]:
    """The system with long orders; when the test ends, its books must agree."""
    async with _checked(long_stack) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(stack: RunningStack) -> AsyncIterator[Arrive]:
    """Bring people to `stack`, each signed up and with a browser of his own."""
    async with AsyncExitStack() as browsers:
        yield lambda: _arrival(browsers, stack.description)


@pytest_asyncio.fixture(loop_scope="session")
async def arrive_patiently(patient_stack: RunningStack) -> AsyncIterator[Arrive]:
    """Bring people to `patient_stack`."""
    async with AsyncExitStack() as browsers:
        yield lambda: _arrival(browsers, patient_stack.description)


@asynccontextmanager
async def _stack(
    folders: pytest.TempPathFactory, *, window: int
) -> AsyncIterator[RunningStack]:
    settings = {"ORDER_WINDOW_SECONDS": str(window)}
    async with running_stack(folders.mktemp("stack"), env=settings) as stack:
        yield stack


@asynccontextmanager
async def _checked(stack: RunningStack) -> AsyncIterator[RunningStack]:
    await stack.wait_ready()
    yield stack
    await stack.wait_ready()
    assert await reconcile(stack.state_dir, wait=REST_SECONDS) == []


async def _arrival(
    browsers: AsyncExitStack, description: Mapping[str, object]
) -> Visitor:
    visitor = await browsers.enter_async_context(visiting(description))
    await visitor.sign_up()
    return visitor
