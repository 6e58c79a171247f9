"""The docs page of a service: Swagger UI, from our own site and nothing else."""

from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

_SWAGGER_UI: Final = Path(str(files(fastapi_offline))) / "static"
_OWN: Final = Path(__file__).parent / "static"
_FILES: Final = {
    "swagger-ui.css": (_SWAGGER_UI / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript"),
    "docs.js": (_OWN / "docs.js", "text/javascript"),
}
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>The API is described in <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/docs.js"></script>
</body>
</html>
"""

# Swagger UI draws its icons as data: images.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_router(prefix: str, title: str) -> APIRouter:
    """Return the routes ``{prefix}/docs`` and, below it, what the page loads."""
    router = APIRouter(prefix=f"{prefix}/docs", include_in_schema=False)
    page = _PAGE.format(title=escape(title))

    @router.get("")
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    for name, (path, media_type) in _FILES.items():
        router.add_api_route(f"/{name}", _serving(path, media_type))
    return router


def _serving(path: Path, media_type: str) -> Callable[[], Awaitable[FileResponse]]:
    async def serve() -> FileResponse:
        headers = {"Cache-Control": "public, max-age=3600"}
        return FileResponse(path, media_type=media_type, headers=headers)

    return serve
