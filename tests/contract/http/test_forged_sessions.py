"""Tokens that prove nothing, shown to every route of every service."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.keys import SigningKeys
from common.clock import now
from common.identity import ALGORITHM, AUDIENCE, ISSUER, TOKEN_TYPE
from common.ids import new_id
from common.testing.http import assert_problem
from common.testing.routes import ApiRoute
from embedded.testing import RunningStack

pytestmark = pytest.mark.stack

Claims = dict[str, Any]
Forge = Callable[[SigningKeys], str]


def _claims(**overrides: object) -> Claims:
    issued = now().timestamp()
    claims: Claims = {
        "sub": new_id(),
        "email": "forger@example.com",
        "sid": new_id(),
        "jti": new_id(),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": issued,
        "exp": int(issued) + 3600,
        **overrides,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _signed(keys: SigningKeys, **overrides: object) -> str:
    """Sign with the true key of auth, as auth does but for the claims overridden."""
    return _token(keys, keys.signing.private, claims=_claims(**overrides))


def _token(
    keys: SigningKeys,
    key: Ed25519PrivateKey | str | None,
    *,
    algorithm: str = ALGORITHM,
    claims: Claims | None = None,
    **header: object,
) -> str:
    headers = {"kid": keys.signing.key_id, "typ": TOKEN_TYPE, **header}
    # An algorithm that needs no key, or takes any text for one, is what some want.
    return jwt.encode(claims or _claims(), key, algorithm, headers=headers)  # type: ignore[arg-type]


def _with_public_key_as_secret(keys: SigningKeys) -> str:
    public = keys.signing.private.public_key()
    secret = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return _token(keys, urlsafe_b64encode(secret).decode(), algorithm="HS256")


def _with_damage(keys: SigningKeys) -> str:
    head, body, signature = _signed(keys).split(".")
    other = _signed(keys, sub="somebody-else").split(".")[1]
    assert other != body
    return f"{head}.{other}.{signature}"


FORGERIES: Final[Mapping[str, Forge]] = {
    "signed by another key": lambda keys: _token(keys, Ed25519PrivateKey.generate()),
    "alg none": lambda keys: _token(keys, None, algorithm="none"),
    "the public key as a secret": _with_public_key_as_secret,
    "other claims below a true signature": _with_damage,
    "expired": lambda keys: _signed(keys, exp=int(now().timestamp()) - 60),
    "not yet valid": lambda keys: _signed(keys, nbf=int(now().timestamp()) + 600),
    "never expiring": lambda keys: _signed(keys, exp=None),
    "an expiry that is no time": lambda keys: _signed(keys, exp="tomorrow"),
    "for another audience": lambda keys: _signed(keys, aud="billing"),
    "of another issuer": lambda keys: _signed(keys, iss="evil"),
    "of nobody": lambda keys: _signed(keys, sub=None),
    "of a number": lambda keys: _signed(keys, sub=7),
    "an unknown key": lambda keys: _token(keys, keys.signing.private, kid="unknown"),
    "a key in a file": lambda keys: _token(
        keys, keys.signing.private, kid="../../../dev/null"
    ),
    "a key from afar": lambda keys: _token(
        keys,
        Ed25519PrivateKey.generate(),
        jku="https://evil.example/keys",
        kid="unknown",
    ),
    "another kind of token": lambda keys: _token(keys, keys.signing.private, typ="JWT"),
    "no token": lambda _: "not-a-token",
    "nothing but dots": lambda _: "..",
    "far too long": lambda _: "a." * 2_000,
}


@pytest.fixture(scope="module")
def keys(api_stack: RunningStack) -> SigningKeys:
    """The true keys of auth, so that a forgery is wrong in one thing only."""
    path = api_stack.state_dir / "secrets" / "jwt-signing-keys.pem"
    return SigningKeys.load(str(path))


def test_s13_without_a_session_the_answer_is_401(
    closed_route: ApiRoute, anybody: httpx.Client
) -> None:
    assert_problem(_ask(anybody, closed_route, None), 401, code="unauthenticated")


@pytest.mark.parametrize("forgery", FORGERIES)
def test_s13_a_forged_session_is_401(
    closed_route: ApiRoute, forgery: str, anybody: httpx.Client, keys: SigningKeys
) -> None:
    answer = _ask(anybody, closed_route, FORGERIES[forgery](keys))
    assert_problem(answer, 401, code="invalid_session")


@pytest.mark.parametrize("forgery", FORGERIES)
def test_s13_a_forged_session_is_nobody(
    forgery: str, anybody: httpx.Client, keys: SigningKeys
) -> None:
    forged = {"Cookie": f"session={FORGERIES[forgery](keys)}"}
    answer = anybody.get("/api/users/currentuser", headers=forged)
    assert answer.status_code == 200
    assert answer.json()["data"] is None


def test_s13_what_is_for_everyone_does_not_look_at_the_session(
    routes: tuple[ApiRoute, ...], anybody: httpx.Client, keys: SigningKeys
) -> None:
    for route in routes:
        if not route.needs_session:
            with_forgery = _ask(anybody, route, FORGERIES["alg none"](keys))
            assert with_forgery.status_code == _ask(anybody, route, None).status_code


def test_s13_the_same_token_without_a_flaw_is_good(
    anybody: httpx.Client, keys: SigningKeys
) -> None:
    """Otherwise the refusals above would prove nothing."""
    for path in ("/api/tickets/mine", "/api/orders"):
        answer = anybody.get(path, headers={"Cookie": f"session={_signed(keys)}"})
        assert answer.status_code == 200


def _ask(browser: httpx.Client, route: ApiRoute, token: str | None) -> httpx.Response:
    return browser.request(
        route.method,
        route.url(new_id()),
        json={} if route.has_body else None,
        headers={"Cookie": f"session={token}"} if token else {},
    )
