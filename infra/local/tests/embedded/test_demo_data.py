from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from embedded.demo_data import ACCOUNTS, LISTINGS

TODAY = date(2026, 3, 1)


def test_a_dozen_listings_by_two_of_three_people() -> None:
    emails = {account.email for account in ACCOUNTS}
    sellers = {listing.seller for listing in LISTINGS}

    assert len(LISTINGS) == 12
    assert len(emails) == 3
    assert len(sellers) == 2
    assert sellers < emails


def test_every_event_is_still_to_come_at_a_plausible_local_hour() -> None:
    for listing in LISTINGS:
        body = listing.body(TODAY)
        starts_at = datetime.fromisoformat(body["starts_at"])
        local = starts_at.astimezone(ZoneInfo(body["timezone"]))

        assert starts_at > datetime(2026, 3, 3, tzinfo=UTC)
        assert 9 <= local.hour <= 21
        assert (local.hour, local.minute) == (
            listing.show.at.hour,
            listing.show.at.minute,
        )


def test_listings_differ_as_those_of_a_market_do() -> None:
    bodies = [listing.body(TODAY) for listing in LISTINGS]

    assert len({body["title"] for body in bodies}) == 12
    assert len({body["city"] for body in bodies}) >= 7
    assert len({body["timezone"] for body in bodies}) >= 5
    assert any(body["price"] > body["face_value"] for body in bodies)
    assert any(body["price"] < body["face_value"] for body in bodies)


def test_passwords_are_long_enough_to_be_accepted() -> None:
    assert all(len(account.password) >= 12 for account in ACCOUNTS)
