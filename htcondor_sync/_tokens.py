"""v1's ``Token`` and ``TokenRequest``."""

from __future__ import annotations

from typing import Any

from htcondor_async.errors import DaemonTimeoutError, HTCondorIOError
from htcondor_async.tokens import Token as CoreToken
from htcondor_async.tokens import TokenRequest as CoreRequest
from htcondor_sync import _ads
from htcondor_sync._arguments import ArgumentError, expect
from htcondor_sync._calls import call
from htcondor_sync._state import STATE

__all__ = ["Token", "TokenRequest"]

_DEFAULT_FILE = "python_generated_tokens"


class Token:
    """A token for authentication; its text shows in no representation."""

    def __init__(self, contents: str) -> None:
        expect("Token", ("contents", contents, str))
        self._core = CoreToken(contents)

    def __getinitargs__(self) -> tuple[str]:
        return (self._core.reveal(),)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Token, self.__getinitargs__())

    def write(self, tokenfile: Any = None) -> None:
        """Write the token into the directory of tokens, under a name."""
        call(self._core.write(_DEFAULT_FILE if tokenfile is None else str(tokenfile), client=STATE.client))


class TokenRequest:
    """A request for a token, which somebody has to approve.

    Parameters
    ----------
    identity
        Whose token; the empty string for that of the daemons.
    bounding_set
        Authorizations that the token is restricted to.
    lifetime
        Seconds; negative for no end.
    """

    def __init__(self, identity: Any = "", bounding_set: Any = None, lifetime: int = -1) -> None:
        expect("TokenRequest", ("lifetime", lifetime, int))
        scopes = None if bounding_set is None else [str(item) for item in bounding_set]
        self._core = CoreRequest(str(identity), scopes, lifetime if lifetime >= 0 else None, client=STATE.client)

    @property
    def request_id(self) -> str:
        """The number of the request at the daemon; raises HTCondorIOError before it was submitted."""
        return self._core.request_id

    def submit(self, ad: Any = None) -> None:
        """Submit the request to the daemon of an ad, by default to the collector."""
        if ad is not None and not isinstance(ad, _ads.ClassAd):
            raise ArgumentError(f"TokenRequest.submit(): ad must be a ClassAd, not {type(ad).__name__}")
        call(self._core.submit(None if ad is None else _ads.ad_in(ad)))

    def done(self) -> bool:
        """Look once whether the request was approved."""
        return call(self._core.done())

    def result(self, timeout: int = 0) -> Token:
        """Wait for the approval, as many seconds or with 0 for ever, and return the token."""
        expect("TokenRequest.result", ("timeout", timeout, int))
        try:
            found = call(self._core.result(float(timeout) if timeout else None))
        except DaemonTimeoutError as error:
            raise HTCondorIOError("Timed out waiting for token approval") from error
        return Token(found.reveal())
