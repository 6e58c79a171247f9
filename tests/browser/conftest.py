"""Real browsers, in front of the whole running system."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from client.testing.person import PATIENCE_MS, Person
from embedded.testing import RunningStack
from embedded.visitor import Json, Visitor

CHROMIUM: Final = os.environ.get("CHROMIUM") or shutil.which("chromium")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

DESKTOP: Final = 1280
HEIGHT: Final = 900

Scheme = Literal["light", "dark"]
Come = Callable[..., Awaitable[Person]]
Offer = Callable[..., Awaitable[Json]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each person gets a profile of his own in it."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium; install it or name it by CHROMIUM")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def come(chromium: Browser, patient_stack: RunningStack) -> AsyncIterator[Come]:
    """Bring people with browsers; at the end these must have had no complaint.

    They are signed in, in a light window on a desk with scripts on, unless the call
    says `signed_in=False`, `scheme="dark"`, `width=320` or `script=False`.
    """
    async with _crowd(chromium, patient_stack) as come:
        yield come


@pytest_asyncio.fixture(loop_scope="session")
async def come_in_haste(chromium: Browser, stack: RunningStack) -> AsyncIterator[Come]:
    """Bring people to the system whose orders last ten seconds."""
    async with _crowd(chromium, stack) as come:
        yield come


@pytest.fixture
def offer() -> Offer:
    """Put a ticket on sale that can be bought at once; return it."""

    async def put_on_sale(seller: Visitor, **fields: object) -> Json:
        ticket = await seller.list_ticket(**fields)
        await seller.order_is_possible(ticket["id"])
        return ticket

    return put_on_sale


@asynccontextmanager
async def _crowd(browser: Browser, stack: RunningStack) -> AsyncIterator[Come]:
    people: list[Person] = []

    async with AsyncExitStack() as leaving:

        async def come(
            *,
            signed_in: bool = True,
            script: bool = True,
            scheme: Scheme = "light",
            width: int = DESKTOP,
        ) -> Person:
            context = await browser.new_context(
                base_url=stack.gateway,
                java_script_enabled=script,
                color_scheme=scheme,
                viewport={"width": width, "height": HEIGHT},
            )
            leaving.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            person = Person(context, await context.new_page())
            people.append(person)
            if signed_in:
                await person.join()
            return person

        yield come
    assert [text for person in people for text in person.complaints] == []
