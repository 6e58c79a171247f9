"""The OpenAPI document of a service: each refusal that can come is in it."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from common.web.problems import MEDIA_TYPE

_REFERENCE: Final = "#/components/schemas/{model}"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
_SAFE_METHODS: Final = frozenset({"get"})
_FASTAPIS_OWN: Final = ("HTTPValidationError", "ValidationError")

Refusals = dict[int | str, dict[str, Any]]
Operation = dict[str, Any]


class FieldProblem(BaseModel):
    """What is wrong with one field of the input."""

    field: str
    message: str


class Problem(BaseModel):
    """Every error (RFC 9457). Some carry more, such as the present version."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(pattern="^urn:ticketing:error:")
    title: str
    status: int
    detail: str
    message: str = Field(description="The same as `detail`, for older clients.")
    code: str = Field(description="Names the error, for programs.")
    request_id: str | None
    errors: list[FieldProblem] = []


def refusals(*statuses: int) -> Refusals:
    """Return the ``responses=`` of a route that can be refused with ``statuses``.

    Those that follow from what a route takes need no declaration: see
    `DocumentedApp`.
    """
    return {status: {"description": HTTPStatus(status).phrase} for status in statuses}


class DocumentedApp(FastAPI):
    """An app whose document tells of problem bodies, and of no others.

    It adds to each operation what its form makes possible: 401 where a session is
    needed, 403 for an unsafe request of another site, 404 where an id is in the
    path, 400 for an id or a body that cannot be read, 413 for a body, 422 for any
    input, 503 for what is away.
    """

    def openapi(self) -> dict[str, Any]:
        """Return the document; it is made once."""
        if self.openapi_schema is None:
            _complete(super().openapi())
        assert self.openapi_schema is not None  # noqa: S101 - just made
        return self.openapi_schema


def _complete(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for method in _METHODS & path.keys():
            operation: Operation = path[method]
            declared = operation["responses"]
            for status in _implied(method, operation):
                declared.setdefault(str(status), refusals(status)[status])
            operation["responses"] = {
                status: _described(status, declared[status])
                for status in sorted(declared)
            }
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    found = Problem.model_json_schema(ref_template=_REFERENCE)
    schemas.update(found.pop("$defs"))
    schemas["Problem"] = found


def _implied(method: str, operation: Operation) -> Iterator[int]:
    places = {one["in"] for one in operation.get("parameters", ())}
    if "security" in operation:
        yield 401
    if method not in _SAFE_METHODS:
        yield 403
    if "path" in places:
        yield from (400, 404)
    if "requestBody" in operation:
        yield from (400, 413)
    if "requestBody" in operation or places:
        yield 422
    yield 503


def _described(status: str, response: dict[str, Any]) -> dict[str, Any]:
    if status < "400":
        return response
    schema = {"$ref": _REFERENCE.format(model="Problem")}
    return {
        "description": HTTPStatus(int(status)).phrase,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
