"""Structured logs: one JSON object a line, with request and trace ids.

The event name is constant, what varies goes into keywords, and things are named
by their ids. What must not be read by anyone is removed here as a last defence.
"""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from common.telemetry.tracing import trace_id

_SECRET_WORDS: Final = (
    "password", "secret", "token", "cookie", "authorization", "card", "cvc",
)  # fmt: skip


def configure_logging(service: str, level: str) -> None:
    """Send the logs of this process, libraries' included, to stdout as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        _add_context(service),
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.EventRenamer("msg"),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Our middleware writes the access log; these would say everything twice.
    for noisy in ("uvicorn.access", "httpx", "httpcore", "stripe", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def _add_context(service: str) -> structlog.typing.Processor:
    def add(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
        entry["service"] = service
        if (trace := trace_id()) is not None:
            entry["trace_id"] = trace
        return entry

    return add


def _redact(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    for name in entry:
        if any(word in name.lower() for word in _SECRET_WORDS):
            entry[name] = "[removed]"
    return entry
