"""Security headers on everything the pages answer, errors and files included."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client.settings import Settings

_STRIPE_ITSELF = "https://js.stripe.com"
_HSTS = "max-age=31536000; includeSubDomains"


def content_security_policy(settings: Settings) -> str:
    """Only our own files and Stripe.js may run; nothing inline, no framing of us.

    Stripe's own list (docs.stripe.com/security/guide) adds its API and the frames
    of 3-D Secure when the script really is Stripe's.
    """
    stripe = settings.stripe_js_origin
    extra = " https://api.stripe.com" if stripe == _STRIPE_ITSELF else ""
    frames = " https://hooks.stripe.com" if stripe == _STRIPE_ITSELF else ""
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' {stripe}",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": f"'self' {stripe}{extra}",
        "frame-src": f"{stripe}{frames}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def security_headers(settings: Settings, scheme: str) -> dict[str, str]:
    """The headers of one response; HSTS only makes sense, and is sent, over TLS."""
    found = {
        "content-security-policy": content_security_policy(settings),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }
    return {**found, "strict-transport-security": _HSTS} if scheme == "https" else found


class SecurityHeaders:
    """Adds the headers to each response that does not set them itself."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._by_scheme: Mapping[str, Mapping[str, str]] = {
            scheme: security_headers(settings, scheme) for scheme in ("http", "https")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = self._by_scheme.get(scope["scheme"], self._by_scheme["http"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in wanted.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
