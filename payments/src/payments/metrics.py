"""What payments measures beyond what every service does."""

from typing import Final

from prometheus_client import Counter, Gauge

RESULTS: Final = Counter(
    "payment_result_total", "States that payments have reached", ["outcome"]
)
WEBHOOKS: Final = Counter(
    "payment_webhooks_total",
    "Webhooks by what became of them: taken, duplicate, ignored, unknown, invalid",
    ["outcome"],
)
GATEWAY_FAILURES: Final = Counter(
    "payment_gateway_failures_total",
    "Looks at a payment that Stripe's answer, or its absence, cut short",
    ["reason"],
)
ALERTS: Final = Gauge(
    "payment_alerts", "Payments that a person has to look at (amounts, failed refunds)"
)
