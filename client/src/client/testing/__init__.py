"""For tests of the pages: the services played, and people at real browsers."""

from client.testing.services import ME, FakeServices

__all__ = ["ME", "FakeServices"]
