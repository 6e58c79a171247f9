"""The HTTP edge: application, problems, middleware, health, server."""

from common.web.app import Reading, Transaction, create_service_app
from common.web.openapi import refusals
from common.web.problems import problem
from common.web.server import serve

__all__ = [
    "Reading",
    "Transaction",
    "create_service_app",
    "problem",
    "refusals",
    "serve",
]
