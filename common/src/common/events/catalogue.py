"""The event catalogue, written from the schemas themselves.

python -m common.events.catalogue > docs/events.md
"""

import inspect
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from common.events import EVENT_TYPES, Event

_INTRODUCTION: Final = """\
# Events

Written by `python -m common.events.catalogue > docs/events.md`; a test fails when
this file is not what that prints. The schemas are in `common/src/common/events`, a
sample of each event is in `common/contracts`.

Each event is one JSON object on the JetStream subject that names it, in the stream
of the service that publishes it. It carries the whole state of its aggregate and its
`version`: whoever reads it applies it if it is newer than what he has and skips it
otherwise. Unknown fields are ignored. Headers: `Nats-Msg-Id` (the `event_id`),
`Schema-Version`, and `traceparent` where there is a trace.

Times are RFC 3339 with an offset. Amounts of money are integers in the smallest unit
of their currency. A field that is not required may be missing or null.
"""

_CONSTRAINTS: Final = {
    "minimum": "≥ {}",
    "maxLength": "≤ {} characters",
    "pattern": "`{}`",
}


def catalogue() -> str:
    """Return the whole document, in Markdown, ending in a newline."""
    parts = [_INTRODUCTION, _contents(EVENT_TYPES)]
    stream = ""
    for subject, event_type in sorted(EVENT_TYPES.items()):
        if subject.partition(".")[0].upper() != stream:
            stream = subject.partition(".")[0].upper()
            parts.append(f"## Stream {stream}\n")
        parts.append(_section(event_type))
    return "\n".join(parts)


def _contents(event_types: Mapping[str, type[Event]]) -> str:
    rows = [
        f"| `{subject}` | `{event_type.__name__}` | {_summary(event_type)} |"
        for subject, event_type in sorted(event_types.items())
    ]
    return "\n".join(["| subject | class | when |", "|---|---|---|", *rows, ""])


def _section(event_type: type[Event]) -> str:
    schema = event_type.model_json_schema(mode="serialization")
    required = set(event_type.model_json_schema()["required"]) | {
        "event_id",
        "occurred_at",
    }
    lines = [
        f"### {event_type.subject}",
        "",
        f"`{event_type.__name__}`, schema version {event_type.schema_version}.",
        "",
        _document(event_type),
        "",
        *_fields(schema, required, schema.get("$defs", {})),
        "",
    ]
    for name, part in schema.get("$defs", {}).items():
        if "properties" in part:
            lines += [f"`{name}`: {part.get('description', '')}", ""]
            lines += [*_fields(part, set(part.get("required", ())), {}), ""]
    return "\n".join(lines)


def _fields(
    schema: Mapping[str, Any], required: set[str], definitions: Mapping[str, Any]
) -> Iterable[str]:
    yield "| field | type | required |"
    yield "|---|---|---|"
    for name, field in schema["properties"].items():
        kind = _kind(field, definitions)
        yield f"| `{name}` | {kind} | {'yes' if name in required else 'no'} |"


def _kind(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        kinds = (_kind(one, definitions) for one in field["anyOf"])
        return " or ".join(kind for kind in kinds if kind != "null")
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        part = definitions.get(name, {})
        return _kind(part, definitions) if "enum" in part else f"`{name}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("format") == "date-time":
        return "time"
    limits = [
        text.format(field[word]) for word, text in _CONSTRAINTS.items() if word in field
    ]
    return ", ".join([str(field["type"]), *limits])


def _summary(event_type: type[Event]) -> str:
    return _document(event_type).partition(". ")[0].removesuffix(".")


def _document(event_type: type[Event]) -> str:
    return " ".join((inspect.getdoc(event_type) or "").split()).replace("``", "`")


if __name__ == "__main__":
    sys.stdout.write(catalogue())
