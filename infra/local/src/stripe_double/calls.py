"""One call of the API: who calls, with which parameters, under which key."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from stripe_double.account import Account
from stripe_double.errors import JsonObject, StripeError, invalid_api_key
from stripe_double.forms import Params, parse_form


@dataclass(frozen=True)
class Answer:
    """Status and JSON text, as sent and as an idempotency key stores it."""

    status: int
    body: str


@dataclass(frozen=True)
class Call:
    """A request, read and authenticated.

    `publishable`: made with the publishable key, as a browser does.
    """

    operation: str
    method: str
    path: str
    values: JsonObject
    publishable: bool
    idempotency_key: str | None

    def params(self, allowed: frozenset[str]) -> Params:
        """Its parameters, if all of them are allowed."""
        return Params(self.values, allowed)

    @property
    def fingerprint(self) -> str:
        """What must be the same when an idempotency key is used again."""
        return json.dumps([self.method, self.path, self.values], sort_keys=True)


Operation = Callable[[Account, Call, str], JsonObject]


async def read_call(request: Request, operation: str, account: Account) -> Call:
    """Read the form or query; 401 for a key that is not this account's."""
    text = request.url.query
    if request.method == "POST":
        text = (await request.body()).decode()
    values = parse_form(text)
    key = _api_key(request) or str(values.pop("key", ""))
    settings = account.settings
    if key not in (settings.stripe_secret_key, settings.stripe_publishable_key):
        raise invalid_api_key(key)
    return Call(
        operation=operation,
        method=request.method,
        path=request.url.path,
        values=values,
        publishable=key == settings.stripe_publishable_key,
        idempotency_key=request.headers.get("idempotency-key") or None,
    )


def _api_key(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def secret_key_required() -> StripeError:
    """A browser's key where only the server's will do."""
    return StripeError(
        401,
        {
            "type": "invalid_request_error",
            "code": "secret_key_required",
            "message": "This API call cannot be made with a publishable API key. "
            "Please use a secret API key.",
        },
        stored=False,
    )
