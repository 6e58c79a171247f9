"""The routes of Stripe's API that the double answers."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_double import faults, idempotency
from stripe_double import operations as ops
from stripe_double.account import Account, JournalEntry
from stripe_double.calls import Answer, Call, Operation, read_call
from stripe_double.chaos import Fault
from stripe_double.errors import StripeError
from stripe_double.ids import new_id

INTENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"
ENDPOINTS: tuple[tuple[str, str, str, Operation], ...] = (
    ("POST", INTENTS, "payment_intents.create", ops.create_intent),
    (
        "GET",
        INTENTS,
        "payment_intents.list",
        ops.listing("payment_intent", "customer"),
    ),
    ("GET", INTENTS + "/{id}", "payment_intents.retrieve", ops.retrieve_intent),
    ("POST", INTENTS + "/{id}", "payment_intents.update", ops.update_intent),
    ("POST", INTENTS + "/{id}/confirm", "payment_intents.confirm", ops.confirm_intent),
    ("POST", INTENTS + "/{id}/cancel", "payment_intents.cancel", ops.cancel_intent),
    ("POST", INTENTS + "/{id}/capture", "payment_intents.capture", ops.capture_intent),
    ("POST", REFUNDS, "refunds.create", ops.create_refund),
    (
        "GET",
        REFUNDS,
        "refunds.list",
        ops.listing("refund", "payment_intent", "charge"),
    ),
    ("GET", REFUNDS + "/{id}", "refunds.retrieve", ops.retrieve("refund")),
    ("POST", REFUNDS + "/{id}", "refunds.update", ops.update_refund),
    ("GET", "/v1/events", "events.list", ops.listing("event", "type")),
    ("GET", "/v1/events/{id}", "events.retrieve", ops.retrieve("event")),
    ("GET", "/v1/charges", "charges.list", ops.listing("charge", "payment_intent")),
    ("GET", "/v1/charges/{id}", "charges.retrieve", ops.retrieve("charge")),
    ("GET", "/v1/disputes", "disputes.list", ops.listing("dispute", "payment_intent")),
    ("GET", "/v1/disputes/{id}", "disputes.retrieve", ops.retrieve("dispute")),
    ("POST", "/v1/payment_methods", "payment_methods.create", ops.create_method),
)


def routes(account: Account) -> list[Route]:
    """Every endpoint, each with its operation."""
    return [
        Route(path, _handler(account, name, operation), methods=[method])
        for method, path, name, operation in ENDPOINTS
    ]


def _handler(
    account: Account, name: str, operation: Operation
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            call = await read_call(request, name, account)
        except StripeError as error:
            return _response(idempotency.as_answer(error))
        return await _answer(account, call, request, operation)

    return handle


async def _answer(
    account: Account, call: Call, request: Request, operation: Operation
) -> Response:
    try:
        stored = idempotency.find_answer(account, call)
    except StripeError as error:
        answer = idempotency.as_answer(error)
        _note(account, call, answer.status)
        return _response(answer)
    if stored is not None:
        _note(account, call, stored.status, replayed=True)
        return _response(stored, replayed=True)
    key = call.idempotency_key if call.method == "POST" else None
    if key is None:
        return await _execute(account, call, request, operation)
    account.keys_in_use.add(key)
    try:
        return await _execute(account, call, request, operation)
    finally:
        account.keys_in_use.discard(key)


async def _execute(
    account: Account, call: Call, request: Request, operation: Operation
) -> Response:
    before = account.chaos.take_fault(call.operation, "before")
    instead = await faults.show(before)
    if instead is not None:
        _note(account, call, instead.status_code, fault=before)
        return instead
    object_id = str(request.path_params.get("id", ""))
    # The 3-D Secure page is where this caller reaches the double.
    account.base_url = str(request.base_url).rstrip("/")
    answer = idempotency.run(account, call, object_id, operation)
    after = account.chaos.take_fault(call.operation, "after")
    _note(account, call, answer.status, fault=after or before)
    return await faults.show(after) or _response(answer)


def _note(
    account: Account,
    call: Call,
    status: int,
    *,
    replayed: bool = False,
    fault: Fault | None = None,
) -> None:
    account.journal.append(
        JournalEntry(
            operation=call.operation,
            path=call.path,
            idempotency_key=call.idempotency_key,
            status=status,
            replayed=replayed,
            fault=None if fault is None else f"{fault.how} {fault.when}",
        )
    )


def _response(answer: Answer, *, replayed: bool = False) -> Response:
    headers = {"Request-Id": new_id("req")[:18], "Cache-Control": "no-store"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.body, answer.status, headers, media_type="application/json")


async def not_found(request: Request, _: Exception) -> Response:
    """Stripe's answer for an address it does not know."""
    error = {
        "type": "invalid_request_error",
        "message": f"Unrecognized request URL ({request.method}: {request.url.path}).",
    }
    return Response(json.dumps({"error": error}), 404, media_type="application/json")
