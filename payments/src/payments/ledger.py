"""The ledger: what Stripe says has moved, each movement once."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from common.clock import now
from payments import repository
from payments.intents import Intent, IntentStatus, RefundStatus
from payments.models import LedgerEntry, Payment


class Kind(StrEnum):
    """What happened to the money."""

    AUTHORISE = "authorise"
    VOID = "void"
    CAPTURE = "capture"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    """A refund that had succeeded came back: the money is with us again."""


Known = Mapping[tuple[str, str], int]
"""Amounts in the ledger by kind and Stripe id."""

_MONEY_MOVES: Final = frozenset(
    {IntentStatus.REQUIRES_CAPTURE, IntentStatus.SUCCEEDED, IntentStatus.CANCELED}
)


class Movement(NamedTuple):
    """One entry to be. ``amount`` in minor units, never negative."""

    kind: Kind
    stripe_id: str
    amount: int


def movements(intent: Intent, known: Known) -> list[Movement]:
    """Return what the intent shows to have moved and the ledger does not hold."""
    return [m for m in _shown(intent, known) if (m.kind, m.stripe_id) not in known]


async def enter(session: AsyncSession, payment: Payment, intent: Intent) -> None:
    """Bring the ledger of ``payment`` up to what ``intent`` shows."""
    if intent.status not in _MONEY_MOVES:
        return
    entries = await repository.list_ledger(session, payment.id)
    known = {(entry.kind, entry.stripe_id): entry.amount for entry in entries}
    for movement in movements(intent, known):
        session.add(
            LedgerEntry(
                payment_id=payment.id,
                order_id=payment.order_id,
                kind=movement.kind,
                stripe_id=movement.stripe_id,
                amount=movement.amount,
                currency=intent.currency,
                created_at=now(),
            )
        )


async def net_captured(session: AsyncSession) -> dict[str, int]:
    """Return by order id what was taken less what was given back (I2)."""
    signed = case(
        (LedgerEntry.kind.in_([Kind.CAPTURE, Kind.REFUND_FAILED]), LedgerEntry.amount),
        (LedgerEntry.kind == Kind.REFUND, -LedgerEntry.amount),
        else_=0,
    )
    found = await session.execute(
        select(LedgerEntry.order_id, func.sum(signed)).group_by(LedgerEntry.order_id)
    )
    return {order_id: int(net) for order_id, net in found}


def _shown(intent: Intent, known: Known) -> Iterator[Movement]:
    authorised = known.get((Kind.AUTHORISE, intent.id))
    if intent.status is IntentStatus.REQUIRES_CAPTURE:
        yield Movement(Kind.AUTHORISE, intent.id, intent.held)
    elif intent.status is IntentStatus.CANCELED and authorised is not None:
        yield Movement(Kind.VOID, intent.id, authorised)
    elif intent.status is IntentStatus.SUCCEEDED:
        yield Movement(Kind.AUTHORISE, intent.id, intent.amount)
        yield Movement(Kind.CAPTURE, intent.id, intent.received)
        yield from _refunds(intent, known)


def _refunds(intent: Intent, known: Known) -> Iterator[Movement]:
    for refund in intent.refunds:
        if refund.status is RefundStatus.SUCCEEDED:
            yield Movement(Kind.REFUND, refund.id, refund.amount)
        elif refund.status is RefundStatus.FAILED and (Kind.REFUND, refund.id) in known:
            yield Movement(Kind.REFUND_FAILED, refund.id, refund.amount)
