"""Transactional outbox: an event leaves if, and only if, its change committed."""

from common.bus.message import MESSAGE_ID, SCHEMA_VERSION, OutboxMessage
from common.outbox.relay import (
    RETENTION,
    Backlog,
    Claim,
    OutboxRelay,
    OutboxStore,
    Publisher,
)
from common.outbox.reminder import Reminder, Unanswered
from common.outbox.sql import SqlOutbox, add_events

__all__ = [
    "MESSAGE_ID",
    "RETENTION",
    "SCHEMA_VERSION",
    "Backlog",
    "Claim",
    "OutboxMessage",
    "OutboxRelay",
    "OutboxStore",
    "Publisher",
    "Reminder",
    "SqlOutbox",
    "Unanswered",
    "add_events",
]
