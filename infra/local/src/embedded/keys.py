"""The secrets of one embedded stack, made on its first start."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keys:
    jwt_signing_keys: Path
    webhook_secret: str
    stripe_secret_key: str


def load_or_make(state_dir: Path) -> Keys:
    """Read the secrets, making those that are missing; each file has mode 0600."""
    folder = state_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    jwt_path = folder / "jwt-signing-keys.pem"
    _kept(jwt_path, _ed25519_pem)
    webhook = _kept(folder / "stripe-webhook-secret", lambda: _random("whsec_"))
    stripe_key = _kept(folder / "stripe-secret-key", lambda: _random("sk_test_"))
    return Keys(jwt_path, webhook, stripe_key)


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        temporary = path.with_suffix(".new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(make() + "\n")
        temporary.replace(path)
    return path.read_text().strip()


def _random(prefix: str) -> str:
    return prefix + secrets.token_hex(24)


def _ed25519_pem() -> str:
    # Imported here: after the first start, the supervisor never needs it.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    key = ed25519.Ed25519PrivateKey.generate()
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
        .strip()
    )
