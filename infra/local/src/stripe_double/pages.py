"""What a browser loads from the double: Stripe.js, its frame, the 3-D Secure page."""

from html import escape
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from stripe_double import challenges
from stripe_double.account import Account
from stripe_double.currencies import written
from stripe_double.errors import JsonObject, StripeError

BROWSER = Path(__file__).parent / "browser"
ASSETS = {
    "stripe.js": "text/javascript",
    "payment-frame.js": "text/javascript",
    "payment-frame.css": "text/css",
    "challenge.js": "text/javascript",
    "challenge.css": "text/css",
}
# The frames run the double's own scripts and nothing else.
FRAME_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; form-action *; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages:
    """The handlers of everything a browser loads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """Every page and asset."""
        return [
            Route("/v3/", self.script),
            Route("/v3", self.script),
            Route("/v3/{name}", self.asset),
            Route("/elements/payment", self.payment_frame),
            Route("/3ds/{token}", self.challenge, methods=["GET"]),
            Route("/3ds/{token}", self.decide, methods=["POST"]),
        ]

    async def script(self, _: Request) -> Response:
        """Stripe.js."""
        return _asset("stripe.js")

    async def asset(self, request: Request) -> Response:
        """A script or style sheet by name."""
        name = request.path_params["name"]
        return _asset(name) if name in ASSETS else Response(status_code=404)

    async def payment_frame(self, _: Request) -> Response:
        """The frame with the card fields."""
        html = (BROWSER / "payment-frame.html").read_text()
        return HTMLResponse(html, headers=FRAME_HEADERS)

    async def challenge(self, request: Request) -> Response:
        """The page where the buyer authenticates."""
        try:
            challenge, intent = challenges.find(
                self._account, request.path_params["token"]
            )
        except StripeError as error:
            return HTMLResponse(escape(str(error)), error.status)
        if not challenges.is_open(challenge, intent):
            return _page(_over(intent))
        return _page(_question(intent))

    async def decide(self, request: Request) -> Response:
        """Apply the buyer's choice, then lead back to the shop's page."""
        token = request.path_params["token"]
        body = (await request.body()).decode()
        try:
            with self._account.store.transaction():
                intent = challenges.finish(
                    self._account, token, authenticated=body == "outcome=complete"
                )
        except StripeError as error:
            return HTMLResponse(escape(str(error)), error.status)
        challenge, _ = challenges.find(self._account, token)
        if challenge["return_url"] is None:
            return _page(_over(intent))
        url = returning_url(str(challenge["return_url"]), intent)
        return RedirectResponse(url, 303)


def returning_url(return_url: str, intent: JsonObject) -> str:
    """The shop's address with what Stripe adds to it after a redirect."""
    is_paid = intent["status"] in ("succeeded", "requires_capture", "processing")
    added = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if is_paid else "failed",
        }
    )
    parts = urlsplit(return_url)
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def _asset(name: str) -> Response:
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    return FileResponse(BROWSER / name, media_type=ASSETS[name], headers=headers)


def _question(intent: JsonObject) -> str:
    amount = escape(written(int(intent["amount"]), str(intent["currency"])))
    return f"""
<h1>3-D Secure test page</h1>
<p>Your bank asks whether this payment of <strong>{amount}</strong> is yours.
No money moves here: this is the Stripe double.</p>
<form method="post">
<button name="outcome" value="complete">Complete authentication</button>
<button name="outcome" value="fail" class="quiet">Fail authentication</button>
</form>"""


def _over(intent: JsonObject) -> str:
    return f"""
<h1>Thank you</h1>
<p id="over" data-intent="{escape(str(intent["id"]))}">This step is over.
You can go back to the shop.</p>"""


def _page(content: str) -> Response:
    html = (BROWSER / "challenge.html").read_text().replace("<!-- content -->", content)
    return HTMLResponse(html, headers=FRAME_HEADERS)
