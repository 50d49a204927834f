"""An issuer of bearer tokens (SCITOKENS), for tests."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from htcondor_async._security.bearer import sign_bearer

__all__ = ["TokenIssuer"]


class TokenIssuer:
    """Signs bearer tokens with a key of its own, made anew each time.

    The embedded pool takes the tokens of those that it is given (``EmbeddedPool(issuers=[...])``). HTCondor's daemons
    fetch the keys over HTTPS: serve :attr:`configuration` at ``URL/.well-known/openid-configuration`` and
    :attr:`key_set` at ``URL/keys`` for them.

    Parameters
    ----------
    url
        Its name in tokens.
    """

    def __init__(self, url: str = "https://issuer.embedded.pool") -> None:
        self.url = url
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._key_id = secrets.token_hex(4)

    @property
    def configuration(self) -> str:
        """The JSON document that tells where the keys are."""
        return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    @property
    def key_set(self) -> str:
        """The public key as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_text(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        key = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self._key_id, "x": x, "y": y}
        return json.dumps({"keys": [key]})

    def token(
        self, subject: str, *, scopes: Iterable[str] = ("READ", "WRITE"), lifetime: float = 3600, **claims: Any
    ) -> str:
        """Return a token.

        Parameters
        ----------
        subject
            Whose it is, as ``"alice"``; the daemon's map file says who that is.
        scopes
            Levels it allows, as ``"READ"``.
        lifetime
            Seconds; negative for one that has expired.
        claims
            Further claims, or others in place of these; None leaves one out.
        """
        now = int(time.time())
        all_claims = {
            "ver": "scitoken:2.0",
            "aud": "ANY",
            "iss": self.url,
            "sub": subject,
            "iat": now - 5,
            "nbf": now - 5,
            "exp": now + int(lifetime),
            "jti": secrets.token_hex(16),
            "scope": " ".join(f"condor:/{scope}" for scope in scopes),
            **claims,
        }
        kept = {name: value for name, value in all_claims.items() if value is not None}
        return sign_bearer(kept, self._key, self._key_id).reveal()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
