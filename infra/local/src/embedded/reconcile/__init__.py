"""Do tickets, orders, payments and Stripe agree? ``make reconcile`` says.

It waits until nothing is under way, at most for ``--wait`` seconds, then checks
every invariant of the money and exits with 0 if all hold.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from embedded import state_file
from embedded.reconcile.books import Books
from embedded.reconcile.invariants import INVARIANTS, Breach, breaches, in_flight
from embedded.reconcile.reading import read_books
from embedded.settings import default_state_dir

__all__ = ["NotRunning", "main", "reconcile"]

_LOOK_AGAIN_SECONDS = 0.2


class NotRunning(Exception):
    """No stack runs on this state."""


async def reconcile(state_dir: Path, *, wait: float = 20.0) -> list[Breach]:
    """Return the breaches that remain once the system is at rest.

    Args:
        state_dir: where the running stack keeps its state.
        wait: seconds to give what is under way; what then still moves counts as
            a breach of I9.

    Raises:
        NotRunning: there is no stack to look at.
    """
    deadline = monotonic() + wait
    while True:
        books = await _read(state_dir)
        moving = in_flight(books)
        found = breaches(books)
        if (not found and not moving) or monotonic() >= deadline:
            return [*found, *(Breach("I9", sentence) for sentence in moving)]
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def main(arguments: Sequence[str] = ()) -> int:
    """Check the running stack; 0 if all is well, 1 if not, 2 if none runs."""
    parser = argparse.ArgumentParser(prog="python -m embedded reconcile")
    parser.add_argument("--state-dir", type=Path, default=default_state_dir())
    parser.add_argument("--wait", type=float, default=20.0, help="seconds")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(reconcile(options.state_dir, wait=options.wait))
    except NotRunning as error:
        print(error, file=sys.stderr)
        return 2
    for breach in found:
        print(f"{breach.invariant}: {breach.sentence}")
    held = [name for name in INVARIANTS if name not in {b.invariant for b in found}]
    print(f"{len(held)} of {len(INVARIANTS)} invariants hold: {', '.join(held)}")
    return 1 if found else 0


async def _read(state_dir: Path) -> Books:
    stack = state_file.read(state_dir)
    if stack is None:
        raise NotRunning("No stack is running; start one with: make up")
    secret = os.environ.get("STRIPE_SECRET_KEY")
    path = state_dir / "secrets" / "stripe-secret-key"
    key = secret or path.read_text().strip()
    return await read_books(stack, secret_key=key, logs=state_dir / "logs")
