"""Idempotency keys: the first answer of a key is its answer for good.

Source: https://docs.stripe.com/api/idempotent_requests. Only POST takes keys.
Answers of endpoints that never began (wrong parameters, wrong API key, a key in
use) are not stored; declines and refused states are.
"""

import json

from stripe_double.account import Account
from stripe_double.calls import Answer, Call, Operation
from stripe_double.errors import StripeError


def find_answer(account: Account, call: Call) -> Answer | None:
    """The stored answer, or None for a new key; errors for a misused one."""
    key = call.idempotency_key
    if key is None or call.method != "POST":
        return None
    if key in account.keys_in_use:
        raise key_in_use(key)
    row = account.store.find_key(key)
    if row is None:
        return None
    if row["fingerprint"] != call.fingerprint:
        raise parameters_differ(key)
    return Answer(row["status"], row["body"])


def run(account: Account, call: Call, object_id: str, operation: Operation) -> Answer:
    """Run the operation and store its answer, in one transaction."""
    try:
        with account.store.transaction():
            answer = _answer(account, call, object_id, operation)
            _save(account, call, answer)
            return answer
    except StripeError as error:
        answer = as_answer(error)
        if error.stored:
            with account.store.transaction():
                _save(account, call, answer)
        return answer


def _answer(
    account: Account, call: Call, object_id: str, operation: Operation
) -> Answer:
    try:
        return Answer(200, json.dumps(operation(account, call, object_id)))
    except StripeError as error:
        if not error.keeps_changes:
            raise
        return as_answer(error)


def _save(account: Account, call: Call, answer: Answer) -> None:
    if call.idempotency_key is not None and call.method == "POST":
        account.store.save_key(
            call.idempotency_key, call.fingerprint, answer.status, answer.body
        )


def as_answer(error: StripeError) -> Answer:
    """The error as it is sent."""
    return Answer(error.status, json.dumps(error.body()))


def key_in_use(key: str) -> StripeError:
    """409: another request with this key has not been answered yet."""
    return StripeError(
        409,
        {
            "type": "idempotency_error",
            "code": "idempotency_key_in_use",
            "message": "There is currently another in-progress request using this "
            "Stripe Idempotent Key (that probably means you submitted twice, and the "
            f"other request is still going through): {key}.",
        },
        stored=False,
    )


def parameters_differ(key: str) -> StripeError:
    """400: the key belongs to another request."""
    return StripeError(
        400,
        {
            "type": "idempotency_error",
            "message": "Keys for idempotent requests can only be used with the same "
            "parameters they were first used with. Try using a key other than "
            f"'{key}' if you meant to execute a different request.",
        },
        stored=False,
    )
