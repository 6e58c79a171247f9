"""What the tests of payments share: a database, a Stripe double, and a desk."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from common.db import Database
from common.testing.plugin import DatabaseUrlFactory
from payments.models import Base
from payments.settings import Settings
from payments.testing import Desk, desk
from stripe_double.testing import Double, running_double

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
def database_url(database_url_factory: DatabaseUrlFactory) -> str:
    """Return the URL of a migrated database without rows, on each backend."""
    return database_url_factory("payments", MIGRATIONS, Base.metadata)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Lend that database."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def double() -> AsyncIterator[Double]:
    """Lend a Stripe double that this test alone uses; it sends no webhooks."""
    async with running_double() as running:
        yield running


@pytest.fixture
def make_settings(database_url: str, double: Double) -> Callable[..., Settings]:
    """Return a maker of settings for this test's database and double."""

    def make(**changes: object) -> Settings:
        values: dict[str, object] = {
            "database_url": database_url,
            "jwks_url": "http://127.0.0.1:9/jwks.json",
            "stripe_secret_key": double.secret_key,
            "stripe_webhook_secrets": double.webhook_secret,
            "stripe_api_base": double.url,
            "stripe_retries": 0,
            "stripe_timeout_seconds": 2.0,
            **changes,
        }
        return Settings.model_validate(values)

    return make


@pytest_asyncio.fixture
async def till_desk(
    database: Database, make_settings: Callable[..., Settings]
) -> AsyncIterator[Desk]:
    """Lend a desk: the service, worked by hand."""
    async with desk(database, make_settings()) as lent:
        yield lent
