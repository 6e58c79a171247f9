"""Error categories, and the one table of what each means at an edge.

A service's business errors subclass a category and name their slug. Domain code
knows neither HTTP nor NATS: `VERDICTS` does, for both.
"""

from enum import Enum
from typing import ClassVar, Final, NamedTuple


class TicketingError(Exception):
    """Something a caller did, or met, that the business has a word for.

    Attributes:
        slug: stable machine-readable name, the ``code`` of the problem body.
        extras: further members of the problem body (RFC 9457 section 3.2).
        retry_after: seconds after which trying again makes sense, if known.
    """

    slug: ClassVar[str] = "error"

    def __init__(
        self, detail: str, *, retry_after: float | None = None, **extras: object
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.extras: dict[str, object] = extras


class InvalidInput(TicketingError):
    """The request is understood and its content refused."""

    slug = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.extras = {"errors": [{"field": field, "message": message}]}


class Unauthenticated(TicketingError):
    """Nobody is signed in, or the session is no longer valid."""

    slug = "unauthenticated"


class Forbidden(TicketingError):
    """The caller is known and may not do this."""

    slug = "forbidden"


class NotFound(TicketingError):
    """No such thing, or none that the caller may see."""

    slug = "not_found"


class Conflict(TicketingError):
    """The state of the thing does not allow it now."""

    slug = "conflict"


class Stale(TicketingError):
    """The caller acted on an older version than the present one."""

    slug = "stale"


class PreconditionRequired(TicketingError):
    """The caller must say which version it acts on."""

    slug = "precondition_required"


class TooManyRequests(TicketingError):
    """The caller must slow down; ``retry_after`` says for how long."""

    slug = "too_many_requests"


class Unavailable(TicketingError):
    """Something we depend on is away; trying again later will do."""

    slug = "unavailable"


class TooEarly(Unavailable):
    """A message came before its time; ``retry_after`` says when it is due."""

    slug = "too_early"


class Unprocessable(TicketingError):
    """A message that can never be handled, whatever the number of tries."""

    slug = "unprocessable"


class Disposition(Enum):
    """What a consumer does with a message whose handler raised."""

    RETRY = "retry"
    """Deliver again with growing delay for as long as it takes."""
    RETRY_THEN_PARK = "retry_then_park"
    """Deliver again a bounded number of times, then park it."""
    PARK = "park"
    """Move it to the dead letters at once: another try cannot differ."""


class Verdict(NamedTuple):
    """What one category means at the two edges."""

    status: int
    disposition: Disposition


VERDICTS: Final[dict[type[TicketingError], Verdict]] = {
    InvalidInput: Verdict(422, Disposition.PARK),
    Unauthenticated: Verdict(401, Disposition.PARK),
    Forbidden: Verdict(403, Disposition.PARK),
    NotFound: Verdict(404, Disposition.RETRY_THEN_PARK),
    Conflict: Verdict(409, Disposition.RETRY_THEN_PARK),
    Stale: Verdict(412, Disposition.RETRY_THEN_PARK),
    PreconditionRequired: Verdict(428, Disposition.PARK),
    TooManyRequests: Verdict(429, Disposition.RETRY),
    Unavailable: Verdict(503, Disposition.RETRY),
    Unprocessable: Verdict(422, Disposition.PARK),
}

_UNFORESEEN: Final = Verdict(500, Disposition.RETRY_THEN_PARK)


def verdict_on(error: BaseException) -> Verdict:
    """Return the verdict of the nearest category that ``error`` belongs to.

    Anything that is no `TicketingError` is a fault of ours: 500, and a bounded
    number of tries.
    """
    for ancestor in type(error).__mro__:
        if ancestor in VERDICTS:
            return VERDICTS[ancestor]
    return _UNFORESEEN
