"""Money is integers in minor units, from the form to the charge."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import money
from common.money import EXPONENTS, InvalidAmount

prices = st.integers(min_value=0, max_value=10**12)
currencies = st.sampled_from(sorted(EXPONENTS))
symbol_currencies = st.sampled_from(["usd", "eur", "gbp", "jpy"])


@given(prices)
def test_r55_the_fee_is_ten_percent_rounded_half_up(price: int) -> None:
    exact = Decimal(price) / 10
    assert money.fee(price) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(prices)
def test_r55_the_total_is_price_plus_fee_and_an_integer(price: int) -> None:
    assert money.total(price) == price + money.fee(price)
    assert type(money.total(price)) is int


@given(prices)
def test_r55_the_fee_is_never_off_by_more_than_half_a_unit(price: int) -> None:
    assert abs(money.fee(price) - Fraction(price, 10)) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("price", "fee"), [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (1250, 125)]
)
def test_r55_the_fee_of_known_prices(price: int, fee: int) -> None:
    assert money.fee(price) == fee


@given(st.integers(min_value=0, max_value=10**14), symbol_currencies)
def test_r55_what_is_formatted_parses_to_the_same_amount(
    amount: int, currency: str
) -> None:
    assert money.parse_amount(money.format_amount(amount, currency), currency) == amount


@given(currencies, st.integers(min_value=0, max_value=10**9), st.text("0123456789"))
def test_r55_more_digits_than_the_currency_has_are_refused(
    currency: str, units: int, more: str
) -> None:
    fraction = "0" * EXPONENTS[currency] + "1" + more[:5]
    with pytest.raises(InvalidAmount, match="digits after the point"):
        money.parse_amount(f"{units}.{fraction}", currency)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("20", 2000),
        ("19.5", 1950),
        ("19.50", 1950),
        (".5", 50),
        ("5.", 500),
        ("$20", 2000),
        (" $ 1,234.50 ", 123450),
        ("1,234,567", 123456700),
        ("0", 0),
        ("007", 700),
    ],
)
def test_r55_amounts_as_people_type_them(text: str, amount: int) -> None:
    assert money.parse_amount(text, "usd") == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "-5", "+5", "1e3", "NaN", "inf", "0x10", "5 5", "1,23"),
        *("1,2345", "1.2.3", "€5", "5$", "\uff15", "٣", "1_000", "9" * 33),
        *("\ud800", "5\x00"),
    ],
)
def test_r55_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        money.parse_amount(text, "usd")


@given(st.text())
def test_r55_any_text_is_an_amount_or_refused_and_never_a_float(text: str) -> None:
    try:
        amount = money.parse_amount(text, "usd")
    except InvalidAmount:
        return
    assert type(amount) is int
    assert amount >= 0


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_r56_the_least_price_is_accepted_and_one_less_refused(currency: str) -> None:
    least = money.MINIMUM_CHARGE[currency]
    assert money.check_price(least, currency) == least
    with pytest.raises(InvalidAmount, match="at least"):
        money.check_price(least - 1, currency)


def test_r56_the_total_may_have_eight_digits_and_no_more() -> None:
    most = 90_909_090
    assert money.total(most) == money.MAXIMUM_CHARGE
    assert money.check_price(most, "usd") == most
    with pytest.raises(InvalidAmount, match="must not exceed"):
        money.check_price(most + 1, "usd")


def test_r56_an_unknown_currency_is_refused() -> None:
    with pytest.raises(InvalidAmount, match="not a currency"):
        money.check_price(5000, "xyz")


def test_r56_every_currency_has_an_exponent_and_a_minimum() -> None:
    assert set(EXPONENTS) == set(money.MINIMUM_CHARGE)


def test_r57_a_yen_has_no_smaller_unit() -> None:
    assert money.parse_amount("1000", "jpy") == 1000
    assert money.parse_amount("¥1,000", "jpy") == 1000
    assert money.format_amount(1000, "jpy") == "¥1,000"
    with pytest.raises(InvalidAmount):
        money.parse_amount("1000.5", "jpy")


@pytest.mark.parametrize("price", [0, -1, -5000])
@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_r58_free_and_negative_listings_are_refused(price: int, currency: str) -> None:
    with pytest.raises(InvalidAmount):
        money.check_price(price, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (0, "usd", "$0.00"),
        (5, "usd", "$0.05"),
        (123450, "usd", "$1,234.50"),
        (-123450, "usd", "-$1,234.50"),
        (1250, "sek", "12.50 SEK"),
        (-7, "krw", "-7 KRW"),
    ],
)
def test_amounts_are_written_the_way_people_do(
    amount: int, currency: str, text: str
) -> None:
    assert money.format_amount(amount, currency) == text
