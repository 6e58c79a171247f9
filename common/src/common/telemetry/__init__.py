"""Logs, metrics and traces, the same in every service."""

from common.telemetry.logs import configure_logging, logger
from common.telemetry.tracing import (
    batch_from,
    configure_tracing,
    continuing,
    span,
    trace_headers,
    trace_id,
)

__all__ = [
    "batch_from",
    "configure_logging",
    "configure_tracing",
    "continuing",
    "logger",
    "span",
    "trace_headers",
    "trace_id",
]
