"""Bearer tokens of SCITOKENS as a server checks them: signature, times, audience, what they allow.

A token is a JWT signed with a key of its issuer, who publishes the public halves as a JSON Web Key Set. The rules are
those of a daemon (``condor_utils/condor_scitokens.cpp``); keys are given, never fetched.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorValueError

__all__ = ["BearerClaims", "check_bearer", "read_key_set", "sign_bearer"]

MAX_TOKEN = 1 << 16
MAX_KEYS = 100
ANY_AUDIENCE = frozenset({"ANY", "https://wlcg.cern.ch/jwt/v1/any"})
_WIDTH = 32  # bytes of each half of an ES256 signature, and of a coordinate
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@attrs.frozen
class BearerClaims:
    """What a valid token says.

    Parameters
    ----------
    issuer, subject
        Whose token, and for whom.
    limits
        Authorisation levels it allows; a token allows nothing else, so the first is ``DENY``, which is no level.
    scopes, groups
        As the token lists them.
    token_id
        Its ``jti``, None without.
    """

    issuer: str
    subject: str
    limits: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    token_id: str | None = None

    @property
    def principal(self) -> str:
        """The name that a map file maps."""
        return f"{self.issuer},{self.subject}"


def _decode(text: object, what: str) -> bytes:
    if not isinstance(text, str):
        raise HTCondorValueError(f"{what} is missing")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise HTCondorValueError(f"{what} cannot be decoded") from None


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise HTCondorValueError(f"{what} is no JSON") from None
    if not isinstance(value, dict):
        raise HTCondorValueError(f"{what} is no JSON object")
    return value


def read_key_set(text: str) -> dict[str, PublicKey]:
    """Return the public keys of a JSON Web Key Set by their ids: those for ES256 and RS256.

    Raises
    ------
    HTCondorValueError
        The text is no key set.
    """
    listed = _object(text.encode("utf-8"), "the key set").get("keys")
    if not isinstance(listed, list):
        raise HTCondorValueError("the key set has no list of keys")
    keys: dict[str, PublicKey] = {}
    for entry in listed[:MAX_KEYS]:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        try:
            if entry.get("kty") == "EC" and entry.get("crv") == "P-256":
                x, y = (int.from_bytes(_decode(entry.get(name), f"{name} of a key"), "big") for name in "xy")
                keys[entry["kid"]] = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            elif entry.get("kty") == "RSA":
                modulus, exponent = (
                    int.from_bytes(_decode(entry.get(name), f"{name} of a key"), "big") for name in "ne"
                )
                keys[entry["kid"]] = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError as error:
            raise HTCondorValueError(f"the key {entry['kid']!r} cannot be read: {error}") from None
    return keys


def _verify(key: PublicKey, algorithm: object, signed: bytes, signature: Secret[bytes]) -> None:
    try:
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
            if len(signature.reveal()) != 2 * _WIDTH:
                raise InvalidSignature
            key.verify(_der_signature(signature).reveal(), signed, ec.ECDSA(hashes.SHA256()))
        elif algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature.reveal(), signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            raise HTCondorValueError(f"the token's algorithm {str(algorithm)[:20]!r} does not fit its key")
    except InvalidSignature:
        raise HTCondorValueError("the token's signature is wrong") from None


def _der_signature(signature: Secret[bytes]) -> Secret[bytes]:
    raw = signature.reveal()
    return Secret(encode_dss_signature(int.from_bytes(raw[:_WIDTH], "big"), int.from_bytes(raw[_WIDTH:], "big")))


def check_bearer(
    token: Secret[str], issuers: Mapping[str, str], *, now: float, audiences: Sequence[str] = ()
) -> BearerClaims:
    """Return what a token says, if it is valid.

    Parameters
    ----------
    token
        As it was sent.
    issuers
        JSON Web Key Set of each issuer that is trusted, by its URL.
    now
        Seconds since 1970.
    audiences
        Names of this server; a token made for others is refused.

    Raises
    ------
    HTCondorValueError
        It is not valid; the text says why.
    """
    if token.reveal().count(".") != 2 or len(token.reveal()) > MAX_TOKEN or not token.reveal().isascii():
        raise HTCondorValueError("it is no JSON Web Token")
    signed = token.reveal().rpartition(".")[0]
    header = _object(_decode(signed.partition(".")[0], "the token's header"), "the token's header")
    claims = _object(_decode(signed.partition(".")[2], "the token's payload"), "the token's payload")
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str) or not subject:
        raise HTCondorValueError("the token names no issuer or no subject")
    if issuer not in issuers:
        raise HTCondorValueError(f"the issuer {issuer[:200]!r} is not trusted here")
    key = read_key_set(issuers[issuer]).get(str(header.get("kid")))
    if key is None:
        raise HTCondorValueError("the token's issuer has no key of the name in its header")
    signature = Secret(_decode(token.reveal().rpartition(".")[2], "the signature"))
    _verify(key, header.get("alg"), signed.encode("ascii"), signature)
    _check_times(claims, now)
    _check_audience(claims.get("aud"), audiences)
    scopes = tuple(str(claims.get("scope") or "").split())
    groups = claims.get("wlcg.groups")
    token_id = claims.get("jti")
    allowed = (scope.removeprefix("condor:").lstrip("/") for scope in scopes if scope.startswith("condor:/"))
    return BearerClaims(
        issuer=issuer,
        subject=subject,
        limits=("DENY", *(level for level in allowed if level)),
        scopes=scopes,
        groups=tuple(map(str, groups)) if isinstance(groups, list) else (),
        token_id=token_id if isinstance(token_id, str) else None,
    )


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    times: dict[str, float | None] = {}
    for name in ("exp", "nbf"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value != value):
            raise HTCondorValueError(f"the token's {name} is no time")
        times[name] = value
    if times["exp"] is None:
        raise HTCondorValueError("the token has no end")
    if times["exp"] <= now:
        raise HTCondorValueError("the token has expired")
    if times["nbf"] is not None and times["nbf"] > now:
        raise HTCondorValueError("the token does not hold yet")


def _check_audience(audience: object, own: Sequence[str]) -> None:
    if audience is None:
        return
    listed = audience if isinstance(audience, list) else [audience]
    if not any(entry in own or entry in ANY_AUDIENCE for entry in listed if isinstance(entry, str)):
        raise HTCondorValueError("the token is for another audience")


def sign_bearer(claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey, key_id: str) -> Secret[str]:
    """Return a token with these claims, signed by ES256."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode("ascii")
        for part in ({"typ": "JWT", "alg": "ES256", "kid": key_id}, dict(claims))
    ]
    r, s = decode_dss_signature(key.sign(".".join(parts).encode("ascii"), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(_WIDTH, "big") + s.to_bytes(_WIDTH, "big")
    return Secret(".".join([*parts, base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")]))
