"""Running a service: uvicorn, one process, bounded in every direction."""

from typing import Final

import uvicorn
from fastapi import FastAPI

from common.settings import ServiceSettings

GRACE_SECONDS: Final = 20
"""How long requests in flight may take after SIGTERM."""

LIMIT_CONCURRENCY: Final = 2048


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Serve ``app`` until SIGTERM; requests in flight are finished."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=LIMIT_CONCURRENCY,
    )
