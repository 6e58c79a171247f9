"""What people type becomes what the services take, exactly or not at all."""

from datetime import UTC, datetime

import pytest

from client.api_types import FieldError, Ticket
from client.forms import (
    LISTING_FIELDS,
    SEARCH_FIELDS,
    Form,
    listing_values,
    read_amount,
    read_listing,
    read_search,
    typed,
)

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def filled(**values: str) -> Form:
    base = dict.fromkeys(LISTING_FIELDS, "")
    return Form({**base, "title": "A show", "price": "20", **values})


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1,234.50", 123450),
        ("$20", 2000),
        ("20", 2000),
        ("19.9", 1990),
        (" $ 7 ", 700),
        (".50", 50),
    ],
)
def test_r55_money_is_read_as_people_type_it(text: str, minor: int) -> None:
    assert read_amount(Form({"price": text}), "price", "usd") == minor


@pytest.mark.parametrize("text", ["19.999", "abc", "-5", "1e3", "1,23", "٣", "."])
def test_r55_what_is_no_amount_of_money_is_refused_in_words(text: str) -> None:
    form = Form({"price": text})
    assert read_amount(form, "price", "usd") is None
    assert form.errors["price"].startswith("This ")


def test_r57_a_yen_has_no_cents() -> None:
    form = Form({"price": "1000", "face_value": "10.5"})
    assert read_amount(form, "price", "jpy") == 1000
    assert read_amount(form, "face_value", "jpy") is None


def test_a_listing_carries_the_instant_of_the_venues_wall_time() -> None:
    form = filled(date="2027-06-14", time="19:30", timezone="America/New_York")
    listing = read_listing(form, "usd", now=NOW)
    assert listing is not None
    assert listing.starts_at == datetime(2027, 6, 14, 23, 30, tzinfo=UTC)
    assert (listing.price, listing.timezone) == (2000, "America/New_York")


def test_a_listing_without_a_date_has_no_zone_either() -> None:
    listing = read_listing(filled(timezone="Europe/Paris"), "usd", now=NOW)
    assert listing is not None
    assert (listing.starts_at, listing.timezone) == (None, None)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"price": ""}, "price"),
        ({"price": "0.10"}, "price"),
        ({"price": "9,999,999"}, "price"),
        ({"face_value": "x"}, "face_value"),
        ({"date": "2027-06-14", "time": "", "timezone": "UTC"}, "time"),
        ({"date": "", "time": "19:30", "timezone": "UTC"}, "date"),
        ({"date": "14/06/2027", "time": "19:30", "timezone": "UTC"}, "date"),
        ({"date": "2027-06-14", "time": "19:30", "timezone": "Mars/One"}, "timezone"),
        ({"date": "2026-06-14", "time": "19:30", "timezone": "UTC"}, "date"),
        ({"date": "2027-03-14", "time": "02:30", "timezone": "US/Eastern"}, "timezone"),
        ({"date": "2027-03-14", "time": "02:30", "timezone": "America/Denver"}, "time"),
    ],
)
def test_a_mistake_is_named_at_its_field(values: dict[str, str], field: str) -> None:
    form = filled(**values)
    assert read_listing(form, "usd", now=NOW) is None
    assert list(form.errors) == [field]


def test_a_listing_fills_the_form_it_came_from() -> None:
    ticket = Ticket(
        id="t",
        version=1,
        user_id="u",
        title="A show",
        price=2000,
        fee=200,
        total=2200,
        currency="usd",
        status="available",
        starts_at=datetime(2027, 6, 14, 23, 30, tzinfo=UTC),
        timezone="America/New_York",
    )
    values = listing_values(ticket, {"price": "$20.00", "face_value": ""})
    assert values["date"] == "2027-06-14"
    assert values["time"] == "19:30"
    again = read_listing(Form(values), "usd", now=NOW)
    assert again is not None
    assert (again.starts_at, again.price) == (ticket.starts_at, ticket.price)


def test_a_search_keeps_what_makes_sense_and_names_the_rest() -> None:
    form = Form(
        {
            **dict.fromkeys(SEARCH_FIELDS, ""),
            "q": "nova",
            "from": "2027-02-01",
            "to": "2027-01-01",
            "min_price": "$10",
            "max_price": "x",
            "sort": "drop table",
        }
    )
    filters = read_search(form, "usd")
    assert filters == {"q": "nova", "from": "2027-02-01", "min_price": "1000"}
    assert set(form.errors) == {"to", "max_price"}


def test_a_range_of_prices_upside_down_is_refused() -> None:
    form = Form(
        {**dict.fromkeys(SEARCH_FIELDS, ""), "min_price": "9", "max_price": "8"}
    )
    assert read_search(form, "usd") == {"min_price": "900"}
    assert "max_price" in form.errors


def test_errors_of_a_service_land_on_the_fields_people_see() -> None:
    form = Form({})
    form.add_service_errors(
        [
            FieldError(field="starts_at", message="too early"),
            FieldError(field="body.title", message="too long"),
        ]
    )
    assert form.errors == {"date": "Too early.", "title": "Too long."}


def test_typed_text_is_trimmed_and_bounded() -> None:
    assert typed({"q": "  a  ", "city": "x" * 999}, ("q", "city", "sort")) == {
        "q": "a",
        "city": "x" * 200,
        "sort": "",
    }
