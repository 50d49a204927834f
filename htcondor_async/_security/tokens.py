"""Identity tokens: reading, checking and signing them, and the files they and their keys are kept in.

A token is a JWT with an HMAC signature. Its key is derived from a signing key that the pool's daemons keep in a
file, scrambled (not encrypted) with a constant (``condor_utils/store_cred.cpp``, ``token_utils.cpp``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.keys import hkdf
from htcondor_async.errors import HTCondorValueError

__all__ = [
    "Token",
    "descramble",
    "describe_time",
    "mint",
    "parse_token",
    "password_in",
    "pool_signing_key",
    "sign",
    "verify",
]

MAX_TOKEN = 1 << 16
"""Characters of a token at most."""

ALGORITHMS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
_FAR = 1 << 53
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_SCRAMBLE = bytes.fromhex("deadbeef")


@attrs.frozen
class Token:
    """A token, taken apart. Its signature is the shared secret and appears nowhere in text.

    Parameters
    ----------
    signed
        ``header.payload``, the part that may travel.
    signature
        The decoded signature; empty if the token came without one.
    algorithm
        ``HS256``, ``HS384`` or ``HS512``, or another name in a token made elsewhere.
    key_id
        Name of the signing key, None if the header has none.
    claims
        The payload.
    origin
        Where it was found, for messages: a path, ``"the application"``.
    """

    signed: str = attrs.field(repr=False)
    signature: Secret[bytes]
    algorithm: str
    key_id: str | None
    claims: Mapping[str, Any] = attrs.field(repr=False)
    origin: str = ""

    def _text(self, name: str) -> str | None:
        value = self.claims.get(name)
        return value if isinstance(value, str) and value else None

    @property
    def issuer(self) -> str | None:
        """The pool that issued it, its TRUST_DOMAIN."""
        return self._text("iss")

    @property
    def subject(self) -> str | None:
        """The identity it stands for, as ``user@domain``."""
        return self._text("sub")

    @property
    def token_id(self) -> str | None:
        """Its unique name."""
        return self._text("jti")

    @property
    def scopes(self) -> tuple[str, ...]:
        """The words of its scope."""
        return tuple((self._text("scope") or "").split())

    def _time(self, name: str) -> float | None:
        value = self.claims.get(name)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return None
        return float(max(-_FAR, min(_FAR, value)))

    @property
    def expires(self) -> float | None:
        """Seconds since 1970 at which it ends, None if it does not."""
        return self._time("exp")

    @property
    def issued(self) -> float | None:
        """Seconds since 1970 at which it was made."""
        return self._time("iat")

    def expired(self, now: float) -> bool:
        """Return whether it has ended."""
        return self.expires is not None and self.expires <= now

    def ends_soon(self, now: float) -> bool:
        """Return whether it has not ended but will: within a tenth of its life, at least a minute, at most a day."""
        if self.expires is None or self.expired(now):
            return False
        life = 10 * _HOUR if self.issued is None else self.expires - self.issued
        return self.expires - now < max(_MINUTE, min(_DAY, life / 10))

    def text(self) -> Secret[str]:
        """Return the whole token as it is written."""
        return Secret(f"{self.signed}.{_encode(self.signature.reveal())}")


def describe_time(seconds: float) -> str:
    """Return a point in time for a message."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds:.0f}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str, part: str, origin: str) -> bytes:
    try:
        data = text.encode("ascii")
        if b"=" in data or b"+" in data or b"/" in data:
            raise ValueError
        return base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise HTCondorValueError(f"the {part} of the token from {origin} is not base64url") from None


def _object(text: str, part: str, origin: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(text, part, origin))
    except HTCondorValueError:
        raise
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTCondorValueError(f"the {part} of the token from {origin} is not a JSON object")
    return value


def parse_token(text: Secret[str], origin: str = "the application", *, signed: bool = True) -> Token:
    """Take a token apart. The signature is not checked: only a holder of the signing key can.

    Parameters
    ----------
    text
        The token, white space around it allowed.
    origin
        Where it comes from, for errors.
    signed
        False for ``header.payload`` alone, the form in which a token travels.

    Raises
    ------
    HTCondorValueError
        It is no token; the message does not contain it.
    """
    value = text.reveal().strip()
    if len(value) > MAX_TOKEN:
        raise HTCondorValueError(f"the token from {origin} has {len(value)} characters, {MAX_TOKEN} are allowed")
    parts = value.split(".")
    expected = 3 if signed else 2
    if len(parts) != expected:
        raise HTCondorValueError(f"the token from {origin} has {len(parts)} parts between dots, {expected} are due")
    header = _object(parts[0], "header", origin)
    claims = _object(parts[1], "payload", origin)
    signature = _decode(parts[2], "signature", origin) if signed else b""
    if signed and not signature:
        raise HTCondorValueError(f"the token from {origin} has no signature")
    key_id, algorithm = header.get("kid"), header.get("alg")
    return Token(
        signed=f"{parts[0]}.{parts[1]}",
        signature=Secret(signature),
        algorithm=algorithm if isinstance(algorithm, str) else "",
        key_id=key_id if isinstance(key_id, str) and key_id else None,
        claims=claims,
        origin=origin,
    )


def descramble(data: Secret[bytes]) -> Secret[bytes]:
    """Undo, or do, the scrambling of key and password files: XOR with a constant of four bytes."""
    raw = data.reveal()
    pattern = _SCRAMBLE * (len(raw) // 4 + 1)
    return Secret(bytes(a ^ b for a, b in zip(raw, pattern, strict=False)))


def password_in(content: Secret[bytes]) -> Secret[bytes]:
    """Return the password in a scrambled file: what precedes the first NUL, before and after descrambling.

    HTCondor's ``read_password_from_filename`` (``condor_utils/store_cred.cpp``) cuts the file, and takes the result as
    a C string.
    """
    return Secret(descramble(Secret(content.reveal().split(b"\0", 1)[0])).reveal().split(b"\0", 1)[0])


def pool_signing_key(content: Secret[bytes], *, is_password: bool = False) -> Secret[bytes]:
    """Return the signing key named POOL from its file: descrambled and doubled.

    Parameters
    ----------
    content
        The file.
    is_password
        SEC_TOKEN_POOL_SIGNING_KEY_IS_PASSWORD: cut at the first NUL, as a password is, before doubling.
    """
    key = (password_in(content) if is_password else descramble(content)).reveal()
    return Secret(key + key)


def _signature(signed: str, key: Secret[bytes], algorithm: str) -> Secret[bytes]:
    digest = ALGORITHMS.get(algorithm)
    if digest is None:
        raise HTCondorValueError(f"tokens are not signed with {algorithm!r} here; known: {', '.join(ALGORITHMS)}")
    derived = hkdf(key, salt=b"htcondor", info=b"master jwt", length=32)
    return Secret(hmac.new(derived.reveal(), signed.encode("utf-8", "surrogateescape"), digest).digest())


def sign(
    claims: Mapping[str, Any],
    key: Secret[bytes],
    *,
    key_id: str = "POOL",
    algorithm: str = "HS256",
    origin: str = "the application",
) -> Token:
    """Make a token of these claims.

    Parameters
    ----------
    claims
        The payload, written with sorted names.
    key
        The signing key, descrambled (and doubled for POOL).
    key_id, algorithm
        Of the header.
    """
    header = json.dumps({"alg": algorithm, "kid": key_id}, separators=(",", ":"))
    payload = json.dumps(dict(claims), separators=(",", ":"), sort_keys=True)
    signed = f"{_encode(header.encode())}.{_encode(payload.encode())}"
    return Token(signed, _signature(signed, key, algorithm), algorithm, key_id, dict(claims), origin)


def mint(
    key: Secret[bytes],
    *,
    issuer: str,
    subject: str,
    now: float,
    token_id: str,
    lifetime: float | None = None,
    scopes: Sequence[str] = (),
    key_id: str = "POOL",
) -> Token:
    """Make a token as HTCondor does.

    Parameters
    ----------
    issuer
        TRUST_DOMAIN of the pool.
    subject
        The identity, ``user@domain``.
    now
        Seconds since 1970.
    token_id
        32 hexadecimal digits.
    lifetime
        Seconds, None for no end.
    scopes
        Authorisation levels it is limited to, as ``"READ"``.
    """
    claims: dict[str, Any] = {"iat": int(now), "iss": issuer, "jti": token_id, "sub": subject}
    if lifetime is not None:
        claims["exp"] = int(now) + int(lifetime)
    if scopes:
        claims["scope"] = " ".join(scope if ":" in scope else f"condor:/{scope}" for scope in scopes)
    return sign(claims, key, key_id=key_id, origin=f"signing key {key_id}")


def recompute_signature(token: Token, key: Secret[bytes]) -> Secret[bytes]:
    """Return the signature that a token of these contents has under a signing key."""
    return _signature(token.signed, key, token.algorithm)


def verify(token: Token, key: Secret[bytes]) -> bool:
    """Return whether the token was signed with this key."""
    return hmac.compare_digest(recompute_signature(token, key).reveal(), token.signature.reveal())


def why_not(token: Token, *, now: float, max_age: float | None = None) -> str | None:
    """Return why a server must refuse a token whatever its signature, or None."""
    who = f"token {token.token_id or '(without jti)'}"
    if token.token_id is None or token.issuer is None:
        return f"{who} has no issuer or no name of its own"
    if token.expired(now):
        return f"{who} expired at {describe_time(token.expires or 0)}"
    if max_age is not None and (token.issued is None or token.issued + max_age < now):
        return f"{who} is older than {max_age:.0f} s"
    return None
