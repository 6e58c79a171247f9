"""What each endpoint of the API does, as `(account, call, id) -> object`."""

from stripe_double import charges, confirming, intents, methods, refunds
from stripe_double.account import Account, shown
from stripe_double.calls import Call, secret_key_required
from stripe_double.errors import JsonObject, StripeError, invalid_parameter
from stripe_double.forms import Params, names
from stripe_double.store import COMPARISONS, Page

PAGE_PARAMS = names("limit starting_after ending_before created expand")
RETRIEVE_PARAMS = frozenset({"expand", "client_secret"})
EXPANDABLE = {
    "latest_charge": "charge",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}
LARGEST_PAGE = 100


def _require_secret(call: Call) -> None:
    if call.publishable:
        raise secret_key_required()


def _view(account: Account, call: Call, stored: JsonObject) -> JsonObject:
    if call.publishable:
        return intents.public_view(stored)
    view = shown(stored)
    expand = call.values.get("expand") or []
    for path in expand:
        _expand(account, view, str(path))
    return view


def _expand(account: Account, view: JsonObject, path: str) -> None:
    name, _, rest = path.partition(".")
    if name not in EXPANDABLE or name not in view:
        raise invalid_parameter(f"This property cannot be expanded ({path}).", "expand")
    if view[name] is None:
        return
    view[name] = shown(account.get(EXPANDABLE[name], str(view[name])))
    if rest:
        _expand(account, view[name], rest)


def _intent_for(account: Account, call: Call, intent_id: str) -> JsonObject:
    if call.publishable:
        secret = call.values.get("client_secret")
        return intents.get_for_browser(account, intent_id, str(secret))
    return account.get(intents.KIND, intent_id, "intent")


def create_intent(account: Account, call: Call, _: str) -> JsonObject:
    """POST /v1/payment_intents, with `confirm=true` in the same step."""
    _require_secret(call)
    params = call.params(intents.CREATE_PARAMS)
    intent = intents.create(account, params)
    if params.flag("confirm"):
        confirming.confirm(account, intent, params, publishable=False)
    return _view(account, call, intent)


def retrieve_intent(account: Account, call: Call, intent_id: str) -> JsonObject:
    """GET /v1/payment_intents/{id}; with the publishable key, for a browser."""
    call.params(RETRIEVE_PARAMS)
    return _view(account, call, _intent_for(account, call, intent_id))


def update_intent(account: Account, call: Call, intent_id: str) -> JsonObject:
    """POST /v1/payment_intents/{id}."""
    _require_secret(call)
    params = call.params(intents.UPDATE_PARAMS)
    intent = _intent_for(account, call, intent_id)
    return _view(account, call, intents.update(account, intent, params))


def confirm_intent(account: Account, call: Call, intent_id: str) -> JsonObject:
    """POST /v1/payment_intents/{id}/confirm, by server or browser."""
    params = call.params(intents.CONFIRM_PARAMS)
    intent = _intent_for(account, call, intent_id)
    try:
        confirming.confirm(account, intent, params, publishable=call.publishable)
    except StripeError as error:
        if call.publishable and "payment_intent" in error.error:
            error.error["payment_intent"] = intents.public_view(intent)
        raise
    return _view(account, call, intent)


def cancel_intent(account: Account, call: Call, intent_id: str) -> JsonObject:
    """POST /v1/payment_intents/{id}/cancel."""
    _require_secret(call)
    params = call.params(intents.CANCEL_PARAMS)
    intent = _intent_for(account, call, intent_id)
    return _view(account, call, intents.cancel(account, intent, params))


def capture_intent(account: Account, call: Call, intent_id: str) -> JsonObject:
    """POST /v1/payment_intents/{id}/capture."""
    _require_secret(call)
    params = call.params(charges.CAPTURE_PARAMS)
    intent = _intent_for(account, call, intent_id)
    return _view(account, call, charges.capture(account, intent, params))


def create_refund(account: Account, call: Call, _: str) -> JsonObject:
    """POST /v1/refunds."""
    _require_secret(call)
    refund = refunds.create(account, call.params(refunds.CREATE_PARAMS))
    return _view(account, call, refund)


def update_refund(account: Account, call: Call, refund_id: str) -> JsonObject:
    """POST /v1/refunds/{id}."""
    _require_secret(call)
    params = call.params(refunds.UPDATE_PARAMS)
    refund = account.get("refund", refund_id)
    return _view(account, call, refunds.update(account, refund, params))


def create_method(account: Account, call: Call, _: str) -> JsonObject:
    """POST /v1/payment_methods, from the browser."""
    params = call.params(methods.CREATE_PARAMS)
    return shown(methods.create(account, params, publishable=call.publishable))


def retrieve(kind: str) -> "Reader":
    """GET of one object of `kind` by its id."""
    return Reader(kind, frozenset())


def listing(kind: str, *filters: str) -> "Reader":
    """GET of a page of `kind`, filtered by equality of top-level fields."""
    return Reader(kind, frozenset(filters) | PAGE_PARAMS)


class Reader:
    """Reads objects of one kind: one by id, or a page when there is none."""

    def __init__(self, kind: str, page_params: frozenset[str]) -> None:
        self._kind = kind
        self._page_params = page_params

    def __call__(self, account: Account, call: Call, object_id: str) -> JsonObject:
        """Answer the call; the secret key only."""
        _require_secret(call)
        if object_id:
            call.params(frozenset({"expand"}))
            return _view(account, call, account.get(self._kind, object_id))
        params = call.params(self._page_params)
        found, has_more = account.store.page(self._kind, self._page(account, params))
        views = [shown(item) for item in found]
        for path in params.texts("expand"):
            for view in views:
                _expand(account, view, path.removeprefix("data."))
        return {
            "object": "list",
            "data": views,
            "has_more": has_more,
            "url": call.path,
        }

    def _page(self, account: Account, params: Params) -> Page:
        limit = params.integer("limit") or 10
        if limit > LARGEST_PAGE:
            raise invalid_parameter(
                "This value must be less than or equal to 100.", "limit"
            )
        for cursor in ("starting_after", "ending_before"):
            if cursor in params:
                account.get(self._kind, params.required_text(cursor), cursor)
        fields = self._page_params - PAGE_PARAMS
        return Page(
            limit=limit,
            starting_after=params.text("starting_after"),
            ending_before=params.text("ending_before"),
            created=_created_range(params),
            matching=tuple(
                (name, params.required_text(name)) for name in fields if name in params
            ),
        )


def _created_range(params: Params) -> tuple[tuple[str, int], ...]:
    given = params.comparisons("created")
    for name, moment in given.items():
        if name not in COMPARISONS or not str(moment).isdigit():
            raise invalid_parameter(f"Invalid timestamp filter: {name}", "created")
    return tuple((name, int(moment)) for name, moment in given.items())
