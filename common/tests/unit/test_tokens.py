"""Session tokens: what proves a session, and what only pretends to."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from common.clock import now
from common.events import SessionsRevoked
from common.identity import ALGORITHM, InvalidSession, Session
from common.testing import FakeIdentity

pytestmark = pytest.mark.asyncio

FAR_FUTURE = 4_000_000_000


def segment(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def claims_of(identity: FakeIdentity) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        identity.token("u1"), options={"verify_signature": False}
    )
    return claims


def signed(identity: FakeIdentity, header: dict[str, Any], claims: object) -> str:
    """Sign whatever is given with the genuine key, as no library would."""
    body = f"{segment(header)}.{segment(claims)}"
    return f"{body}.{segment(identity.private_key.sign(body.encode()))}"


def header_of(identity: FakeIdentity, **changes: object) -> dict[str, Any]:
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": identity.key_id, **changes}
    return {name: value for name, value in header.items() if value is not None}


def hs256_with_the_public_key(identity: FakeIdentity) -> str:
    public = identity.private_key.public_key()
    key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = segment(header_of(identity, alg="HS256"))
    body = f"{header}.{segment(claims_of(identity))}"
    return f"{body}.{segment(hmac.digest(key, body.encode(), hashlib.sha256))}"


def hs256_with_the_raw_public_key(identity: FakeIdentity) -> str:
    key = identity.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    header = segment(header_of(identity, alg="HS256"))
    body = f"{header}.{segment(claims_of(identity))}"
    return f"{body}.{segment(hmac.digest(key, body.encode(), hashlib.sha256))}"


def unsigned(identity: FakeIdentity, algorithm: str) -> str:
    header = header_of(identity, alg=algorithm)
    return f"{segment(header)}.{segment(claims_of(identity))}."


def without(claim: str) -> Callable[[FakeIdentity], str]:
    return lambda identity: identity.token("u1", **{claim: None})


def of_another_key(identity: FakeIdentity, **header: object) -> str:
    forger = FakeIdentity()
    forger.key_id = identity.key_id
    return signed(forger, header_of(identity, **header), claims_of(identity))


def with_own_jwk(identity: FakeIdentity) -> str:
    forger = Ed25519PrivateKey.generate()
    own = OKPAlgorithm.to_jwk(forger.public_key(), as_dict=True)
    body = f"{segment(header_of(identity, jwk=own))}.{segment(claims_of(identity))}"
    return f"{body}.{segment(forger.sign(body.encode()))}"


def tampered(identity: FakeIdentity) -> str:
    header, _, signature = identity.token("u1").split(".")
    return f"{header}.{segment({**claims_of(identity), 'sub': 'admin'})}.{signature}"


def expired(identity: FakeIdentity) -> str:
    past = now() - timedelta(seconds=6)
    return identity.token("u1", exp=past.timestamp())


FORGED: dict[str, Callable[[FakeIdentity], str]] = {
    "nothing": lambda _: "",
    "one part": lambda _: "abc",
    "empty parts": lambda _: "..",
    "four parts": lambda i: i.token("u1") + ".more",
    "no base64": lambda _: "!!!.???.***",
    "not ascii": lambda _: "é.ü.\ud800",
    "nested garbage": lambda i: signed(i, header_of(i), b"[" * 500 + b"]" * 500),
    "header is no object": lambda _: f"{segment([1])}.{segment({})}.{segment(b'x')}",
    "header is no json": lambda _: f"{segment(b'{{')}.{segment({})}.{segment(b'x')}",
    "claims are no object": lambda i: signed(i, header_of(i), ["u1"]),
    "claims are no json": lambda i: signed(i, header_of(i), b"\xff\xfe"),
    "huge": lambda i: i.token("u1", more="x" * 5000),
    "very huge": lambda _: "a" * 1_000_000,
    "deep header": lambda _: segment(b"[" * 1500) + ".e30.eA",
    "alg none": lambda i: unsigned(i, "none"),
    "alg None": lambda i: unsigned(i, "None"),
    "alg missing": lambda i: signed(i, header_of(i, alg=None), claims_of(i)),
    "alg a list": lambda i: signed(i, header_of(i, alg=["EdDSA"]), claims_of(i)),
    "hs256 with the public key": hs256_with_the_public_key,
    "hs256 with the raw public key": hs256_with_the_raw_public_key,
    "another key, known kid": of_another_key,
    "another key, jku": lambda i: of_another_key(i, jku="https://evil.example/jwks"),
    "another key, x5u": lambda i: of_another_key(i, x5u="https://evil.example/x5"),
    "another key, own jwk": with_own_jwk,
    "critical extension": lambda i: signed(i, header_of(i, crit=["b64"]), claims_of(i)),
    "kid unknown": lambda i: signed(i, header_of(i, kid="other"), claims_of(i)),
    "kid missing": lambda i: signed(i, header_of(i, kid=None), claims_of(i)),
    "kid a number": lambda i: signed(i, header_of(i, kid=7), claims_of(i)),
    "kid a path": lambda i: signed(i, header_of(i, kid="../../dev/null"), claims_of(i)),
    "typ missing": lambda i: signed(i, header_of(i, typ=None), claims_of(i)),
    "typ of an id token": lambda i: signed(i, header_of(i, typ="JWT"), claims_of(i)),
    "payload changed": tampered,
    "signature removed": lambda i: i.token("u1").rpartition(".")[0] + ".",
    "iss wrong": lambda i: i.token("u1", iss="somebody"),
    "aud wrong": lambda i: i.token("u1", aud="elsewhere"),
    "aud a number": lambda i: signed(i, header_of(i), {**claims_of(i), "aud": 5}),
    "expired": expired,
    "exp text": lambda i: i.token("u1", exp=str(FAR_FUTURE)),
    "exp infinite": lambda i: i.token("u1", exp=float("inf")),
    "exp no number": lambda i: i.token("u1", exp=float("nan")),
    "exp beyond the calendar": lambda i: i.token("u1", exp=10**15),
    "exp an object": lambda i: i.token("u1", exp={}),
    "iat text": lambda i: i.token("u1", iat="yesterday"),
    "iat a number in text": lambda i: i.token("u1", iat="1700000000"),
    "iat in the future": lambda i: i.token("u1", iat=FAR_FUTURE),
    "iat a list": lambda i: signed(i, header_of(i), {**claims_of(i), "iat": []}),
    "not valid yet": lambda i: i.token("u1", nbf=FAR_FUTURE),
    "sub a number": lambda i: signed(i, header_of(i), {**claims_of(i), "sub": 5}),
    "sub an object": lambda i: signed(i, header_of(i), {**claims_of(i), "sub": {}}),
    "email a number": lambda i: i.token("u1", email=5),
    "sid a list": lambda i: i.token("u1", sid=["a"]),
    "jti a number": lambda i: signed(i, header_of(i), {**claims_of(i), "jti": 5}),
    **{
        f"{name} missing": without(name)
        for name in ("exp", "iat", "sub", "aud", "iss", "jti", "sid", "email")
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(FORGED))
async def test_s13_a_forged_token_is_no_session(kind: str) -> None:
    identity = FakeIdentity()
    with pytest.raises(InvalidSession):
        await identity.verifier.verify(FORGED[kind](identity))


@pytest.mark.parametrize("kind", sorted(FORGED))
async def test_s13_a_forged_token_is_no_session_the_second_time_either(
    kind: str,
) -> None:
    identity = FakeIdentity()
    token = FORGED[kind](identity)
    for _ in range(2):
        with pytest.raises(InvalidSession):
            await identity.verifier.verify(token)


async def test_a_genuine_token_proves_its_session() -> None:
    identity = FakeIdentity()
    session = await identity.verifier.verify(identity.token("u1", sid="s1"))
    assert session.user_id == "u1"
    assert session.email == "u1@example.com"
    assert session.session_id == "s1"
    assert session.issued_at < session.expires_at
    assert session.issued_at.microsecond != 0


async def test_a_clock_that_is_a_little_off_is_forgiven() -> None:
    identity = FakeIdentity()
    late = (now() - timedelta(seconds=2)).timestamp()
    early = (now() + timedelta(seconds=2)).timestamp()
    assert await identity.verifier.verify(identity.token("u1", exp=late))
    assert await identity.verifier.verify(identity.token("u1", iat=early))


async def test_a_verified_token_still_expires() -> None:
    identity = FakeIdentity()
    token = identity.token("u1")
    session = await identity.verifier.verify(token)
    # What is remembered is made older, which is what the passing of time would do.
    over = session._replace(expires_at=now() - timedelta(seconds=6))
    remembered = identity.verifier._verified
    remembered[token] = remembered[token]._replace(session=over)
    with pytest.raises(InvalidSession, match="expired"):
        await identity.verifier.verify(token)


async def test_a_verified_token_can_still_be_revoked() -> None:
    identity = FakeIdentity()
    token = identity.token("u1")
    await identity.verifier.verify(token)
    identity.revocations.add(SessionsRevoked(id="u1", not_before=now()))
    with pytest.raises(InvalidSession, match="ended"):
        await identity.verifier.verify(token)


async def test_the_signature_is_checked_once() -> None:
    identity = FakeIdentity()
    token = identity.token("u1")
    first = await identity.verifier.verify(token)
    assert await identity.verifier.verify(token) is first


async def test_s14_a_withdrawn_key_ends_the_sessions_that_it_signed() -> None:
    identity = FakeIdentity()
    token = identity.token("u1")
    await identity.verifier.verify(token)
    identity.key_id = "another"
    with pytest.raises(InvalidSession):
        await identity.verifier.verify(token)


async def test_what_is_remembered_is_bounded() -> None:
    identity = FakeIdentity()
    genuine = identity.token("u1")
    await identity.verifier.verify(genuine)
    verified = identity.verifier._verified[genuine]
    identity.verifier._verified.update({f"t{n}": verified for n in range(4096)})
    token = identity.token("u2")
    await identity.verifier.verify(token)
    before = len(identity.verifier._verified)
    await identity.verifier.verify(identity.token("u3"))
    assert len(identity.verifier._verified) == before
    assert token in identity.verifier._verified


def a_session(user: str = "u1", session: str = "s1", age: float = 10.0) -> Session:
    issued = now() - timedelta(seconds=age)
    return Session(user, f"{user}@example.com", session, issued, now())


async def test_sign_out_everywhere_ends_sessions_issued_before_it() -> None:
    revocations = FakeIdentity().revocations
    moment = now()
    revocations.add(SessionsRevoked(id="u1", not_before=moment))
    assert revocations.is_revoked(a_session())
    assert not revocations.is_revoked(a_session("u2"))


async def test_a_sign_in_right_after_it_is_valid() -> None:
    revocations = FakeIdentity().revocations
    moment = now()
    revocations.add(SessionsRevoked(id="u1", not_before=moment))
    same = a_session()._replace(issued_at=moment)
    earlier = a_session()._replace(issued_at=moment - timedelta(microseconds=1))
    assert not revocations.is_revoked(same)
    assert revocations.is_revoked(earlier)


async def test_an_ordinary_sign_out_ends_one_session_only() -> None:
    revocations = FakeIdentity().revocations
    revocations.add(SessionsRevoked(id="u1", not_before=now(), session_id="s1"))
    assert revocations.is_revoked(a_session(session="s1"))
    assert not revocations.is_revoked(a_session(session="s2"))


async def test_revocations_may_come_in_any_order() -> None:
    older, newer = now() - timedelta(hours=2), now() - timedelta(hours=1)
    for first, second in ((older, newer), (newer, older)):
        revocations = FakeIdentity().revocations
        revocations.add(SessionsRevoked(id="u1", not_before=first))
        revocations.add(SessionsRevoked(id="u1", not_before=second))
        assert revocations.is_revoked(a_session(age=5400))
        assert not revocations.is_revoked(a_session(age=1800))


async def test_revocations_are_forgotten_once_their_tokens_have_expired() -> None:
    revocations = FakeIdentity().revocations
    old, recent = now() - timedelta(days=31), now()
    revocations.add(SessionsRevoked(id="u1", not_before=old))
    revocations.add(SessionsRevoked(id="u2", not_before=recent))
    revocations.add(SessionsRevoked(id="u3", not_before=old, session_id="s3"))
    revocations.forget(now() - timedelta(days=30))
    assert set(revocations._users) == {"u2"}
    assert revocations._sessions == {}
