"""One sample of each event: the publisher writes it, every consumer reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from common.events import EVENT_TYPES, Event

CONTRACTS = Path(__file__).parents[3] / "common" / "contracts"
REQUIRED: dict[str, list[str]] = json.loads(
    (CONTRACTS / "required_fields.json").read_text()
)
SUBJECTS = sorted(EVENT_TYPES)


def sample(subject: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((CONTRACTS / f"{subject}.json").read_text())
    return body


def read(subject: str, body: object) -> Event:
    return EVENT_TYPES[subject].model_validate_json(json.dumps(body))


def test_every_event_has_a_sample_and_every_sample_an_event() -> None:
    names = {path.stem for path in CONTRACTS.glob("*.*.json")}
    assert names == set(SUBJECTS)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_sample_reads_and_is_written_again_the_same(subject: str) -> None:
    body = sample(subject)
    assert json.loads(read(subject, body).model_dump_json()) == body


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_sample_has_exactly_the_fields_of_its_event(subject: str) -> None:
    assert set(sample(subject)) == set(EVENT_TYPES[subject].model_fields)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_field_becomes_required_after_its_event_was_published(subject: str) -> None:
    # Messages in streams and outboxes were written without a field that is added
    # today: give it a default, or publish a new event beside this one.
    fields = EVENT_TYPES[subject].model_fields
    required = {name for name, field in fields.items() if field.is_required()}
    assert required == set(REQUIRED[subject])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_sample_with_only_what_is_required_reads(subject: str) -> None:
    body = {name: sample(subject)[name] for name in REQUIRED[subject]}
    event = read(subject, body)
    assert event.model_dump(mode="json", include=set(body)) == body


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_field_that_a_newer_publisher_added_is_ignored(subject: str) -> None:
    newer = {**sample(subject), "added_later": {"deep": [1]}}
    assert read(subject, newer) == read(subject, sample(subject))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_sample_without_a_required_field_is_refused(subject: str) -> None:
    for name in REQUIRED[subject]:
        body = {k: v for k, v in sample(subject).items() if k != name}
        with pytest.raises(ValidationError, match=name):
            read(subject, body)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_i13_no_event_has_a_field_for_card_or_secret(subject: str) -> None:
    words = ("card", "secret", "password", "cvc", "token", "email")
    schema = json.dumps(EVENT_TYPES[subject].model_json_schema()["properties"]).lower()
    assert not [word for word in words if f'"{word}' in schema]
