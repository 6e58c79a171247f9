from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from embedded.ports import choose_free
from embedded.testing.standins import StandinStacks


@pytest_asyncio.fixture
async def stacks(tmp_path: Path) -> AsyncIterator[StandinStacks]:
    started = StandinStacks(tmp_path / "state")
    yield started
    await started.end_all()


@pytest.fixture
def three_parts() -> list[dict[str, object]]:
    """A store, a service and an edge, each on its own free port."""
    free = choose_free(["store", "service", "edge"])
    stages = {"store": 0, "service": 2, "edge": 3}
    return [
        {"name": name, "port": free[name], "stage": stage}
        for name, stage in stages.items()
    ]
