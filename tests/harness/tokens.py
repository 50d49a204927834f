"""Tokens minted for the tests, written apart from the client's own code so that one can check the other.

Rules as in HTCondor's `store_cred.cpp` (the signing key) and `condor_auth_passwd.cpp` (the token).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence

_SCRAMBLE = bytes.fromhex("deadbeef")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    extracted = hmac.digest(salt, key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def signing_key(stored: bytes, name: str) -> bytes:
    """The key in a file of SEC_PASSWORD_DIRECTORY, as tokens are signed with it."""
    key = bytes(byte ^ _SCRAMBLE[i % 4] for i, byte in enumerate(stored))
    return key * 2 if name == "POOL" else key


def mint(
    key: bytes,
    *,
    name: str = "POOL",
    identity: str,
    issuer: str,
    scopes: Sequence[str] = (),
    lifetime: float | None = None,
    issued: float | None = None,
) -> str:
    """Return a token signed with `key` (see `signing_key`), known to the server as `name`.

    Args:
        scopes: authorizations such as "READ"; none: all that the identity may do.
        lifetime: seconds from `issued`; negative makes a token that has expired; none: no end.
        issued: seconds since 1970; default now.
    """
    at = int(time.time() if issued is None else issued)
    payload: dict[str, object] = {"iat": at, "iss": issuer, "jti": secrets.token_hex(16), "sub": identity}
    if lifetime is not None:
        payload["exp"] = at + int(lifetime)
    if scopes:
        payload["scope"] = " ".join(f"condor:/{scope}" for scope in scopes)
    parts = [{"alg": "HS256", "kid": name}, payload]
    text = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    signature = hmac.digest(_hkdf(key, b"htcondor", b"master jwt"), text.encode(), hashlib.sha256)
    return f"{text}.{_base64url(signature)}"
