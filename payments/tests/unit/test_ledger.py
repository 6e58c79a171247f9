"""The ledger holds each movement that Stripe shows, once."""

from dataclasses import replace

from payments.intents import Intent, IntentStatus, Refund, RefundStatus
from payments.ledger import Kind, Known, Movement, movements

HELD = Intent(
    id="pi_1",
    status=IntentStatus.REQUIRES_CAPTURE,
    amount=2_200,
    currency="usd",
    held=2_200,
)
TAKEN = replace(HELD, status=IntentStatus.SUCCEEDED, held=0, received=2_200)
CANCELED = replace(HELD, status=IntentStatus.CANCELED, held=0)


def known(*entries: Movement) -> Known:
    """Return what a ledger with these entries knows."""
    return {(entry.kind, entry.stripe_id): entry.amount for entry in entries}


AUTHORISED = Movement(Kind.AUTHORISE, "pi_1", 2_200)
CAPTURED = Movement(Kind.CAPTURE, "pi_1", 2_200)


def test_what_is_known_is_not_entered_again() -> None:
    assert movements(HELD, {}) == [AUTHORISED]
    assert movements(HELD, known(AUTHORISED)) == []
    assert movements(TAKEN, known(AUTHORISED)) == [CAPTURED]
    assert movements(TAKEN, known(AUTHORISED, CAPTURED)) == []


def test_money_taken_between_two_looks_is_entered_whole() -> None:
    assert movements(TAKEN, {}) == [AUTHORISED, CAPTURED]


def test_only_what_was_held_can_be_voided() -> None:
    assert movements(CANCELED, {}) == []
    assert movements(CANCELED, known(AUTHORISED)) == [
        Movement(Kind.VOID, "pi_1", 2_200)
    ]


def test_a_refund_counts_when_it_succeeds_and_again_when_it_fails() -> None:
    def after(status: RefundStatus, *entries: Movement) -> list[Movement]:
        refund = Refund("re_1", status, 2_200)
        intent = replace(TAKEN, refunds=(refund,))
        return movements(intent, known(AUTHORISED, CAPTURED, *entries))

    refunded = Movement(Kind.REFUND, "re_1", 2_200)
    assert after(RefundStatus.PENDING) == []
    assert after(RefundStatus.FAILED) == []
    assert after(RefundStatus.SUCCEEDED) == [refunded]
    assert after(RefundStatus.FAILED, refunded) == [
        Movement(Kind.REFUND_FAILED, "re_1", 2_200)
    ]
