"""Buyers read plain words, and no more than the bank wants them to."""

import pytest

from payments.states import PaymentStatus
from payments.wording import DECLINED, explain


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("insufficient_funds", "insufficient funds"),
        ("expired_card", "expired"),
        ("incorrect_cvc", "security code"),
        ("processing_error", "could not process"),
        ("payment_intent_authentication_failure", "could not confirm"),
    ],
)
def test_a_decline_is_explained(code: str, words: str) -> None:
    assert words in str(explain("declined", code))


@pytest.mark.parametrize(
    "code", ["lost_card", "stolen_card", "fraudulent", "generic_decline", "new", None]
)
def test_what_the_bank_keeps_to_itself_is_just_a_decline(code: str | None) -> None:
    assert explain("declined", code) == DECLINED


def test_who_was_not_charged_is_told_so() -> None:
    assert "not charged" in str(explain("voided", None))
    assert "not charged" in str(explain("failed", None))
    assert explain(PaymentStatus.INTENT, None) is None
    assert explain(PaymentStatus.CAPTURED, None) is None
