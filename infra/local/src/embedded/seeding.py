"""Making the demo accounts and listings, as any person would: over the public API."""

from datetime import UTC, datetime
from typing import Any

import httpx

from embedded.demo_data import ACCOUNTS, LISTINGS, Account, Listing

TIMEOUT_SECONDS = 10.0


class SeedingFailed(Exception):
    """The public API refused part of the demo; the message says what and how."""


async def seed(gateway: str) -> int:
    """Make what is not there yet; the number of listings made."""
    created = 0
    for account in ACCOUNTS:
        async with httpx.AsyncClient(
            base_url=gateway, timeout=TIMEOUT_SECONDS, trust_env=False
        ) as http:
            try:
                created += await _seed_account(http, account)
            except httpx.HTTPError as error:
                raise SeedingFailed(f"{error!r}") from error
    return created


async def _seed_account(http: httpx.AsyncClient, account: Account) -> int:
    await _enter(http, account)
    listings = [each for each in LISTINGS if each.seller == account.email]
    if not listings or await _has_upcoming(http):
        return 0
    for listing in listings:
        await _list(http, listing)
    return len(listings)


async def _enter(http: httpx.AsyncClient, account: Account) -> None:
    """Sign up first: a refused sign-in would stand in the log as a warning."""
    credentials = {"email": account.email, "password": account.password}
    answer = await http.post("/api/users/signup", json=credentials)
    if answer.status_code == httpx.codes.CONFLICT:
        answer = await http.post("/api/users/signin", json=credentials)
    _require_success(answer, account.email)


async def _has_upcoming(http: httpx.AsyncClient) -> bool:
    """Listings of a start long ago are over; then a fresh dozen is made."""
    answer = await http.get("/api/tickets/mine", params={"limit": 100})
    _require_success(answer, "own listings")
    now = datetime.now(UTC)
    return any(_starts_after(ticket, now) for ticket in answer.json())


def _starts_after(ticket: dict[str, Any], now: datetime) -> bool:
    starts_at = ticket.get("starts_at")
    return starts_at is not None and datetime.fromisoformat(starts_at) > now


async def _list(http: httpx.AsyncClient, listing: Listing) -> None:
    today = datetime.now(UTC).date()
    answer = await http.post("/api/tickets", json=listing.body(today))
    _require_success(answer, listing.title)


def _require_success(answer: httpx.Response, what: str) -> None:
    if not answer.is_success:
        raise SeedingFailed(f"{what}: {answer.status_code} {answer.text[:300]}")
