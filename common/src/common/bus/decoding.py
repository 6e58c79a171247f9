"""From a NATS message to an event, or to a reason why not."""

import re
from typing import Final

from nats.aio.msg import Msg
from pydantic import ValidationError

from common.bus.message import SCHEMA_VERSION
from common.errors import Unprocessable
from common.events import EVENT_TYPES, Event

_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}")


class UnreadableMessage(Unprocessable):
    """The message is no event that this version of the code can read."""

    slug = "unreadable_message"


def decode(message: Msg) -> Event:
    """Return the event in ``message``.

    Raises:
        UnreadableMessage: unknown subject, a newer schema version (rule R53), or
            a body that does not fit the schema. The reason names fields, never
            their content.
    """
    event_type = EVENT_TYPES.get(message.subject)
    if event_type is None:
        raise UnreadableMessage(f"no event is known as {message.subject}")
    version = (message.headers or {}).get(SCHEMA_VERSION, "1")
    if not _VERSION.fullmatch(version) or int(version) > event_type.schema_version:
        raise UnreadableMessage(
            f"schema version {version[:8]} of {message.subject} is not known"
        )
    try:
        return event_type.model_validate_json(message.data)
    except ValidationError as error:
        fields = ", ".join(
            ".".join(map(str, e["loc"])) or "body" for e in error.errors()[:5]
        )
        raise UnreadableMessage(f"does not fit {message.subject}: {fields}") from error
