"""Intents: how they begin, what they refuse, how they are found again."""

import uuid
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
import stripe
from stripe.params import PaymentIntentCreateParams, PaymentIntentUpdateParams

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]


async def test_a_new_intent_waits_for_a_payment_method(make_intent: MakeIntent) -> None:
    intent = await make_intent(metadata={"order": "7"}, description="Front row")
    assert intent.status == "requires_payment_method"
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert (intent.amount, intent.currency) == (5000, "usd")
    assert (intent.amount_capturable, intent.amount_received) == (0, 0)
    assert intent.metadata.to_dict() == {"order": "7"}
    assert intent.capture_method == "manual"
    assert intent.payment_method_types == ["card"]
    assert intent.latest_charge is None
    assert intent.last_payment_error is None
    assert intent.livemode is False


async def test_an_intent_made_with_a_method_waits_for_confirmation(
    make_intent: MakeIntent,
) -> None:
    intent = await make_intent(payment_method="pm_card_visa")
    assert intent.status == "requires_confirmation"


async def test_the_currency_is_lower_cased(make_intent: MakeIntent) -> None:
    assert (await make_intent(currency="USD")).currency == "usd"


async def test_r57_a_currency_without_decimals_counts_whole_units(
    make_intent: MakeIntent,
) -> None:
    assert (await make_intent(amount=1000, currency="jpy")).amount == 1000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await make_intent(amount=49, currency="jpy")
    assert refused.value.code == "amount_too_small"


@pytest.mark.parametrize(
    ("overrides", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "10.50"}, "parameter_invalid_integer", "amount"),
        ({"amount": ""}, None, "amount"),
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ({"currency": "zzz"}, None, "currency"),
        ({"surprise": "1"}, "parameter_unknown", "surprise"),
    ],
)
async def test_r56_wrong_parameters_are_refused(
    make_intent: MakeIntent, overrides: dict[str, object], code: str, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await make_intent(**overrides)
    assert refused.value.http_status == 400
    assert refused.value.param == param
    if code is not None:
        assert refused.value.code == code


async def test_amount_and_currency_are_required(client: stripe.StripeClient) -> None:
    nothing = cast("PaymentIntentCreateParams", {"currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.create_async(nothing)
    assert refused.value.code == "parameter_missing"
    assert refused.value.param == "amount"


async def test_an_unknown_intent_is_404(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await client.v1.payment_intents.retrieve_async("pi_nobodyhasthisone")
    assert missing.value.http_status == 404
    assert missing.value.code == "resource_missing"


async def test_a_wrong_key_is_401(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.AuthenticationError) as refused:
        await client.v1.payment_intents.retrieve_async(
            intent.id, options={"api_key": "sk_test_wrong"}
        )
    assert refused.value.http_status == 401


async def test_metadata_is_merged_and_an_empty_value_removes_its_key(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent(metadata={"order": "7", "stale": "yes"})
    await client.v1.payment_intents.update_async(
        intent.id, {"metadata": {"stale": "", "attempt": "2"}}
    )
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert read.metadata.to_dict() == {"order": "7", "attempt": "2"}


async def test_the_amount_changes_only_before_the_money_is_held(
    client: stripe.StripeClient, make_intent: MakeIntent, make_held: MakeIntent
) -> None:
    intent, held = await make_intent(), await make_held()
    params: PaymentIntentUpdateParams = {"amount": 6000}
    changed = await client.v1.payment_intents.update_async(intent.id, params)
    assert changed.amount == 6000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.update_async(held.id, params)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_lists_go_newest_first_and_page_by_cursor(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    made = [(await make_intent()).id for _ in range(3)]
    first = await client.v1.payment_intents.list_async({"limit": 2})
    assert first.has_more
    rest = await client.v1.payment_intents.list_async(
        {"limit": 2, "starting_after": first.data[-1].id}
    )
    listed = [intent.id for intent in [*first.data, *rest.data]]
    assert listed[:3] == made[::-1]


async def test_lists_filter_by_creation_time(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    since = await client.v1.payment_intents.list_async(
        {"created": {"gte": intent.created}}
    )
    assert intent.id in [listed.id for listed in since.data]
    later = await client.v1.payment_intents.list_async(
        {"created": {"gt": intent.created + 60}}
    )
    assert later.data == []


async def test_the_charge_of_an_intent_can_be_expanded(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    read = await client.v1.payment_intents.retrieve_async(
        held.id, {"expand": ["latest_charge"]}
    )
    charge = read.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.amount, charge.captured, charge.status) == (5000, False, "succeeded")
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.capture_before is not None
    assert charge.payment_method_details.card.capture_before > charge.created


async def test_the_charges_of_a_list_can_be_expanded(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    listed = await client.v1.payment_intents.list_async(
        {"limit": 1, "expand": ["data.latest_charge"]}
    )
    assert listed.data[0].id == held.id
    assert isinstance(listed.data[0].latest_charge, stripe.Charge)


async def test_two_intents_never_share_a_secret(make_intent: MakeIntent) -> None:
    key = str(uuid.uuid4())
    one, other = await make_intent(metadata={"k": key}), await make_intent()
    assert one.client_secret != other.client_secret
