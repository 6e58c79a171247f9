"""What the pages need to know about where they run."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment; field names upper-cased are the variables."""

    auth_url: str = "http://127.0.0.1:8001"
    tickets_url: str = "http://127.0.0.1:8002"
    orders_url: str = "http://127.0.0.1:8003"
    payments_url: str = "http://127.0.0.1:8004"
    stripe_publishable_key: str = ""
    stripe_js_url: str = "https://js.stripe.com/v3/"
    currency: str = "usd"
    request_timeout_seconds: float = Field(default=5.0, gt=0)
    max_connections: int = Field(default=200, ge=1)

    @field_validator("auth_url", "tickets_url", "orders_url", "payments_url")
    @classmethod
    def _without_trailing_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def stripe_js_origin(self) -> str:
        """The origin the browser loads Stripe.js from, as a CSP source."""
        parts = urlsplit(self.stripe_js_url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
