"""E-mail addresses: one form for each, so that the unique index sees doubles."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 255
_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


def normalise(text: str) -> str:
    """Return the address in the form in which it is stored and compared."""
    stripped = unicodedata.normalize("NFC", text).strip()
    # Folding can take a text out of NFC again.
    return unicodedata.normalize("NFC", stripped.casefold())


def looks_like_address(email: str) -> bool:
    """Tell whether mail could be sent there; only sending some would prove it."""
    local, at, domain = email.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and email.isprintable()
        and _LOCAL.fullmatch(local) is not None
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdecimal()
    )


def display_name(email: str) -> str:
    """Return what others may see of an address: its local part."""
    return email.partition("@")[0]
