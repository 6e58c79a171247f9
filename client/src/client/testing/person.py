"""A person at a real browser: what one does on the pages, and what went wrong there.

Each step waits for the state of the page that it needs, never for time to pass.
"""

import re
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    FrameLocator,
    Locator,
    Page,
    expect,
)

from client.wording import Stage
from common.ids import new_id

PASSWORD: Final = "correct-horse-battery"  # noqa: S105 - of people who do not exist
GOOD_CARD: Final = "4242 4242 4242 4242"
POOR_CARD: Final = "4000 0000 0000 9995"
CHALLENGED_CARD: Final = "4000 0025 0000 3155"
PATIENCE_MS: Final = 45_000
CARD_FRAME: Final = 'iframe[title="Secure payment input frame"]'

_BANK: Final = 'dialog[aria-label="3-D Secure authentication"] > iframe'
_REFUSED = re.compile(
    r"Failed to load resource: .* status of (?P<status>\d{3})"
    r" .*\(https?://[^/]+(?P<path>/[^?)]*).*\)"
)

BankAnswer = Literal["Complete authentication", "Fail authentication"]


class Person:
    """Somebody at a browser of his own.

    ``complaints`` is what the browser found wrong: errors on the console, scripts
    that failed, and whatever the content security policy refused. An answer with an
    error status is reported there too and has to be expected to be forgiven.
    """

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.email = f"{new_id()}@example.com"
        self._expected: set[int] = set()
        self._missing: set[str] = set()
        self._noticed: list[str] = []
        self.watch(page)

    @property
    def complaints(self) -> list[str]:
        return [text for text in self._noticed if not self._is_expected(text)]

    def expects(self, *statuses: int) -> None:
        """Forgive the browser's notes on answers with these statuses."""
        self._expected.update(statuses)

    def expects_missing(self, path: str) -> None:
        """Forgive the note that there is no page at this address."""
        self._missing.add(path)

    def watch(self, page: Page) -> None:
        """Listen to what the browser says of one more page."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._noticed.append(str(error)))

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    async def open(self, path: str) -> None:
        await self.page.goto(path)

    async def press(self, name: str) -> None:
        """Press the button or follow the link in the page that has this name."""
        button = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        await self.find("main").locator(button.or_(link)).click()

    async def press_in_header(self, name: str) -> None:
        """Follow the link in the page's head that has this name."""
        await self.find("header nav").get_by_role("link", name=name).click()

    async def fill(self, **fields: str) -> None:
        """Type into the fields of these ids."""
        for name, text in fields.items():
            await self.find(f"#{name}").fill(text)

    async def join(self) -> None:
        """Open an account and be signed in, without the pages for it."""
        account = {"email": self.email, "password": PASSWORD}
        answer = await self.context.request.post("/api/users/signup", data=account)
        assert answer.ok, await answer.text()  # noqa: S101 - only tests come here

    async def sign_up(self) -> None:
        """Fill in the form that is open, and wait to be taken on from it."""
        await self.fill(email=self.email, password=PASSWORD)
        await self.find("#submit").click()
        await expect(self.page).not_to_have_url(re.compile("/signup"))

    async def sign_in(self) -> None:
        """Fill in the form that is open, and wait to be taken on from it."""
        await self.fill(email=self.email, password=PASSWORD)
        await self.find("#submit").click()
        await expect(self.page).not_to_have_url(re.compile("/signin"))

    async def reserve(self, ticket_id: str) -> str:
        """Buy from the ticket's page; return the order once it can be paid."""
        await self.open(f"/tickets/{ticket_id}")
        await self.find("#buy").click()
        await self.reach("pay")
        return self.order_id

    @property
    def path(self) -> str:
        """The page that is open, without its query."""
        return urlsplit(self.page.url).path

    @property
    def order_id(self) -> str:
        """The order whose page is open."""
        return self.path.rpartition("/orders/")[2]

    async def reach(self, stage: Stage) -> None:
        """Wait until the order's page shows this stage."""
        await expect(self.find(f'#order[data-stage="{stage}"]')).to_be_visible()

    async def pay_with(self, card: str) -> None:
        """Type a card into Stripe's form, once it is there, and pay."""
        await expect(self.find("#pay")).to_be_enabled()
        form = self.card_form
        await form.get_by_label("Card number").fill(card)
        await form.get_by_label("Expiry date").fill("12 / 34")
        await form.get_by_label("CVC").fill("123")
        await self.find("#pay").click()

    @property
    def card_form(self) -> FrameLocator:
        return self.page.frame_locator(CARD_FRAME)

    @property
    def bank(self) -> FrameLocator:
        """The page of 3-D Secure, in its frame over ours."""
        return self.page.frame_locator(_BANK)

    async def tell_the_bank(self, answer: BankAnswer) -> None:
        await self.bank.get_by_role("button", name=answer).click()

    async def turn_page(self) -> None:
        """Close the page and go on in a new one, as after closing a tab."""
        fresh = await self.context.new_page()
        self.watch(fresh)
        await self.page.close()
        self.page = fresh

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._noticed.append(f"{message.text} ({message.location.get('url')})")

    def _is_expected(self, text: str) -> bool:
        match = _REFUSED.search(text)
        if match is None:
            return False
        return int(match["status"]) in self._expected or match["path"] in self._missing
