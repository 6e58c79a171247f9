"""The routes of a service, as its OpenAPI document tells of them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

METHODS: Final = ("get", "post", "put", "patch", "delete")
_PARAMETER: Final = re.compile(r"\{[^}]+\}")


class ApiRoute(NamedTuple):
    """One operation of an OpenAPI document."""

    method: str
    path: str
    operation: Mapping[str, Any]

    def __str__(self) -> str:
        """Name it as people do, such as ``PUT /api/tickets/{ticket_id}``."""
        return f"{self.method.upper()} {self.path}"

    @property
    def is_unsafe(self) -> bool:
        """Whether it changes something."""
        return self.method != "get"

    @property
    def needs_session(self) -> bool:
        """Whether it is for those who are signed in."""
        return "security" in self.operation

    @property
    def has_body(self) -> bool:
        """Whether it takes JSON."""
        return "requestBody" in self.operation

    @property
    def has_fields(self) -> bool:
        """Whether it takes more than an id: a body, a query, or headers."""
        found = self.operation.get("parameters", ())
        return self.has_body or any(one["in"] != "path" for one in found)

    @property
    def has_id(self) -> bool:
        """Whether its path names one thing."""
        return _PARAMETER.search(self.path) is not None

    def url(self, identifier: str) -> str:
        """Return the path with ``identifier``, ready for a URL, as its id."""
        return _PARAMETER.sub(lambda _: identifier, self.path)


def routes_of(document: Mapping[str, Any]) -> Iterator[ApiRoute]:
    """Yield every operation of an OpenAPI document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield ApiRoute(method, path, item[method])
