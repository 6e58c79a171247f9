"""The docs pages in a real browser: everything comes from our own site."""

from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from embedded.testing import RunningStack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
]

PREFIXES: Final = ("/api/users", "/api/tickets", "/api/orders", "/api/payments")


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a9_the_docs_page_needs_nobody_else(
    prefix: str, chromium: Browser, patient_stack: RunningStack
) -> None:
    gateway = patient_stack.gateway
    page = await chromium.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        await page.goto(f"{gateway}{prefix}/docs")
        await _try_first_operation(page)
    finally:
        await page.close()

    # The small pictures of Swagger UI are part of its style sheet.
    assert all(url.startswith((gateway, "data:")) for url in asked)
    assert f"{gateway}{prefix}/openapi.json" in asked
    assert complaints == []


async def test_a9_the_docs_page_can_try_a_route(
    chromium: Browser, patient_stack: RunningStack
) -> None:
    page = await chromium.new_page()
    try:
        await page.goto(f"{patient_stack.gateway}/api/tickets/docs")
        await page.locator(".opblock-summary-control").first.click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        answer = page.locator(".live-responses-table .response-col_status").nth(1)
        await expect(answer).to_have_text("200")
    finally:
        await page.close()


async def _try_first_operation(page: Page) -> None:
    """Open a route of the page and see what it can answer."""
    await page.locator(".opblock-summary-control").first.click()
    await expect(page.locator(".responses-table").first).to_be_visible()
    await expect(page.locator(".response-col_status").first).to_be_visible()
