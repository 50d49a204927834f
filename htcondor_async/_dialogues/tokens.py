"""Tokens asked of daemons: requests that an administrator approves, and tokens for one's own identity.

Each command is one ad each way, except the list of pending requests: a message for each, then one whose ``Owner`` is
the number 0 (``condor_daemon_core.V6/daemon_core_main.cpp``, ``condor_daemon_client/daemon.cpp``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Generator, Iterable, Sequence

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._dialogues.codec import Codec
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError, HTCondorTypeError, HTCondorValueError, ProtocolError

__all__ = [
    "PendingRequest",
    "approval",
    "auto_approval",
    "check_done",
    "finish_request",
    "list_requests",
    "scopes_text",
    "session_token_request",
    "start_request",
    "started",
    "token_of",
]

MAX_ANSWER = 1 << 18
MAX_REQUESTS = 10_000
"""Pending requests that are read of one daemon; HTCondor keeps 1,000."""
_SCOPE = re.compile(r"[A-Za-z0-9_:/.@*-]{1,256}\Z")
_MAX_LIFETIME = (1 << 31) - 1

Pairs = list[tuple[str, str]]


@attrs.frozen
class PendingRequest:
    """A request for a token that waits for approval.

    Parameters
    ----------
    request_id
        Its number at the daemon, seven digits.
    client_id
        What the client calls itself.
    requested_identity
        Whom the token is to stand for.
    authenticated_identity
        Who asked.
    peer_location
        The address it came from.
    scopes
        Levels the token is to be limited to; empty for no limit.
    lifetime
        Seconds, None for no limit.
    """

    request_id: str
    client_id: str
    requested_identity: str
    authenticated_identity: str
    peer_location: str
    scopes: tuple[str, ...] = ()
    lifetime: int | None = None


def scopes_text(scopes: Iterable[str] | None) -> str | None:
    """Return authorisation levels as they are sent, None for no limit.

    Raises
    ------
    HTCondorTypeError, HTCondorValueError
        One is no name of a level, or there are none, which would mean "no limit" to a daemon.
    """
    if scopes is None:
        return None
    if isinstance(scopes, str):
        raise HTCondorTypeError("scopes are a list of names, not one text")
    names = list(scopes)
    if not names:
        raise HTCondorValueError("an empty list of scopes would give a token without limit", hint="say None for that")
    for name in names:
        if not isinstance(name, str):
            raise HTCondorTypeError(f"a scope is text, not {type(name).__name__}")
        if not _SCOPE.match(name):
            raise HTCondorValueError(f"{name!r} is no scope", hint="scopes are levels as READ or ADVERTISE_STARTD")
    return ",".join(names)


def _limits(scopes: Iterable[str] | None, lifetime: int | None) -> Pairs:
    pairs: Pairs = []
    text = scopes_text(scopes)
    if text is not None:
        pairs.append(("LimitAuthorization", string_literal(text)))
    if lifetime is not None:
        pairs.append(("TokenLifetime", str(_lifetime(lifetime))))
    return pairs


def _lifetime(seconds: int) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise HTCondorTypeError(f"a lifetime is a whole number of seconds, not {type(seconds).__name__}")
    if not 0 < seconds <= _MAX_LIFETIME:
        raise HTCondorValueError(f"a lifetime of {seconds} s is not possible; from 1 to {_MAX_LIFETIME}, or None")
    return seconds


def start_request(identity: str, client_id: str, scopes: Iterable[str] | None, lifetime: int | None) -> Pairs:
    """Return the ad of DC_START_TOKEN_REQUEST."""
    return [("User", string_literal(identity)), ("ClientId", string_literal(client_id)), *_limits(scopes, lifetime)]


def finish_request(client_id: str, request_id: str) -> Pairs:
    """Return the ad of DC_FINISH_TOKEN_REQUEST and of DC_APPROVE_TOKEN_REQUEST."""
    return [("ClientId", string_literal(client_id)), ("RequestId", string_literal(request_id))]


approval = finish_request


def session_token_request(scopes: Iterable[str] | None, lifetime: int | None, key: str | None) -> Pairs:
    """Return the ad of DC_GET_SESSION_TOKEN."""
    pairs = _limits(scopes, lifetime)
    if key is not None:
        pairs.append(("RequestedKey", string_literal(key)))
    return pairs


def auto_approval(subnet: str, lifetime: int) -> Pairs:
    """Return the ad of DC_AUTO_APPROVE_TOKEN_REQUEST.

    Raises
    ------
    HTCondorValueError
        ``subnet`` is no network, as ``"10.0.0.0/8"``.
    """
    try:
        network = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        raise HTCondorValueError(f"{subnet!r} is not a network", hint="write one as 192.168.0.0/24") from None
    return [("Subnet", string_literal(str(network))), ("Lifetime", str(_lifetime(lifetime)))]


def _raise_error(ad: ClassAd, what: str) -> None:
    text, code = ad.get("ErrorString"), ad.get("ErrorCode")
    if isinstance(text, str) or (type(code) is int and code != 0):
        raise DaemonError(
            f"the daemon did not {what}",
            code=code if type(code) is int else 0,
            error_stack=[text] if isinstance(text, str) else [],
        )


def started(ad: ClassAd) -> tuple[str | None, Secret[str] | None]:
    """Return the number of a request that was taken, or the token that came at once.

    Raises
    ------
    DaemonError
        The request was refused.
    """
    _raise_error(ad, "take the request for a token")
    token = ad.get("Token")
    if isinstance(token, str) and token:
        return None, Secret(token)
    number = ad.get("RequestId")
    if not isinstance(number, str) or not number.isdigit() or len(number) > 20:
        raise ProtocolError("the answer to a request for a token has neither a token nor a request's number")
    return number, None


def token_of(ad: ClassAd, what: str, *, pending: bool = False) -> Secret[str] | None:
    """Return the token of an answer; None for one that is still pending, where that can be.

    Raises
    ------
    DaemonError
        The daemon answered with an error.
    """
    _raise_error(ad, what)
    token = ad.get("Token")
    if not isinstance(token, str) or (not token and not pending):
        raise ProtocolError("the answer has no token")
    return Secret(token) if token else None


def check_done(ad: ClassAd, what: str) -> None:
    """Raise ``DaemonError`` if the answer to an approval is an error."""
    _raise_error(ad, what)
    if type(ad.get("ErrorCode")) is not int:
        raise ProtocolError("the answer to an approval has no ErrorCode")


def list_requests(codec: Codec, request_id: str | None) -> Generator[Send | Receive, bytes, list[PendingRequest]]:
    """Ask for the pending requests, or for one of them."""
    pairs = [] if request_id is None else [("RequestId", string_literal(request_id))]
    yield Send(codec.writer().ad(pairs).getvalue())
    found: list[PendingRequest] = []
    while True:
        reader = codec.reader((yield Receive(MAX_ANSWER)))
        ad = reader.ad()
        reader.expect_end()
        if ad.get("Owner") == 0:
            _raise_error(ad, "list the requests for tokens")
            return found
        if len(found) >= MAX_REQUESTS:
            raise ProtocolError(f"the daemon lists more than {MAX_REQUESTS} requests for tokens")
        found.append(_pending(ad))


def _pending(ad: ClassAd) -> PendingRequest:
    def text(name: str) -> str:
        value = ad.get(name)
        return value if isinstance(value, str) else ""

    scopes: Sequence[str] = [name for name in text("LimitAuthorization").split(",") if name]
    lifetime = ad.get("TokenLifetime")
    return PendingRequest(
        request_id=text("RequestId"),
        client_id=text("ClientId"),
        requested_identity=text("RequestedIdentity"),
        authenticated_identity=text("AuthenticatedIdentity"),
        peer_location=text("PeerLocation"),
        scopes=tuple(scopes),
        lifetime=lifetime if type(lifetime) is int and lifetime > 0 else None,
    )
