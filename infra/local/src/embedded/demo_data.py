"""Demo accounts and listings, for a first look that feels like a market."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    password: str
    part: str


@dataclass(frozen=True, slots=True)
class Show:
    venue: str
    city: str
    timezone: str
    in_days: int
    at: time


@dataclass(frozen=True, slots=True)
class Place:
    section: str
    row: str
    seat: str


@dataclass(frozen=True, slots=True)
class Listing:
    seller: str
    title: str
    show: Show
    place: Place
    price: int  # Minor units of US dollars, as is face_value.
    face_value: int

    def body(self, today: date) -> dict[str, Any]:
        """The JSON of POST /api/tickets, dated relative to today."""
        show = self.show
        local = datetime.combine(
            today + timedelta(days=show.in_days), show.at, ZoneInfo(show.timezone)
        )
        starts_at = local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "title": self.title,
            "price": self.price,
            "currency": "usd",
            "face_value": self.face_value,
            "venue": show.venue,
            "city": show.city,
            "starts_at": starts_at,
            "timezone": show.timezone,
            **asdict(self.place),
        }


SAM, RIVER, BO = "sam@example.com", "river@example.com", "bo@example.com"

ACCOUNTS = (
    Account(SAM, "velvet-curtain-1", "sells concerts and theatre"),
    Account(RIVER, "stadium-lights-2", "sells sports and festivals"),
    Account(BO, "front-row-please-3", "buys"),
)

NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"
LOS_ANGELES, DENVER = "America/Los_Angeles", "America/Denver"
LONDON, BERLIN, TOKYO = "Europe/London", "Europe/Berlin", "Asia/Tokyo"

LISTINGS = (
    Listing(
        SAM,
        "The Paper Lanterns: Northern Lights Tour",
        Show("Radio City Music Hall", "New York", NEW_YORK, 9, time(20, 0)),
        Place("Orchestra 4", "F", "112"),
        18500,
        14500,
    ),
    Listing(
        SAM,
        "Juniper & Vale: An Evening Unplugged",
        Show("Ryman Auditorium", "Nashville", CHICAGO, 16, time(19, 30)),
        Place("Main Floor 6", "C", "9"),
        9800,
        8900,
    ),
    Listing(
        RIVER,
        "Los Angeles v Denver: Western Conference Night",
        Show("Crypto.com Arena", "Los Angeles", LOS_ANGELES, 5, time(19, 0)),
        Place("111", "14", "7"),
        16400,
        17900,
    ),
    Listing(
        SAM,
        "A Winter's Tale, in the Round",
        Show("Shakespeare's Globe", "London", LONDON, 23, time(19, 30)),
        Place("Lower Gallery", "B", "31"),
        7200,
        6500,
    ),
    Listing(
        RIVER,
        "Chicago v St. Louis: Old Rivals",
        Show("Wrigley Field", "Chicago", CHICAGO, 31, time(13, 20)),
        Place("Field Box 24", "8", "103"),
        6900,
        7400,
    ),
    Listing(
        SAM,
        "Berlin Chamber Players: Schubert by Candlelight",
        Show("Konzerthaus", "Berlin", BERLIN, 12, time(20, 0)),
        Place("Parkett", "3", "18"),
        5400,
        4800,
    ),
    Listing(
        RIVER,
        "Red Rocks at Dusk: The Copper Choir",
        Show("Red Rocks Amphitheatre", "Morrison", DENVER, 44, time(18, 30)),
        Place("Reserved", "22", "64"),
        11200,
        8950,
    ),
    Listing(
        SAM,
        "Midnight Arcade: Neon Season Live",
        Show("Zepp DiverCity", "Tokyo", TOKYO, 19, time(18, 0)),
        Place("1F Standing A", "GA", "241"),
        8800,
        8200,
    ),
    Listing(
        RIVER,
        "North London Derby",
        Show("Emirates Stadium", "London", LONDON, 27, time(16, 30)),
        Place("Block 104", "17", "412"),
        24500,
        11800,
    ),
    Listing(
        SAM,
        "The Clockmaker's Daughter: The Musical",
        Show("Booth Theatre", "New York", NEW_YORK, 3, time(14, 0)),
        Place("Mezzanine", "A", "105"),
        13900,
        15900,
    ),
    Listing(
        RIVER,
        "City Marathon Finish-Line Grandstand",
        Show("Grant Park", "Chicago", CHICAGO, 58, time(9, 30)),
        Place("Grandstand East", "5", "22"),
        4500,
        4500,
    ),
    Listing(
        SAM,
        "Ida Okafor Quintet: Blue Hours",
        Show("SFJAZZ Center", "San Francisco", LOS_ANGELES, 14, time(21, 0)),
        Place("Balcony Left", "B", "14"),
        6600,
        6000,
    ),
)
