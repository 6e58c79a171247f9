"""The services, played for tests of the pages."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

ME: Final = {"id": "u-me", "email": "ada@example.com", "exp": 4_000_000_000}


@dataclass
class FakeServices:
    """Answers by method and path; what was asked is kept. 404 for the rest."""

    answers: dict[tuple[str, str], list[httpx.Response | Exception]] = field(
        default_factory=dict
    )
    asked: list[httpx.Request] = field(default_factory=list)

    def answer(
        self, call: str, body: object = None, status: int = 200, **headers: str
    ) -> None:
        """Let `call` ("GET /api/tickets") be answered so; said twice, in turn."""
        method, path = call.split(" ")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = httpx.Response(status, json=body, headers=named)
        self.answers.setdefault((method, path), []).append(response)

    def refuse(self, call: str, status: int, code: str = "", **extras: object) -> None:
        headers = {"retry_after": str(extras.pop("retry_after", ""))}
        body = {"status": status, "code": code, "detail": "", **extras}
        self.answer(call, body, status, **headers)

    def break_down(self, call: str) -> None:
        method, path = call.split(" ")
        error = httpx.ConnectError("connection refused")
        self.answers.setdefault((method, path), []).append(error)

    def sign_in(self) -> None:
        self.answer("GET /api/users/currentuser", {"message": "", "data": ME})

    def calls(self, call: str) -> list[httpx.Request]:
        method, path = call.split(" ")
        return [r for r in self.asked if (r.method, r.url.path) == (method, path)]

    def sent(self, call: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.calls(call)[-1].content)
        return body

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        waiting = self.answers.get((request.method, request.url.path))
        if not waiting:
            return httpx.Response(404, json={"status": 404, "code": "not_found"})
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(found, Exception):
            raise found
        return httpx.Response(
            found.status_code, headers=found.headers, content=found.content
        )
