"""What travels on the bus: an event in its stored and published form."""

from typing import Final, NamedTuple, Self

from common.events import Event
from common.telemetry.tracing import trace_headers

MESSAGE_ID: Final = "Nats-Msg-Id"
SCHEMA_VERSION: Final = "Schema-Version"


class OutboxMessage(NamedTuple):
    """An event in the form in which it is stored and published."""

    event_id: str
    subject: str
    headers: dict[str, str]
    payload: str

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """Serialise ``event``, with the trace context of who decided on it."""
        headers = {
            MESSAGE_ID: event.event_id,
            SCHEMA_VERSION: str(event.schema_version),
            **trace_headers(),
        }
        return cls(event.event_id, event.subject, headers, event.model_dump_json())
