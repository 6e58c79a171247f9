"""``make demo``: one whole purchase on the running stack, told as it happens."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from common.money import format_amount
from embedded import state_file
from embedded.reconcile import reconcile
from embedded.settings import default_state_dir
from embedded.visitor import Json, NeverHappened, Refused, Visitor, visiting

TITLE = "Front row, Ella Marchetti Quartet"


def main(arguments: Sequence[str] = ()) -> int:
    """Tell the story; 0 if it ends well, 1 if not, 2 if no stack runs."""
    parser = argparse.ArgumentParser(prog="python -m embedded demo")
    parser.add_argument("--state-dir", type=Path, default=default_state_dir())
    options = parser.parse_args(arguments)
    stack = state_file.read(options.state_dir)
    if stack is None:
        print("No stack is running; start one with: make up", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_tell(stack, options.state_dir))
    except (Refused, NeverHappened) as error:
        print(f"The story ends here: {error}", file=sys.stderr)
        return 1


async def _tell(stack: Mapping[str, Any], state_dir: Path) -> int:
    async with visiting(stack) as seller, visiting(stack) as buyer:
        ticket = await _list(seller)
        async with visiting(stack) as rival:
            order = await _reserve(buyer, rival, ticket)
        await _pay(buyer, order)
        await _look_back(buyer, ticket, order, stack["gateway"])
    return await _check(state_dir)


async def _list(seller: Visitor) -> Json:
    account = await seller.sign_up()
    _say("A seller signs up", account["email"])
    ticket = await seller.list_ticket(title=TITLE, price=8_500, city="Lisbon")
    _say("lists a ticket", f"“{TITLE}” for {_money(ticket, 'price')}")
    return ticket


async def _reserve(buyer: Visitor, rival: Visitor, ticket: Json) -> Json:
    await buyer.sign_up()
    await rival.sign_up()
    _say("A buyer finds it", f"{_money(ticket, 'total')} with all fees")
    started = perf_counter()
    order = await buyer.order(ticket["id"], ticket_version=ticket["version"])
    order = await buyer.wait_for_order(order["id"], "awaiting:payment")
    milliseconds = (perf_counter() - started) * 1000
    _say(
        "and reserves it",
        f"held in {milliseconds:.0f} ms, {order['seconds_left']} seconds to pay",
    )
    answer = await rival.try_order(ticket["id"])
    _say("A rival is too late", f"{answer.status_code} {answer.json()['detail']}")
    return order


async def _pay(buyer: Visitor, order: Json) -> None:
    secret = await buyer.start_payment(order["id"])
    answer = await buyer.confirm_card(secret, "pm_card_chargeDeclined")
    _say("The first card fails", answer.json()["error"]["message"])
    started = perf_counter()
    await buyer.confirm_card(secret, "pm_card_visa")
    await buyer.wait_for_order(order["id"], "complete")
    milliseconds = (perf_counter() - started) * 1000
    _say(
        "The second is good",
        f"authorised, claimed, captured, complete in {milliseconds:.0f} ms",
    )


async def _look_back(buyer: Visitor, ticket: Json, order: Json, gateway: str) -> None:
    sold = await buyer.wait_for_ticket(ticket["id"], "sold")
    _say("The ticket is", sold["status"])
    address = gateway.replace("127.0.0.1", "localhost")
    _say("See for yourself", f"{address}/tickets/{ticket['id']}")
    _say("Money taken", _money(order, "total"))


async def _check(state_dir: Path) -> int:
    found = await reconcile(state_dir)
    for breach in found:
        _say(f"BREACH {breach.invariant}", breach.sentence)
    _say("The books", "do not agree" if found else "agree: every invariant holds")
    return 1 if found else 0


def _money(thing: Json, field: str) -> str:
    return format_amount(thing[field], thing["currency"])


def _say(what: str, how: str) -> None:
    print(f"{what:>22}  {how}", flush=True)
