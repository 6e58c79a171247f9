"""`python -m stripe_double`: serve the double on HOST and PORT."""

import uvicorn

from stripe_double.main import create_app
from stripe_double.settings import Settings


def main() -> None:
    """Run until stopped."""
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
