"""The tests' own tokens."""

from __future__ import annotations

import base64
import json

from harness import tokens


def _part(token: str, index: int) -> dict[str, object]:
    text = token.split(".")[index]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def test_signing_key_is_unscrambled_and_only_the_pool_key_doubled() -> None:
    stored = bytes.fromhex("deadbeefdeadbeef01")
    assert tokens.signing_key(stored, "OTHER") == bytes(8) + bytes([0xDF])
    assert tokens.signing_key(stored, "POOL") == (bytes(8) + bytes([0xDF])) * 2


def test_claims() -> None:
    token = tokens.mint(b"k", identity="a@b", issuer="c", scopes=["READ", "WRITE"], lifetime=60, issued=1000)
    assert _part(token, 0) == {"alg": "HS256", "kid": "POOL"}
    claims = _part(token, 1)
    assert claims.pop("jti")
    assert claims == {"iat": 1000, "exp": 1060, "iss": "c", "sub": "a@b", "scope": "condor:/READ condor:/WRITE"}
