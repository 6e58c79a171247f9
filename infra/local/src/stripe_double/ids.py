"""Random ids in Stripe's form, and the clock its objects show."""

import secrets
import string
import time

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """`prefix_` and 24 random letters and digits."""
    return f"{prefix}_{random_text(24)}"


def random_text(length: int) -> str:
    """Letters and digits nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def created_now() -> int:
    """Whole seconds since the epoch."""
    return int(time.time())
