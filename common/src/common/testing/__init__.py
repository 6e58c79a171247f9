"""What tests of every service need: a signed-in user, a database, the outbox."""

from common.testing.databases import empty_tables, sqlite_url
from common.testing.identity import FakeIdentity
from common.testing.outbox import published
from common.testing.waiting import until

__all__ = ["FakeIdentity", "empty_tables", "published", "sqlite_url", "until"]
