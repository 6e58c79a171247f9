"""Where everything of one stack is to be reached."""

from dataclasses import dataclass
from typing import Any

from embedded import ports
from embedded.settings import SQL_SERVICES, StackSettings

SERVICES = ("auth", "tickets", "orders", "payments", "expiration", "client")
STORES = ("nats", "valkey", "mongo")
GATEWAY, STRIPE = "nginx", "stripe"
REAL_STRIPE = "https://api.stripe.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    ports: dict[str, int]
    gateway: str
    stripe: str
    nats: str
    redis: str
    mongo: str
    databases: dict[str, str]

    def service(self, name: str) -> str:
        return f"http://{ports.LOOPBACK}:{self.ports[name]}"

    def as_json(self) -> dict[str, Any]:
        """The part of stack.json that does not change while the stack runs."""
        return {
            "gateway": self.gateway,
            "stripe": self.stripe,
            "nats": self.nats,
            "redis": self.redis,
            "mongo": self.mongo,
            "databases": self.databases,
        }


def choose(settings: StackSettings) -> Addresses:
    """Choose every port for one run: a process that is started again comes back on
    its own. Raises PortTaken for a gateway port that is in use."""
    chosen = ports.choose_free((*SERVICES, *STORES, STRIPE, GATEWAY))
    if settings.port:
        chosen[GATEWAY] = settings.port
    ports.require_free(chosen[GATEWAY], ports.gateway_hosts())
    host = ports.LOOPBACK
    double = f"http://{host}:{chosen[STRIPE]}"
    elsewhere = settings.given("STRIPE_API_BASE") or REAL_STRIPE
    return Addresses(
        ports=chosen,
        gateway=f"http://{host}:{chosen[GATEWAY]}",
        stripe=elsewhere if settings.uses_real_stripe else double,
        nats=settings.given("NATS_URL") or f"nats://{host}:{chosen['nats']}",
        redis=settings.given("REDIS_URL") or f"redis://{host}:{chosen['valkey']}/0",
        mongo=settings.given("MONGO_URL")
        or f"mongodb://{host}:{chosen['mongo']}/?directConnection=true",
        databases={name: settings.database_url(name) for name in SQL_SERVICES},
    )
