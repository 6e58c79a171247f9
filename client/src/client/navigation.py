"""Where a person may be sent next: only ever to a page of this site."""

from urllib.parse import quote, urlsplit

_NOT_A_DESTINATION = ("/signin", "/signup", "/signout")
_MAX_LENGTH = 1000


def safe_next(target: str | None, default: str = "/") -> str:
    """Return `target` if it is a path on this site, else `default`.

    Browsers read "//host", "/\\host" and a tab or newline inside a URL as another
    site, so each of those is refused, and so is sending people round in circles to
    the sign-in pages.
    """
    if not target or len(target) > _MAX_LENGTH or not target.isprintable():
        return default
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    try:
        parts = urlsplit(target)
    except ValueError:
        return default
    if parts.scheme or parts.netloc or parts.path.startswith(_NOT_A_DESTINATION):
        return default
    return target


def sign_in_path(target: str) -> str:
    """The sign-in page that returns to `target` afterwards."""
    return f"/signin?next={quote(safe_next(target), safe='/')}"
