"""What orders measures beyond what every service does."""

from typing import Final

from prometheus_client import Counter

EXPIRED: Final = Counter(
    "orders_expired_total",
    "Orders cancelled because their time was over, by who noticed: timer or sweeper",
    ["noticed_by"],
)
