"""Stripe's errors: `{"error": {type, code, message, …}}` and a status."""

from typing import Any

JsonObject = dict[str, Any]

DOC_URL = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer other than 200.

    `keeps_changes`: the operation ran and left its mark although it failed, as
    a declined card does; otherwise everything it did is undone.
    `stored`: an idempotency key remembers this answer. Stripe stores nothing
    when the endpoint never began, as with wrong parameters or a key in use.
    """

    def __init__(
        self,
        status: int,
        error: JsonObject,
        *,
        keeps_changes: bool = False,
        stored: bool = True,
    ) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error
        self.keeps_changes = keeps_changes
        self.stored = stored

    def body(self) -> JsonObject:
        """The JSON body that Stripe sends for this error."""
        error = {name: value for name, value in self.error.items() if value is not None}
        if "code" in error:
            error["doc_url"] = DOC_URL + str(error["code"]).replace("_", "-")
        return {"error": error}


def invalid_request(
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    status: int = 400,
) -> StripeError:
    """A request that makes no sense to the state it meets."""
    return StripeError(
        status,
        {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
        },
    )


def invalid_parameter(message: str, param: str, code: str | None = None) -> StripeError:
    """A parameter refused before the operation begins, hence not stored."""
    error = invalid_request(message, code=code, param=param)
    error.stored = False
    return error


def resource_missing(noun: str, object_id: str, param: str) -> StripeError:
    """404 for an id nobody has."""
    return invalid_request(
        f"No such {noun}: '{object_id}'",
        code="resource_missing",
        param=param,
        status=404,
    )


def unexpected_state(message: str, intent: JsonObject) -> StripeError:
    """400 with the intent inside, as it is: its state forbids the operation."""
    error = invalid_request(message, code="payment_intent_unexpected_state")
    error.error["payment_intent"] = intent
    return error


def invalid_api_key(key: str) -> StripeError:
    """401; the key is shown masked."""
    shown = f"{key[:8]}{'*' * 8}" if key else "(none)"
    error = invalid_request(f"Invalid API Key provided: {shown}", status=401)
    error.stored = False
    return error
