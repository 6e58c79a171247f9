"""NATS JetStream: connection, streams, publishing, consuming, dead letters."""

from common.bus.consumer import Consumer, Subscription, subscriptions
from common.bus.jetstream import BrokerUnavailable, JetStream, connected
from common.bus.streams import stream_of

__all__ = [
    "BrokerUnavailable",
    "Consumer",
    "JetStream",
    "Subscription",
    "connected",
    "stream_of",
    "subscriptions",
]
