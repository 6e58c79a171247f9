"""Money as integers in minor units (cents), never as floats (rules R55-R58)."""

import re
from typing import Final

EXPONENTS: Final = {
    "aud": 2, "cad": 2, "chf": 2, "eur": 2, "gbp": 2, "jpy": 0, "krw": 0, "nzd": 2,
    "sek": 2, "usd": 2,
}  # fmt: skip
"""Digits after the point, per ISO 4217; a yen has no smaller unit."""

MINIMUM_CHARGE: Final = {
    "aud": 50, "cad": 50, "chf": 50, "eur": 50, "gbp": 30, "jpy": 50, "krw": 100,
    "nzd": 50, "sek": 300, "usd": 50,
}  # fmt: skip
"""The least a card can be charged, in minor units (docs.stripe.com/currencies)."""

MAXIMUM_CHARGE: Final = 99_999_999
"""The most a card can be charged, in minor units: eight digits, Stripe's limit."""

FEE_BASIS_POINTS: Final = 1_000
"""The buyer's fee: 10 % of the price."""

_SYMBOLS: Final = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_AMOUNT: Final = re.compile(
    r"(?P<units>\d{1,3}(?:,\d{3})+|\d+)?(?:\.(?P<fraction>\d*))?", re.ASCII
)
_MAXIMUM_TEXT: Final = 32


class InvalidAmount(ValueError):
    """The text or number is not an amount that can be charged; says why."""


def fee(price: int) -> int:
    """Return the buyer's fee on ``price``, both in minor units, rounded half up.

    The one place that computes a fee: orders keep the answer as a snapshot.
    """
    return (price * FEE_BASIS_POINTS + 5_000) // 10_000


def total(price: int) -> int:
    """Return what the buyer pays for ``price``: price plus fee, in minor units."""
    return price + fee(price)


def check_price(price: int, currency: str) -> int:
    """Return ``price`` if a listing may ask it (R56, R58).

    Raises:
        InvalidAmount: the currency is unknown, or the price is below what a card
            can be charged, or the total is above it.
    """
    if currency not in EXPONENTS:
        raise InvalidAmount(f"{currency!r} is not a currency we sell in")
    least = MINIMUM_CHARGE[currency]
    if price < least:
        raise InvalidAmount(f"must be at least {format_amount(least, currency)}")
    if total(price) > MAXIMUM_CHARGE:
        most = format_amount(MAXIMUM_CHARGE, currency)
        raise InvalidAmount(f"must not exceed {most} with fees")
    return price


def parse_amount(text: str, currency: str) -> int:
    """Read an amount as people type it ("20", "$1,234.50") into minor units.

    Raises:
        InvalidAmount: it is no number, is negative, or has more digits after the
            point than the currency has (nothing is ever rounded here).
    """
    exponent = EXPONENTS[currency]
    bare = text.strip().removeprefix(_SYMBOLS.get(currency, "")).strip()
    match = _AMOUNT.fullmatch(bare) if len(bare) <= _MAXIMUM_TEXT else None
    units = (match["units"] or "") if match else ""
    fraction = (match["fraction"] or "") if match else ""
    if not units and not fraction:
        raise InvalidAmount("is not an amount of money, such as 20 or 19.50")
    if len(fraction) > exponent:
        raise InvalidAmount(f"has more than {exponent} digits after the point")
    return int((units.replace(",", "") or "0") + fraction.ljust(exponent, "0"))


def format_amount(amount: int, currency: str) -> str:
    """Write minor units the way people do: ``123450, "usd"`` is ``$1,234.50``."""
    exponent = EXPONENTS[currency]
    units, fraction = divmod(abs(amount), 10**exponent)
    digits = f"{units:,}" + (f".{fraction:0{exponent}d}" if exponent else "")
    symbol = _SYMBOLS.get(currency)
    text = f"{symbol}{digits}" if symbol else f"{digits} {currency.upper()}"
    return f"-{text}" if amount < 0 else text
