"""Paying: holds, declines, 3-D Secure, captures and voids."""

from collections.abc import Awaitable, Callable

import pytest
import stripe

pytestmark = pytest.mark.asyncio
MakeIntent = Callable[..., Awaitable[stripe.PaymentIntent]]

DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    (
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
    ),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    (
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "card_declined",
        "card_velocity_exceeded",
    ),
]
CHALLENGED = ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"]


async def test_manual_capture_holds_the_money(make_held: MakeIntent) -> None:
    held = await make_held()
    assert held.status == "requires_capture"
    assert (held.amount_capturable, held.amount_received) == (5000, 0)
    assert held.latest_charge is not None


async def test_automatic_capture_takes_it_at_once(make_held: MakeIntent) -> None:
    paid = await make_held(capture_method="automatic")
    assert paid.status == "succeeded"
    assert (paid.amount_capturable, paid.amount_received) == (0, 5000)


@pytest.mark.parametrize(("method", "code", "decline_code"), DECLINES)
async def test_r35_a_decline_names_its_reason_and_leaves_the_intent_open(
    client: stripe.StripeClient,
    make_intent: MakeIntent,
    method: str,
    code: str,
    decline_code: str | None,
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": method}
        )
    assert declined.value.http_status == 402
    assert declined.value.code == code
    read = await client.v1.payment_intents.retrieve_async(intent.id)
    assert read.status == "requires_payment_method"
    assert read.last_payment_error is not None
    assert read.last_payment_error.type == "card_error"
    assert read.last_payment_error.code == code
    assert read.last_payment_error.message
    # Only card_declined has a documented decline code of its own.
    assert read.last_payment_error.to_dict().get("decline_code") in (
        {decline_code} if decline_code else {None, code}
    )


async def test_r35_another_card_pays_the_same_intent_after_a_decline(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.CardError):
        await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_visa_chargeDeclined"}
        )
    held = await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_mastercard"}
    )
    assert held.id == intent.id
    assert held.status == "requires_capture"
    assert held.last_payment_error is None


async def test_an_intent_created_with_a_declined_card_exists_nevertheless(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    with pytest.raises(stripe.CardError) as declined:
        await make_held(payment_method="pm_card_visa_chargeDeclined")
    assert declined.value.error is not None
    assert declined.value.error.payment_intent is not None
    intent_id = declined.value.error.payment_intent.id
    read = await client.v1.payment_intents.retrieve_async(intent_id)
    assert read.status == "requires_payment_method"


async def test_confirming_without_a_method_is_an_unexpected_state(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.confirm_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_r34_a_held_intent_cannot_be_confirmed_again(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.confirm_async(
            held.id, {"payment_method": "pm_card_visa"}
        )
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "requires_capture"


@pytest.mark.parametrize("method", CHALLENGED)
async def test_a_challenged_card_asks_for_action(
    client: stripe.StripeClient, make_intent: MakeIntent, method: str
) -> None:
    intent = await make_intent()
    asked = await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": method, "use_stripe_sdk": True}
    )
    assert asked.status == "requires_action"
    assert asked.next_action is not None
    assert asked.next_action.type == "use_stripe_sdk"
    assert asked.amount_capturable == 0


async def test_a_return_url_makes_the_challenge_a_redirect(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    asked = await client.v1.payment_intents.confirm_async(
        intent.id,
        {
            "payment_method": "pm_card_threeDSecure2Required",
            "return_url": "https://shop.example/orders/7",
        },
    )
    assert asked.next_action is not None
    assert asked.next_action.type == "redirect_to_url"
    assert asked.next_action.redirect_to_url is not None
    assert asked.next_action.redirect_to_url.url


async def test_r36_an_abandoned_challenge_can_be_voided(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    asked = await make_held(payment_method="pm_card_threeDSecure2Required")
    assert asked.status == "requires_action"
    voided = await client.v1.payment_intents.cancel_async(asked.id)
    assert voided.status == "canceled"
    assert voided.next_action is None


async def test_capture_takes_what_is_held(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    paid = await client.v1.payment_intents.capture_async(held.id)
    assert paid.status == "succeeded"
    assert (paid.amount_capturable, paid.amount_received) == (0, 5000)


async def test_capturing_less_releases_the_rest(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    paid = await client.v1.payment_intents.capture_async(
        held.id, {"amount_to_capture": 2000}
    )
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    assert paid.amount_capturable == 0


async def test_more_than_the_hold_cannot_be_captured(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.capture_async(
            held.id, {"amount_to_capture": 5001}
        )
    assert refused.value.http_status == 400
    read = await client.v1.payment_intents.retrieve_async(held.id)
    assert read.status == "requires_capture"


async def test_r31_capturing_twice_is_refused_with_the_intent_inside(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    await client.v1.payment_intents.capture_async(held.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.capture_async(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "succeeded"


async def test_r33_a_cancelled_hold_cannot_be_captured(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    await client.v1.payment_intents.cancel_async(held.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.capture_async(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "canceled"


async def test_an_intent_without_a_hold_cannot_be_captured(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.capture_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_r37_cancelling_releases_the_hold_and_says_why(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    voided = await client.v1.payment_intents.cancel_async(
        held.id, {"cancellation_reason": "abandoned"}
    )
    assert voided.status == "canceled"
    assert voided.cancellation_reason == "abandoned"
    assert voided.canceled_at is not None
    assert (voided.amount_capturable, voided.amount_received) == (0, 0)


async def test_r37_a_succeeded_intent_cannot_be_cancelled(
    client: stripe.StripeClient, make_held: MakeIntent
) -> None:
    held = await make_held()
    await client.v1.payment_intents.capture_async(held.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.cancel_async(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "succeeded"


async def test_r37_cancelling_twice_is_refused(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await client.v1.payment_intents.cancel_async(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.cancel_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_a_cancelled_intent_cannot_be_paid(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    await client.v1.payment_intents.cancel_async(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_visa"}
        )
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_an_unknown_reason_to_cancel_is_refused(
    client: stripe.StripeClient, make_intent: MakeIntent
) -> None:
    intent = await make_intent()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.cancel_async(
            intent.id,
            {"cancellation_reason": "bored"},
        )
    assert refused.value.param == "cancellation_reason"
