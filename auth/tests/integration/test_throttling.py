"""Rows S9 and S10: guessing is bounded, nobody is locked out, nothing is told."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from prometheus_client import REGISTRY

from auth.passwords import PasswordHashing
from auth.service import Accounts
from auth.settings import Settings
from auth.throttle import Attempt, Throttle
from common.testing.asgi import RunningApp

StartApp = Callable[..., Awaitable[RunningApp]]
Credentials = dict[str, str]

pytestmark = pytest.mark.asyncio

WRONG = "not this one, sorry"


async def guess(client: httpx.AsyncClient, email: str, **headers: str) -> int:
    answer = await client.post(
        "/api/users/signin", json={"email": email, "password": WRONG}, headers=headers
    )
    return answer.status_code


def verifications() -> float:
    """How often a password was compared with a hash in this process."""
    count = REGISTRY.get_sample_value(
        "auth_password_hashing_seconds_count", {"operation": "verify"}
    )
    return count or 0.0


async def test_unknown_user_costs_as_much_work_as_a_wrong_password(
    signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    work = []
    for email in (credentials["email"], "nobody@example.com"):
        before = verifications()
        assert await guess(signed_up, email) == 401
        work.append(verifications() - before)
    assert work == [1, 1]


async def test_dummy_hash_has_the_parameters_of_real_ones(accounts: Accounts) -> None:
    passwords: PasswordHashing = accounts.passwords
    real = await passwords.hash(WRONG)
    assert passwords._dummy.rsplit("$", 2)[0] == real.rsplit("$", 2)[0]


async def test_eleventh_wrong_password_is_429_with_retry_after(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    attacker = await app.client("198.51.100.1")
    statuses = [await guess(attacker, credentials["email"]) for _ in range(10)]
    assert statuses == [401] * 10
    answer = await attacker.post("/api/users/signin", json=credentials)
    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_attempts"
    assert 1 <= int(answer.headers["retry-after"]) <= 900


async def test_unknown_accounts_are_throttled_alike(app: RunningApp) -> None:
    attacker = await app.client("198.51.100.1")
    statuses = [await guess(attacker, "nobody@example.com") for _ in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_account_is_served_elsewhere_but_slower(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    attacker = await app.client("198.51.100.1")
    for _ in range(12):
        await guess(attacker, credentials["email"])
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await signed_up.post("/api/users/signin", json=credentials)
    assert answer.status_code == 200
    assert loop.time() - started >= 0.25


async def test_parallel_guesses_are_counted_before_they_are_made(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    attacker = await app.client("198.51.100.1")
    statuses = await asyncio.gather(
        *(guess(attacker, credentials["email"]) for _ in range(30))
    )
    assert statuses.count(401) <= 10
    assert statuses.count(401) + statuses.count(429) == 30


async def test_replicas_count_together(
    start_app: StartApp, signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    second = await start_app()
    third = await start_app(mongo_driver="pymongo")
    attackers = [await one.client("198.51.100.1") for one in (second, third)]
    statuses = [await guess(attackers[n % 2], credentials["email"]) for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2


async def test_made_up_forwarding_headers_change_nothing(
    app: RunningApp, signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    attacker = await app.client("198.51.100.1")
    statuses = [
        await guess(
            attacker,
            credentials["email"],
            **{"X-Forwarded-For": f"203.0.113.{n}", "X-Real-IP": f"203.0.113.{n}"},
        )
        for n in range(11)
    ]
    assert statuses == [401] * 10 + [429]


async def test_success_starts_counting_anew(
    signed_up: httpx.AsyncClient, credentials: Credentials
) -> None:
    for _ in range(3):
        statuses = [await guess(signed_up, credentials["email"]) for _ in range(5)]
        assert statuses == [401] * 5
        answer = await signed_up.post("/api/users/signin", json=credentials)
        assert answer.status_code == 200


async def test_one_address_cannot_try_one_password_on_every_account(
    start_app: StartApp,
) -> None:
    app = await start_app(sign_in_limit=2, sign_in_limit_per_address=5)
    attacker = await app.client("198.51.100.1")
    statuses = [await guess(attacker, f"user{n}@example.com") for n in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    bystander = await app.client("198.51.100.2")
    assert await guess(bystander, "user1@example.com") == 401


async def test_right_passwords_do_not_use_up_the_limit_of_an_address(
    start_app: StartApp, credentials: Credentials
) -> None:
    app = await start_app(sign_in_limit=2, sign_in_limit_per_address=2)
    client = await app.client()
    await client.post("/api/users/signup", json=credentials)
    for _ in range(5):
        answer = await client.post("/api/users/signin", json=credentials)
        assert answer.status_code == 200


async def test_sign_ups_of_one_address_are_bounded(start_app: StartApp) -> None:
    app = await start_app(sign_up_limit_per_address=2)
    client = await app.client()
    statuses = []
    for number in range(3):
        body = {"email": f"u{number}@example.com", "password": "violet kettle snow"}
        answer = await client.post("/api/users/signup", json=body)
        statuses.append(answer.status_code)
    assert statuses == [201, 201, 429]


async def test_guessing_the_current_password_is_throttled_too(
    signed_up: httpx.AsyncClient,
) -> None:
    body = {"current_password": WRONG, "new_password": "amber ladder over water"}
    statuses = []
    for _ in range(11):
        answer = await signed_up.post("/api/users/password", json=body)
        statuses.append(answer.status_code)
    assert statuses == [422] * 10 + [429]


async def test_window_ends(
    make_settings: Callable[..., Settings], accounts: Accounts
) -> None:
    settings = make_settings(sign_in_limit=1, sign_in_window_seconds=1)
    throttle = Throttle(accounts.mongo, settings)
    attempt = Attempt("ada@example.com", "192.0.2.7")
    await throttle.admit(attempt)
    counters = accounts.mongo.database["throttle"]
    # As if the second had passed: MongoDB removes expired ones once a minute.
    stored = await counters.find({}).to_list(None)
    assert len(stored) == 3
    for one in stored:
        early = one["expires_at"].replace(year=2020)
        await counters.update_one(
            {"_id": one["_id"]}, {"$set": {"count": 99, "expires_at": early}}
        )
    await throttle.admit(attempt)
    renewed = await counters.find({}).to_list(None)
    assert [one["count"] for one in renewed] == [1, 1, 1]


async def test_delay_grows_and_is_bounded(accounts: Accounts) -> None:
    delays = [
        accounts.throttle.delay(tries) for tries in (0, 10, 11, 12, 13, 14, 10**6)
    ]
    assert delays == [0, 0, 0.25, 0.5, 1, 2, 2]


async def test_neighbours_in_one_ipv6_network_count_as_one() -> None:
    pairs = {
        Attempt("ada@example.com", address).pair
        for address in ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:1::")
    }
    assert len(pairs) == 1
    assert Attempt("ada@example.com", "2001:db8:0:1::1").pair not in pairs
    assert "ada" not in pairs.pop()
    assert Attempt("ada@example.com", "a pipe").from_address == "address:unknown"
