"""Events are frozen facts that an older reader can read."""

import json
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from common.bus import stream_of
from common.bus.decoding import UnreadableMessage, decode
from common.events import EVENT_TYPES, Event, ExpirationCompleted, UserSignedUp
from common.ids import is_id
from common.outbox import MESSAGE_ID, SCHEMA_VERSION, OutboxMessage
from common.telemetry import configure_tracing, span

DEADLINE = datetime(2026, 11, 22, 12, 15, tzinfo=UTC)


def expired() -> ExpirationCompleted:
    return ExpirationCompleted(order_id="o1", expires_at=DEADLINE)


def message(
    subject: str, body: bytes | str, headers: dict[str, str] | None = None
) -> Msg:
    data = body if isinstance(body, bytes) else body.encode()
    return Msg(_client=Client(), subject=subject, data=data, headers=headers)


def test_an_event_is_born_with_an_id_and_an_aware_time() -> None:
    event = expired()
    assert is_id(event.event_id)
    assert event.occurred_at.tzinfo is not None
    assert event.event_id != expired().event_id


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        expired().order_id = "o2"  # type: ignore[misc]


def test_a_naive_time_is_refused() -> None:
    naive = DEADLINE.replace(tzinfo=None)
    with pytest.raises(ValidationError, match="timezone"):
        ExpirationCompleted(order_id="o1", expires_at=naive)


@pytest.mark.parametrize("subject", sorted(EVENT_TYPES))
def test_a_subject_is_noun_dot_past_tense_in_the_stream_of_its_publisher(
    subject: str,
) -> None:
    assert EVENT_TYPES[subject].subject == subject
    service = EVENT_TYPES[subject].__module__.rpartition(".")[2]
    assert stream_of(subject) == service.upper()


def test_an_event_decodes_to_itself() -> None:
    event = expired()
    stored = OutboxMessage.from_event(event)
    assert decode(message(stored.subject, stored.payload, stored.headers)) == event


def test_a_stored_message_carries_id_version_and_trace() -> None:
    event = expired()
    configure_tracing("test")
    with span("request", SpanKind.SERVER) as current:
        stored = OutboxMessage.from_event(event)
    trace_id = f"{current.get_span_context().trace_id:032x}"
    assert stored.headers[MESSAGE_ID] == event.event_id
    assert stored.headers[SCHEMA_VERSION] == "1"
    assert trace_id in stored.headers["traceparent"]


def test_without_headers_the_first_schema_version_is_meant() -> None:
    event = expired()
    assert decode(message(event.subject, event.model_dump_json())) == event


@pytest.mark.parametrize(
    "version", ["2", "99", "9" * 5000, "-1", "1.0", "", "one", "²", "0x1"]
)
def test_r53_an_unknown_schema_version_is_unreadable(version: str) -> None:
    event = expired()
    headers = {SCHEMA_VERSION: version}
    with pytest.raises(UnreadableMessage, match="schema version"):
        decode(message(event.subject, event.model_dump_json(), headers))


def test_an_unknown_subject_is_unreadable() -> None:
    with pytest.raises(UnreadableMessage, match="no event is known"):
        decode(message("tickets.exploded", "{}"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"42",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"id": "\\ud800", "display_name": "x"}',
        b'{"id": NaN, "display_name": "x"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"display_name": "no id"}',
        b'{"id": 5, "display_name": "x"}',
    ],
)
def test_a_body_that_does_not_fit_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableMessage, match=r"does not fit users\.signed_up"):
        decode(message(UserSignedUp.subject, body))


def test_the_reason_names_fields_and_never_their_content() -> None:
    body = json.dumps({"id": {"secret": "hunter2"}, "display_name": ["hunter2"]})
    with pytest.raises(UnreadableMessage) as refused:
        decode(message(UserSignedUp.subject, body))
    assert "id" in refused.value.detail
    assert "hunter2" not in refused.value.detail


def test_unknown_fields_are_ignored() -> None:
    body = json.dumps({"id": "u1", "display_name": "Ada", "invented": {"later": 1}})
    event = decode(message(UserSignedUp.subject, body))
    assert isinstance(event, UserSignedUp)
    assert event.display_name == "Ada"


def test_a_class_without_a_subject_is_not_registered() -> None:
    assert "" not in EVENT_TYPES
    assert Event not in EVENT_TYPES.values()
