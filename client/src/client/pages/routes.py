"""What every page's route has in common."""

from typing import Any

from fastapi.routing import APIRoute


class PageRoute(APIRoute):
    """A route that also answers HEAD, as checkers of links and proxies expect."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - FastAPI's
        super().__init__(*args, **kwargs)
        if self.methods and "GET" in self.methods:
            self.methods.add("HEAD")
