"""Bearer tokens as a server checks them."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._secret import Secret
from htcondor_async._security.bearer import check_bearer, read_key_set
from htcondor_async.errors import HTCondorValueError
from htcondor_async.testing import TokenIssuer

ISSUER = TokenIssuer("https://issuer.example.org")
TRUSTED = {ISSUER.url: ISSUER.key_set}


def check(token: str, *audiences: str, now: float | None = None) -> object:
    return check_bearer(Secret(token), TRUSTED, now=time.time() if now is None else now, audiences=audiences)


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_what_a_token_says() -> None:
    token = ISSUER.token("alice", scopes=["READ", "WRITE"], jti="7", **{"wlcg.groups": ["/a", "/b"]})
    claims = check_bearer(Secret(token), TRUSTED, now=time.time())
    assert claims.principal == "https://issuer.example.org,alice"
    assert claims.limits == ("DENY", "READ", "WRITE")
    assert (claims.groups, claims.token_id) == (("/a", "/b"), "7")


@pytest.mark.parametrize(
    ("audience", "own", "accepted"),
    [
        (None, (), True),
        ("ANY", (), True),
        ("me", ("me",), True),
        (["you", "me"], ("me", "us"), True),
        ("me", (), False),
        (["you"], ("me",), False),
        ([], ("me",), False),
        (7, ("me",), False),
    ],
)
def test_audiences(audience: object, own: tuple[str, ...], accepted: bool) -> None:
    token = ISSUER.token("alice", aud=audience)
    if accepted:
        check(token, *own)
    else:
        with pytest.raises(HTCondorValueError, match="audience"):
            check(token, *own)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": None}, "no end"),
        ({"exp": 1}, "expired"),
        ({"exp": "soon"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": float("nan")}, "no time"),
        ({"nbf": 4_000_000_000}, "does not hold yet"),
        ({"sub": None}, "no subject"),
        ({"sub": ""}, "no subject"),
        ({"iss": None}, "no issuer"),
        ({"iss": "https://else.example.org"}, "not trusted here"),
    ],
)
def test_claims_that_are_refused(claims: dict[str, object], reason: str) -> None:
    token = ISSUER.token("alice", **{name: value for name, value in claims.items() if name != "sub"})
    if "sub" in claims:
        header, _, signature = token.split(".")
        token = f"{header}.{text(json.dumps({'iss': ISSUER.url, 'sub': claims['sub']}).encode())}.{signature}"
    with pytest.raises(HTCondorValueError, match=reason):
        check(token)


def test_a_signature_of_another_key_and_one_that_is_none() -> None:
    header, payload, signature = ISSUER.token("alice").split(".")
    other = TokenIssuer(ISSUER.url).token("alice").split(".")
    for wrong in (text(b"x" * 64), text(b"x" * 63), text(b""), other[2]):
        with pytest.raises(HTCondorValueError, match="signature"):
            check(f"{header}.{payload}.{wrong}")
    for algorithm in ("none", "HS256", "RS256", None, 7):
        key = {**json.loads(base64.urlsafe_b64decode(header + "==")), "alg": algorithm}
        with pytest.raises(HTCondorValueError, match="does not fit its key"):
            check(f"{text(json.dumps(key).encode())}.{payload}.{signature}")
    with pytest.raises(HTCondorValueError, match="no key of the name"):
        check(".".join(other))


def test_rsa_keys() -> None:
    private = rsa.generate_private_key(65537, 2048)
    numbers = private.public_key().public_numbers()
    key = {"kty": "RSA", "kid": "r", "n": text(numbers.n.to_bytes(256, "big")), "e": text(b"\x01\x00\x01")}
    claims = {"iss": "https://r", "sub": "bob", "exp": 4_000_000_000}
    signed = ".".join(text(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "r"}, claims))
    signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    trusted = {"https://r": json.dumps({"keys": [key]})}
    token = Secret(f"{signed}.{text(signature)}")
    assert check_bearer(token, trusted, now=time.time()).subject == "bob"
    with pytest.raises(HTCondorValueError, match="signature is wrong"):
        check_bearer(Secret(f"{signed}.{text(signature[::-1])}"), trusted, now=time.time())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        "{}",
        '{"keys": 7}',
        "{" * 100_000,
        '{"keys": [{"kty": "EC", "kid": "a", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]}',
    ],
)
def test_what_is_no_key_set(value: str) -> None:
    with pytest.raises(HTCondorValueError):
        read_key_set(value)


@given(
    st.text(max_size=100)
    | st.lists(st.binary(max_size=30), min_size=3, max_size=3).map(lambda parts: ".".join(map(text, parts)))
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(HTCondorValueError):
        check(token)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "exp", "nbf", "aud", "scope", "jti", "wlcg.groups"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers()),
    )
)
def test_any_claims_are_a_value_or_an_error(claims: dict[str, object]) -> None:
    try:
        check(ISSUER.token("alice", **claims))
    except HTCondorValueError:
        return
