"""Prometheus metrics that every service has. Base units; no ids in labels."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_LATENCY_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip

HTTP_DURATION: Final = Histogram(
    "http_server_request_duration_seconds",
    "Time to answer an HTTP request",
    ["http_route", "http_request_method", "http_response_status_code"],
    buckets=_LATENCY_BUCKETS,
)
HTTP_ACTIVE: Final = Gauge(
    "http_server_active_requests", "HTTP requests being answered"
)

OUTBOX_PENDING: Final = Gauge("outbox_pending", "Events committed and not published")
OUTBOX_OLDEST_AGE: Final = Gauge(
    "outbox_oldest_age_seconds", "Age of the oldest event not published yet"
)
UNANSWERED: Final = Gauge(
    "changes_unanswered", "Changes that another service should have answered by now"
)
MESSAGES_SENT: Final = Counter(
    "messaging_client_sent_messages_total",
    "Events published and acknowledged by the broker",
    ["messaging_destination_name"],
)

MESSAGES_CONSUMED: Final = Counter(
    "messaging_client_consumed_messages_total",
    "Messages taken from a stream, by what became of them",
    ["messaging_destination_name", "messaging_consumer_group_name", "outcome"],
)
MESSAGE_DURATION: Final = Histogram(
    "messaging_process_duration_seconds",
    "Time to process one batch of messages",
    ["messaging_consumer_group_name"],
    buckets=_LATENCY_BUCKETS,
)
INBOX_DUPLICATES: Final = Counter(
    "inbox_duplicates_total", "Events that came again and changed nothing"
)
CONSUMER_LAG: Final = Gauge(
    "consumer_lag",
    "Messages in the stream that a consumer has not seen",
    ["messaging_consumer_group_name"],
)
DEAD_LETTERS: Final = Counter(
    "dlq_messages_total",
    "Messages parked in the dead-letter stream",
    ["messaging_destination_name", "messaging_consumer_group_name"],
)
