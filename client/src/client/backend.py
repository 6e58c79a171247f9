"""One HTTP call to a service: timeouts, one retry, and errors with a type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from client.api_types import Problem

T = TypeVar("T")


class ServiceProblem(Exception):
    """The service answered and said no; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}")
        self.problem = problem

    @classmethod
    def not_found(cls) -> "ServiceProblem":
        return cls(Problem(status=404, code="not_found"))


class ServiceUnavailable(Exception):
    """The service did not answer, or not in a way that can be used."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, as far as a service may know: session, trace and address."""

    cookie: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_session(self) -> bool:
        return self.cookie is not None


@dataclass(frozen=True, slots=True)
class Call:
    """What to send; only the parts that differ from a bare GET are named."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    body: BaseModel | Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Backend:
    """The one shared HTTP client of the process, speaking for one visitor a call."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def send(self, visitor: Visitor, call: Call) -> httpx.Response:
        """Send a call and return its successful answer.

        A GET is tried a second time, because repeating it changes nothing; every
        other method is sent once and leaves repeating to the person, whose
        idempotency key makes that safe.

        Raises ServiceProblem for an explained refusal and ServiceUnavailable when
        there was no usable answer.
        """
        attempts = 2 if call.method == "GET" else 1
        for attempt in range(1, attempts + 1):
            response = await self._attempt(visitor, call, last=attempt == attempts)
            if response is not None:
                return response
        raise ServiceUnavailable(call.url)

    async def _attempt(
        self, visitor: Visitor, call: Call, *, last: bool
    ) -> httpx.Response | None:
        try:
            response = await self._http.send(self._request(visitor, call))
        except httpx.HTTPError as error:
            if last:
                raise ServiceUnavailable(str(error) or call.url) from error
            return None
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            return None
        if response.is_success:
            return response
        raise ServiceProblem(_problem(response))

    def _request(self, visitor: Visitor, call: Call) -> httpx.Request:
        headers = {**visitor.headers, **call.headers, "accept": "application/json"}
        if visitor.cookie:
            headers["cookie"] = visitor.cookie
        return self._http.build_request(
            call.method,
            call.url,
            params=call.params,
            json=_as_json(call.body),
            headers=headers,
        )


def parse(kind: type[T] | Any, content: bytes) -> Any:  # noqa: ANN401 - see callers
    """Read an answer as `kind`; raises ServiceUnavailable when it is not one."""
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        raise ServiceUnavailable("an answer has an unknown shape") from error


def _as_json(body: BaseModel | Mapping[str, object] | None) -> object:
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json")
    return body


def _problem(response: httpx.Response) -> Problem:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(status=response.status_code)
    return problem.model_copy(
        update={
            "status": response.status_code,
            "retry_after": _seconds(response.headers.get("retry-after")),
        }
    )


def _seconds(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() else None
