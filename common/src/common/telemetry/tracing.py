"""W3C trace context through HTTP, outbox and NATS: one trace id from end to end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry import context as trace_context
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind

_TRACER: Final = trace.get_tracer("ticketing")

Origins = Mapping[str, Mapping[str, str]]
"""By event id, the headers that carry the trace of who decided on the event."""

_ORIGINS: Final[ContextVar[Origins | None]] = ContextVar("origins", default=None)


def configure_tracing(service: str) -> None:
    """Make this process produce spans that carry ``service`` as their name."""
    resource = Resource.create({"service.name": service})
    trace.set_tracer_provider(TracerProvider(resource=resource))


@contextmanager
def span(
    name: str, kind: SpanKind, *, parent: Mapping[str, str] | None = None
) -> Iterator[Span]:
    """Run the block in a span; a child of the context in ``parent``, if given."""
    context = propagate.extract(parent) if parent is not None else None
    with _TRACER.start_as_current_span(name, context=context, kind=kind) as current:
        yield current


@contextmanager
def batch_from(origins: Origins) -> Iterator[None]:
    """Run the block, which handles several events, knowing where each came from."""
    token = _ORIGINS.set(origins)
    try:
        yield
    finally:
        _ORIGINS.reset(token)


@contextmanager
def continuing(event_id: str) -> Iterator[None]:
    """Run the block in the trace of one event of a batch; else in the present one.

    What the block decides on, above all events of its own, belongs to that trace
    and not to those of the other events that happen to be in the batch.
    """
    headers = (_ORIGINS.get() or {}).get(event_id)
    if headers is None:
        yield
        return
    token = trace_context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        trace_context.detach(token)


def trace_headers() -> dict[str, str]:
    """Return the headers (``traceparent``, …) that carry the present context on."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def trace_id() -> str | None:
    """Return the present trace id in hex, or None outside of any trace."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
