"""One table says what each category of error means to HTTP and to a consumer."""

from http import HTTPStatus

import pytest

from common import errors
from common.bus.jetstream import BrokerUnavailable
from common.db import DatabaseUnavailable
from common.errors import VERDICTS, Disposition, TicketingError, verdict_on
from common.identity import InvalidSession, KeysUnavailable

CATEGORIES = [
    one for one in vars(errors).values()
    if isinstance(one, type)
    and issubclass(one, TicketingError)
    and one is not TicketingError
]  # fmt: skip


def make(category: type[TicketingError]) -> TicketingError:
    if category is errors.InvalidInput:
        return errors.InvalidInput("price", "is odd")
    return category("what happened")


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_is_mapped_itself_or_through_an_ancestor(
    category: type[TicketingError],
) -> None:
    nearest = next(one for one in category.__mro__ if one in VERDICTS)
    assert verdict_on(make(category)) == VERDICTS[nearest]


@pytest.mark.parametrize("category", list(VERDICTS))
def test_every_verdict_is_an_http_error(category: type[TicketingError]) -> None:
    assert HTTPStatus(VERDICTS[category].status) >= HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("category", CATEGORIES)
def test_slugs_are_snake_case_and_unique(category: type[TicketingError]) -> None:
    assert category.slug.replace("_", "").isalpha()
    assert [one.slug for one in CATEGORIES].count(category.slug) == 1


def test_an_error_of_a_service_means_what_its_category_means() -> None:
    class TicketTaken(errors.Conflict):
        slug = "ticket_taken"

    class TicketJustTaken(TicketTaken):
        pass

    assert verdict_on(TicketJustTaken("gone")) == VERDICTS[errors.Conflict]


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (DatabaseUnavailable("away"), errors.Unavailable),
        (BrokerUnavailable("away"), errors.Unavailable),
        (KeysUnavailable("away"), errors.Unavailable),
        (errors.TooEarly("soon"), errors.Unavailable),
        (InvalidSession("forged"), errors.Unauthenticated),
    ],
)
def test_errors_of_the_plumbing_have_their_category(
    error: TicketingError, category: type[TicketingError]
) -> None:
    assert verdict_on(error) == VERDICTS[category]


@pytest.mark.parametrize(
    "error", [RuntimeError("bug"), KeyError("bug"), TicketingError("no category")]
)
def test_the_unforeseen_is_a_fault_of_ours_and_tried_a_bounded_number_of_times(
    error: Exception,
) -> None:
    assert verdict_on(error) == (500, Disposition.RETRY_THEN_PARK)


def test_what_can_pass_is_retried_for_ever_and_what_cannot_is_parked_at_once() -> None:
    assert verdict_on(errors.Unavailable("x")).disposition is Disposition.RETRY
    assert verdict_on(errors.Unprocessable("x")).disposition is Disposition.PARK


def test_an_error_carries_its_extras_and_when_to_come_back() -> None:
    error = errors.Conflict("taken", retry_after=2.5, order_id="o1")
    assert (error.detail, error.retry_after) == ("taken", 2.5)
    assert error.extras == {"order_id": "o1"}
    assert str(error) == "taken"


def test_invalid_input_names_the_field() -> None:
    error = errors.InvalidInput("price", "is odd")
    assert error.extras == {"errors": [{"field": "price", "message": "is odd"}]}
