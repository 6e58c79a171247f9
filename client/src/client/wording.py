"""Plain words for every state, reason and refusal a person can meet."""

from dataclasses import dataclass
from typing import Literal

from client.api_types import CancelReason, Order, Payment, Problem
from client.display import duration

Stage = Literal[
    "securing",
    "pay",
    "expiring",
    "confirming",
    "finishing",
    "releasing",
    "complete",
    "cancelled",
]
Tone = Literal["good", "wait", "bad", "calm"]

SETTLED: frozenset[Stage] = frozenset({"complete", "cancelled"})


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    lead: str
    tone: Tone
    label: str


_STAGES: dict[Stage, Words] = {
    "securing": Words(
        "Securing your ticket…",
        "We are asking the seller's listing to hold it for you. This usually takes "
        "a moment, and this page moves on by itself.",
        "wait",
        "Securing",
    ),
    "pay": Words(
        "Your ticket is held",
        "Nobody else can buy it while the clock runs. Pay before it stops.",
        "wait",
        "Awaiting payment",
    ),
    "expiring": Words(
        "Time is up",
        "The hold has run out and the order is being closed. You were not charged.",
        "bad",
        "Closing",
    ),
    "confirming": Words(
        "Confirming with your bank…",
        "Your card was accepted. We are making sure the ticket is yours before any "
        "money moves; please do not pay again.",
        "wait",
        "Confirming",
    ),
    "finishing": Words(
        "Payment received, finishing…",
        "The ticket is yours. We are completing the order.",
        "wait",
        "Finishing",
    ),
    "releasing": Words(
        "That payment did not go through",
        "The order is being closed and the ticket put back on sale.",
        "bad",
        "Closing",
    ),
    "complete": Words(
        "It's yours",
        "The order is paid and complete. This page is your receipt.",
        "good",
        "Complete",
    ),
}

_REASONS: dict[CancelReason, tuple[str, str]] = {
    "buyer": (
        "You cancelled this order",
        "The ticket is back on sale. You were not charged.",
    ),
    "expired": (
        "Time ran out",
        "The payment was not completed before the hold ended. You were not charged.",
    ),
    "rejected": (
        "The ticket could not be held",
        (
            "Somebody else was a moment faster, or the seller took it off sale. "
            "You were not charged."
        ),
    ),
    "price_changed": (
        "The price changed",
        (
            "The seller changed the price before the ticket could be held for you. "
            "You were not charged."
        ),
    ),
    "payment_failed": (
        "The payment failed",
        "Your bank did not let the payment through. You were not charged.",
    ),
    "hidden": (
        "The listing was removed",
        (
            "The listing was taken down, so the order was cancelled. You are not "
            "charged; anything already paid is returned in full."
        ),
    ),
    "refunded": (
        "Refunded in full",
        (
            "The whole amount is on its way back to your card. Banks usually show it "
            "within five to ten days."
        ),
    ),
}

_NO_REASON = ("This order was cancelled", "You were not charged.")

TICKET_STATES: dict[str, Words] = {
    "available": Words("On sale", "", "good", "On sale"),
    "reserved": Words(
        "Somebody is buying this ticket",
        "It is being held for another buyer. If they do not pay in time it comes "
        "back on sale here.",
        "wait",
        "Reserved",
    ),
    "sold": Words("This ticket is sold", "It has found its owner.", "calm", "Sold"),
    "withdrawn": Words(
        "No longer for sale", "The seller withdrew this ticket.", "calm", "Withdrawn"
    ),
}

_REFUSALS: dict[str, tuple[str, str]] = {
    "ticket_taken": (
        "Just taken",
        (
            "Somebody else reserved this ticket a moment before you. You were not "
            "charged, and it may come back if they do not pay."
        ),
    ),
    "ticket_not_on_sale": (
        "No longer for sale",
        "The seller took this ticket off sale. Nothing was ordered.",
    ),
    "ticket_catching_up": (
        "One moment",
        "The listing is just being updated. Nothing was ordered; press buy again.",
    ),
    "own_ticket": ("This is your own ticket", "You cannot buy what you are selling."),
    "sale_closed": ("The sale has closed", "This event is too close or has begun."),
    "price_changed": (
        "The price has changed",
        (
            "The seller changed the price while you were looking. Nothing was ordered; "
            "look at the new total and decide again."
        ),
    ),
    "already_yours": (
        "You already hold this ticket",
        "You have an order for it, so there is nothing to buy twice.",
    ),
}

NOTICES: dict[str, tuple[Tone, str]] = {
    "signed-up": ("good", "Welcome! Your account is ready."),
    "signed-out": ("good", "You are signed out."),
    "signed-out-everywhere": ("good", "You are signed out on every device."),
    "password-changed": (
        "good",
        "Your password is changed, and every other device is signed out.",
    ),
    "listed": ("good", "Your ticket is on sale."),
    "saved": ("good", "Your changes are saved."),
    "withdrawn": ("good", "Your ticket is no longer for sale."),
    "not-withdrawable": (
        "bad",
        "That ticket is reserved or sold, so it cannot be withdrawn.",
    ),
    "not-cancellable": (
        "bad",
        (
            "The payment had already gone through, so the order can no longer be "
            "cancelled."
        ),
    ),
    "not-payable": ("bad", "This order can no longer be paid for."),
    "try-again": ("bad", "That did not work. Nothing was charged; please try again."),
}


def order_stage(order: Order, payment: Payment | None) -> Stage:
    """Where an order stands for its buyer, from the two services that know.

    The order's own status rules; the payment only says what the buyer is waiting
    for while the order is still open (it never makes an order look complete).
    """
    if order.status in ("complete", "cancelled"):
        return "complete" if order.status == "complete" else "cancelled"
    if order.claimed:
        return "finishing"
    paid = payment.status if payment else None
    if paid in ("authorized", "captured"):
        return "confirming"
    if paid in ("failed", "refunded"):
        return "releasing"
    if order.seconds_left <= 0:
        return "expiring"
    return "securing" if order.status == "created" else "pay"


def stage_words(stage: Stage, order: Order) -> Words:
    if stage != "cancelled":
        return _STAGES[stage]
    reason = order.cancel_reason
    title, lead = _REASONS[reason] if reason else _NO_REASON
    label = "Refunded" if reason == "refunded" else "Cancelled"
    return Words(
        title, lead, "calm" if reason in ("buyer", "refunded") else "bad", label
    )


def leaves_a_hold(payment: Payment | None) -> bool:
    """Whether a bank may still show an amount that was only held, never taken."""
    return payment is not None and payment.status in ("authorized", "voided", "failed")


def refusal_words(problem: Problem) -> tuple[str, str]:
    """Why an order was refused; the service's own detail when the code is new."""
    if problem.status == 429:
        return ("Please wait a moment", throttled_words(problem))
    fallback = problem.detail or "Nothing was ordered. Please look again and retry."
    return _REFUSALS.get(problem.code, ("That did not work", fallback))


def throttled_words(problem: Problem) -> str:
    if not problem.retry_after:
        return "Too many attempts. Please wait a little and try again."
    wait = duration(problem.retry_after)
    return f"Too many attempts. Please try again in {wait}."
