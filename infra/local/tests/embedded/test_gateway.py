"""The generated configuration, in a real NGINX in front of stand-in services."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from embedded import nginx
from embedded.ingress import read_routes
from embedded.ports import choose_free, gateway_hosts
from embedded.programs import nginx_program
from embedded.settings import INGRESS

SERVICES = ("auth", "tickets", "orders", "payments", "client")
STANDIN = "embedded.testing.standin_service"


@dataclass
class Front:
    ports: dict[str, int]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def client(self, **options: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.ports['nginx']}",
            trust_env=False,
            headers=options,
        )

    def start(self, name: str, *argv: str) -> None:
        self.running[name] = subprocess.Popen(argv)  # noqa: S603 Our own programs.
        wait_for_port(self.ports[name])

    def start_service(self, name: str) -> None:
        port = str(self.ports[name])
        self.start(name, sys.executable, "-m", STANDIN, name, port)

    def end(self, name: str) -> None:
        number = signal.SIGQUIT if name == "nginx" else signal.SIGTERM
        process = self.running.pop(name)
        process.send_signal(number)
        process.wait(10)


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.02)
    pytest.fail(f"nothing listens on port {port}")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("a folder") / "nginx"
    ports = choose_free((*SERVICES, "nginx"))
    gateway = nginx.Gateway(
        folder=folder,
        port=ports["nginx"],
        hosts=gateway_hosts(),
        routes=read_routes(INGRESS),
        upstreams={name: f"127.0.0.1:{ports[name]}" for name in SERVICES},
    )
    path: Path = nginx.write(gateway)
    started = Front(ports)
    for name in SERVICES:
        started.start_service(name)
    where = ("-p", str(folder), "-c", str(path), "-e", "stderr")
    started.start("nginx", nginx_program(), *where)
    yield started
    for name in list(started.running):
        started.end(name)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/users", "auth"),
        ("/api/users/", "auth"),
        ("/api/users/signin?next=%2F", "auth"),
        ("/api/tickets", "tickets"),
        ("/api/tickets/7", "tickets"),
        ("/api/orders", "orders"),
        ("/api/payments/webhook", "payments"),
        ("/", "client"),
        ("/tickets/7", "client"),
        ("/api/usersX", "client"),
        ("/api/tickets-old", "client"),
        ("/api", "client"),
    ],
)
def test_prefixes_end_at_path_elements(front: Front, path: str, service: str) -> None:
    with front.client() as http:
        seen = http.get(path).json()

    assert seen["service"] == service
    assert seen["target"] == path


def test_a_good_request_id_is_kept_and_a_bad_one_replaced(front: Front) -> None:
    with front.client() as http:
        kept = http.get("/api/orders", headers={"X-Request-ID": "journey-0001"})
        made = http.get("/api/orders", headers={"X-Request-ID": 'x" level="error'})

    assert kept.json()["headers"]["x-request-id"] == "journey-0001"
    assert kept.headers.get_list("X-Request-ID") == ["journey-0001"]
    assert len(made.headers["X-Request-ID"]) == 32
    assert made.json()["headers"]["x-request-id"] == made.headers["X-Request-ID"]


def test_what_a_caller_claims_of_its_address_is_dropped(front: Front) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    with front.client() as http:
        seen = http.get("/api/users/currentuser", headers=claims).json()["headers"]

    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["host"] == f"127.0.0.1:{front.ports['nginx']}"
    assert "forwarded" not in seen


def test_public_answers_are_kept_for_everyone(front: Front) -> None:
    path = "/api/tickets?cache=public,+max-age=60&q=kept"
    with front.client() as anonymous, front.client(Cookie="session=s") as known:
        first = anonymous.get(path)
        second = known.get(path)

    assert first.headers["X-Cache"] == "MISS"
    assert second.headers["X-Cache"] == "HIT"
    assert second.json()["count"] == first.json()["count"]
    assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "cache=private,+no-store",
        "cache=max-age=60",
        "cache=no-cache",
        "cache=public,+max-age=60&cookie=secret",
    ],
)
def test_nothing_else_is_kept(front: Front, query: str) -> None:
    with front.client() as http:
        counts = [
            http.get(f"/api/tickets?{query}&q=not-kept").json()["count"]
            for _ in range(2)
        ]

    assert counts[0] != counts[1]


def test_a_page_is_kept_for_strangers_but_never_shown_to_the_signed_in(
    front: Front,
) -> None:
    path = "/?cache=public,+max-age=60"
    with front.client() as anonymous, front.client(Cookie="session=s") as known:
        shared = anonymous.get(path).json()["count"]
        own = known.get(path).json()["count"]
        again = anonymous.get(path).json()["count"]

    assert own != shared
    assert again == shared


@pytest.mark.parametrize("name", ["If-Match", "If-Unmodified-Since"])
def test_only_the_service_judges_preconditions(front: Front, name: str) -> None:
    value = {"If-Match": '"7"', "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    with front.client() as http:
        for _ in range(50):
            answer = http.get("/api/tickets", headers={name: value[name]})
            assert answer.status_code == 200


def test_a_post_always_reaches_the_service(front: Front) -> None:
    path = "/api/tickets?cache=public,+max-age=60"
    with front.client() as http:
        counts = [http.post(path).json()["count"] for _ in range(2)]

    assert counts[0] != counts[1]


def test_a_service_speaks_for_itself_while_it_runs(front: Front) -> None:
    with front.client() as http:
        answer = http.get("/api/orders?answer=503")

    assert answer.status_code == 503
    assert answer.json()["service"] == "orders"


def test_a_body_that_is_too_large_is_a_problem(front: Front) -> None:
    with front.client() as http:
        answer = http.post("/api/tickets", content=b"x" * 70_000)

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "payload_too_large"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/orders/%00", {}, 400),
        ("/api/orders/%zz", {}, 400),
        ("/api/orders/" + "a" * 9_000, {}, 414),
        ("/api/orders", {"Cookie": "a" * 9_000}, 431),
    ],
)
def test_a_request_that_cannot_be_read_is_a_problem(
    front: Front, path: str, headers: dict[str, str], status: int
) -> None:
    with front.client() as http:
        url = httpx.URL(http.base_url, raw_path=path.encode())
        answer = http.get(url, headers=headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_service_that_is_down_is_a_problem_for_programs(front: Front) -> None:
    front.end("payments")
    with front.client() as http:
        answer = http.post("/api/payments", headers={"X-Request-ID": "journey-0002"})

    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json() == {
        "type": "urn:ticketing:error:bad_gateway",
        "title": "Bad Gateway",
        "status": 502,
        "detail": "This service is not answering just now. Try again in a moment.",
        "message": "This service is not answering just now. Try again in a moment.",
        "code": "bad_gateway",
        "errors": [],
        "request_id": "journey-0002",
    }
    front.start_service("payments")
    with front.client() as http:
        assert http.post("/api/payments").json()["service"] == "payments"


def test_a_client_that_is_down_is_a_page_for_people(front: Front) -> None:
    front.end("client")
    with front.client() as http:
        answer = http.get("/tickets/7")

    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "text/html"
    assert "Back in a moment" in answer.text
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    assert "nginx" not in answer.text
    front.start_service("client")


def test_the_server_tells_no_version(front: Front) -> None:
    with front.client() as http:
        assert http.get("/api/orders").headers["Server"] == "nginx"
