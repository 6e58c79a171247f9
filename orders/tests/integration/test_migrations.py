"""The schema can be made, undone and made again, and is what the models say."""

from pathlib import Path

from common.testing.migrations import assert_models_match, assert_up_down_up
from orders.models import Base


def test_migrations_go_up_down_and_up(
    migrations: Path, blank_database_url: str
) -> None:
    assert_up_down_up(migrations, blank_database_url)


def test_models_match_migrations(migrations: Path, blank_database_url: str) -> None:
    assert_models_match(migrations, blank_database_url, Base.metadata)
