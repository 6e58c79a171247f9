import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from auth.keys import SigningKeys, thumbprint

Pem = Callable[[Ed25519PrivateKey], str]

# RFC 8037, appendices A.1 and A.3.
RFC_SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_SECRET))
    assert thumbprint(key) == RFC_THUMBPRINT


def test_first_key_signs_and_all_are_published(
    private_pem: Pem, tmp_path: Path
) -> None:
    pair = [Ed25519PrivateKey.generate() for _ in range(2)]
    text = "".join(private_pem(key) for key in pair)
    path = tmp_path / "keys.pem"
    path.write_text(text)
    as_list = json.dumps([private_pem(key) for key in pair])
    for source in (text, str(path), as_list):
        keys = SigningKeys.load(source)
        assert keys.signing.key_id == thumbprint(pair[0])
        published = [key["kid"] for key in keys.public()["keys"]]
        assert published == [thumbprint(key) for key in pair]


def test_private_halves_are_not_published(signing_key: Ed25519PrivateKey) -> None:
    (published,) = SigningKeys([signing_key]).public()["keys"]
    assert set(published) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert published["kty"] == "OKP"
    assert published["crv"] == "Ed25519"
    assert published["alg"] == "EdDSA"
    assert published["use"] == "sig"


def test_without_a_key_auth_does_not_start() -> None:
    with pytest.raises(ValueError, match="no Ed25519"):
        SigningKeys.load("-----BEGIN NOTHING-----")


def test_keys_of_another_kind_are_refused() -> None:
    pem = X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(TypeError, match="Ed25519"):
        SigningKeys.load(pem.decode())
