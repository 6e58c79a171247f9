"""Currencies, exponents and minimum charges.

Source: https://docs.stripe.com/currencies (minimum and zero-decimal tables).
"""

from stripe_double.errors import invalid_parameter
from stripe_double.forms import names

ZERO_DECIMAL = names("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf")
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50,
    "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500,
    "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
OTHERS = names(
    "ars cop cny egp idr ils isk kes mad ngn pen php qar rsd sar try twd uah uyu zar"
)
SUPPORTED = ZERO_DECIMAL | OTHERS | MINIMUM.keys()
LARGEST = 99_999_999  # Eight digits of minor units.


def checked_currency(given: str) -> str:
    """The lower-case code, if Stripe can charge in it."""
    currency = given.lower()
    if currency not in SUPPORTED:
        listed = ", ".join(sorted(SUPPORTED))
        raise invalid_parameter(
            f"Invalid currency: {currency}. Stripe currently supports these "
            f"currencies: {listed}",
            "currency",
        )
    return currency


def check_amount(amount: int, currency: str) -> None:
    """Refuse minor units below the minimum charge or above eight digits."""
    minimum = MINIMUM.get(currency, 1)
    if amount < minimum:
        raise invalid_parameter(
            f"Amount must be at least {written(minimum, currency)}",
            "amount",
            "amount_too_small",
        )
    if amount > LARGEST:
        raise invalid_parameter(
            f"Amount must be no more than {written(LARGEST, currency)}",
            "amount",
            "amount_too_large",
        )


def written(amount: int, currency: str) -> str:
    """`$0.50 usd`, `¥50 jpy`, `4.00 hkd`: the sum as a message shows it."""
    sign = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}.get(currency, "")
    if currency in ZERO_DECIMAL:
        return f"{sign}{amount:,} {currency}"
    return f"{sign}{amount // 100:,}.{amount % 100:02} {currency}"
