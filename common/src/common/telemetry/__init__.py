"""Logs, metrics and traces, the same in every service."""

from common.telemetry.logs import configure_logging, logger
from common.telemetry.tracing import configure_tracing, span, trace_headers, trace_id

__all__ = [
    "configure_logging",
    "configure_tracing",
    "logger",
    "span",
    "trace_headers",
    "trace_id",
]
