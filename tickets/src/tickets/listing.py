"""What a seller offers: the part of a ticket that people type in."""

from dataclasses import asdict, dataclass
from datetime import datetime

from tickets.search import fold


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A checked offer. ``price`` and ``face_value`` are in minor units.

    ``sale_ends_at`` is when it stops being on sale: the start of the event less
    the configured margin, or never.
    """

    title: str
    price: int
    currency: str
    venue: str | None = None
    city: str | None = None
    starts_at: datetime | None = None
    timezone: str | None = None
    section: str | None = None
    row: str | None = None
    seat: str | None = None
    face_value: int | None = None
    sale_ends_at: datetime

    @property
    def columns(self) -> dict[str, object]:
        """The offer as column values, with what searching needs."""
        words = (self.title, self.venue, self.city)
        return {
            **asdict(self),
            "search_text": fold(" ".join(word for word in words if word)),
            "city_key": fold(self.city) if self.city else None,
        }
