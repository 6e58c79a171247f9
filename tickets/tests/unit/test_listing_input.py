"""What may be listed, and the rules of amounts at listing time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common import money
from common.clock import now
from common.errors import InvalidInput
from tickets.schemas import ListingIn, SearchQuery
from tickets.settings import Settings

NOW = timedelta(0)
MakeOffer = Callable[..., dict[str, Any]]


def priced(price: object, **overrides: object) -> ListingIn:
    return ListingIn.model_validate({"title": "Concert", "price": price, **overrides})


@pytest.mark.parametrize("price", [10.0, 10.5, "10", "10.00", True, None, float("nan")])
def test_r55_a_price_is_an_integer_and_nothing_like_it(price: object) -> None:
    with pytest.raises(ValidationError):
        priced(price)


@given(price=st.integers(50, 90_909_090))
def test_r55_the_total_is_the_price_and_the_fee(price: int) -> None:
    assert priced(price).to_listing("usd", NOW).price == price
    assert money.total(price) == price + money.fee(price) <= money.MAXIMUM_CHARGE


@pytest.mark.parametrize(
    ("currency", "price"),
    [("usd", 49), ("gbp", 29), ("jpy", 49), ("sek", 299), ("usd", 90_909_091),
     ("usd", 100_000_000), ("usd", -50), ("usd", 2**63), ("usd", 10**100)],
)  # fmt: skip
def test_r56_what_cannot_be_charged_is_refused_when_listed(
    currency: str, price: int
) -> None:
    with pytest.raises(InvalidInput) as refused:
        priced(price).to_listing(currency, NOW)
    assert refused.value.extras["errors"][0]["field"] == "price"  # type: ignore[index]


@pytest.mark.parametrize(
    ("currency", "price"),
    [("usd", 50), ("gbp", 30), ("jpy", 50), ("sek", 300), ("usd", 90_909_090)],
)
def test_r56_the_limits_themselves_can_be_charged(currency: str, price: int) -> None:
    assert priced(price).to_listing(currency, NOW).price == price


def test_r57_a_thousand_yen_are_a_thousand() -> None:
    listing = priced(1_000, currency="jpy").to_listing("jpy", NOW)
    assert money.format_amount(listing.price, listing.currency) == "¥1,000"


def test_r58_nothing_is_given_away() -> None:
    with pytest.raises(InvalidInput):
        priced(0).to_listing("usd", NOW)


def test_a_currency_that_we_do_not_sell_in_is_refused() -> None:
    with pytest.raises(InvalidInput):
        priced(5_000, currency="eur").to_listing("usd", NOW)


def test_a_service_for_an_unknown_currency_does_not_start() -> None:
    with pytest.raises(ValidationError):
        Settings(database_url="unused", jwks_url="unused", currency="xyz")


def test_times_are_kept_in_utc() -> None:
    offer = priced(
        5_000, starts_at="2030-07-01T20:00:00+02:00", timezone="Europe/Paris"
    )
    listing = offer.to_listing("usd", timedelta(hours=1))
    assert listing.starts_at == datetime(2030, 7, 1, 18, tzinfo=UTC)
    assert listing.starts_at.tzinfo is UTC
    assert listing.sale_ends_at == datetime(2030, 7, 1, 17, tzinfo=UTC)


def test_a_start_and_its_zone_belong_together() -> None:
    with pytest.raises(ValidationError):
        priced(5_000, starts_at="2030-07-01T20:00:00Z")
    with pytest.raises(ValidationError):
        priced(5_000, timezone="Europe/Paris")


@pytest.mark.parametrize("seconds", [-1, 3_599])
def test_a_sale_that_would_be_over_is_refused(seconds: int) -> None:
    starts_at = now() + timedelta(seconds=seconds)
    offer = priced(5_000, starts_at=starts_at.isoformat(), timezone="UTC")
    with pytest.raises(InvalidInput):
        offer.to_listing("usd", timedelta(hours=1))


def test_blank_places_are_none_and_text_is_trimmed() -> None:
    offer = priced(5_000, title="  Concert ", venue="   ", city=" Oslo ", row="")
    assert (offer.title, offer.venue, offer.city, offer.row) == (
        "Concert",
        None,
        "Oslo",
        None,
    )


def test_a_bare_date_means_its_whole_day() -> None:
    query = SearchQuery.model_validate({"from": "2030-01-31", "to": "2030-01-31"})
    search = query.to_search()
    assert search.starts_from == datetime(2030, 1, 31, tzinfo=UTC)
    assert search.starts_before == datetime(2030, 2, 1, tzinfo=UTC)


def test_the_last_day_of_the_calendar_is_no_accident() -> None:
    search = SearchQuery.model_validate({"to": "9999-12-31"}).to_search()
    assert search.starts_before == datetime(9999, 12, 31, tzinfo=UTC)
