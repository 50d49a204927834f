"""Tokens (IDTOKENS): asked of a daemon, approved, made, written to where HTCondor looks for them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._core import tokens as _core
from htcondor_async._core.context import Context, Target
from htcondor_async._core.locate import collector_targets
from htcondor_async._core.retry import with_retries
from htcondor_async._dialogues import tokens as _dialogue
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async._dialogues.tokens import PendingRequest
from htcondor_async._secret import Secret
from htcondor_async._security.effects import TokenExpiryWarning
from htcondor_async._security.tokens import describe_time, parse_token
from htcondor_async.client import Client, default_client
from htcondor_async.daemons import Location, _target
from htcondor_async.errors import (
    DaemonTimeoutError,
    HTCondorIOError,
    HTCondorLocateError,
    HTCondorTypeError,
    HTCondorValueError,
)

__all__ = [
    "PendingRequest",
    "Token",
    "TokenExpiryWarning",
    "TokenList",
    "TokenRequest",
    "approve_token_request",
    "auto_approve_token_requests",
    "create_token",
    "exchange_scitoken",
    "list_token_requests",
    "list_tokens",
    "session_token",
]

DEFAULT_FILE = "python_generated_tokens"
POLL_INTERVAL = 5.0
"""Seconds between two looks at a pending request."""


class Token:
    """A token for authentication. Its text shows in no representation; it is not pickled.

    Parameters
    ----------
    contents
        The token. It is taken as it is; what is in it is read when asked for.
    origin
        Where it comes from, for messages.
    """

    def __init__(self, contents: str | Secret[str], *, origin: str = "the application") -> None:
        if isinstance(contents, str):
            contents = Secret(contents)
        if not isinstance(contents, Secret) or not isinstance(contents.reveal(), str):
            raise HTCondorTypeError("a token is text")
        self._contents: Secret[str] = Secret(contents.reveal().strip())
        self.origin = origin

    def __repr__(self) -> str:
        return f"<Token from {self.origin}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._contents == other._contents

    def __hash__(self) -> int:
        return hash(self._contents)

    def reveal(self) -> str:
        """Return the token's text: whoever has it is its subject."""
        return self._contents.reveal()

    @property
    def subject(self) -> str | None:
        """The identity it stands for, ``user@domain``; raises ``HTCondorValueError`` if it is no token."""
        return parse_token(self._contents, self.origin).subject

    @property
    def issuer(self) -> str | None:
        """The pool that it is for, its TRUST_DOMAIN."""
        return parse_token(self._contents, self.origin).issuer

    @property
    def key_id(self) -> str | None:
        """The name of the key that it is signed with."""
        return parse_token(self._contents, self.origin).key_id

    @property
    def token_id(self) -> str | None:
        """Its own name."""
        return parse_token(self._contents, self.origin).token_id

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it is limited to, as ``"condor:/READ"``; empty for no limit."""
        return parse_token(self._contents, self.origin).scopes

    @property
    def expires(self) -> float | None:
        """Seconds since 1970 at which it ends, None if it does not."""
        return parse_token(self._contents, self.origin).expires

    async def write(self, name: str | None = None, *, client: Client | None = None) -> str:
        """Put the token into a file where HTCondor looks for this user's tokens; return its path.

        The directory is SEC_TOKEN_DIRECTORY, else for root SEC_TOKEN_SYSTEM_DIRECTORY, else ``~/.condor/tokens.d``;
        it is made if missing. The file is its owner's alone (mode 600) and appears whole or not at all; a symbolic
        link of that name is replaced, never followed.

        Parameters
        ----------
        name
            Of the file, without a directory; ``python_generated_tokens`` by default.
        client
            Whose configuration holds; by default that of the current context.

        Raises
        ------
        HTCondorValueError
            ``name`` is no plain file name.
        HTCondorIOError
            The file cannot be written.
        """
        context = _context(client)
        return await _core.write_token(context, self._contents, DEFAULT_FILE if name is None else name)


def _context(client: Client | None) -> Context:
    return (client if client is not None else default_client())._context()


def _daemon(context: Context, location: Location | None) -> Target:
    if location is not None:
        return _target(location)
    targets = collector_targets(context, ())
    if not targets:
        raise HTCondorLocateError("there is no collector to ask", hint="set COLLECTOR_HOST, or name a daemon")
    return targets[0]


class TokenRequest:
    """A request for a token, which an administrator of the pool, or a rule, approves.

    ::

        request = TokenRequest("alice@example.org", ["READ", "WRITE"], lifetime=86400)
        await request.submit()
        print("please approve", request.request_id)
        token = await request.wait(timeout=600)
        await token.write()

    Parameters
    ----------
    identity
        Whom the token is to stand for; the pool's daemons if empty.
    scopes
        Levels it is to be limited to, as ``"READ"``; None for no limit.
    lifetime
        Seconds, None for no end.
    client
        Who asks; by default the client of the current context.
    """

    def __init__(
        self,
        identity: str = "",
        scopes: Iterable[str] | None = None,
        lifetime: int | None = None,
        *,
        client: Client | None = None,
    ) -> None:
        if not isinstance(identity, str):
            raise HTCondorTypeError(f"an identity is text, not {type(identity).__name__}")
        self._client = client if client is not None else default_client()
        self._scopes = None if scopes is None else (_dialogue.scopes_text(scopes) or "").split(",")
        self._identity = identity
        self._lifetime = lifetime
        _dialogue.start_request("", "", self._scopes, lifetime)  # what is wrong with them is told now
        self._submitted = False
        self._target: Target | None = None
        self._client_id = ""
        self._request_id: str | None = None
        self._token: Token | None = None

    def __repr__(self) -> str:
        return f"<TokenRequest {self._request_id or 'not submitted'} for {self._identity or 'the daemons'}>"

    @property
    def client_id(self) -> str:
        """What this client calls itself in the request; its approver needs it."""
        return self._client_id

    @property
    def request_id(self) -> str:
        """The number of the request at the daemon, empty if the token came at once.

        Raises
        ------
        HTCondorIOError
            It was not submitted yet.
        """
        if self._target is None:
            raise HTCondorIOError("Request ID requested prior to submitting request!")
        return self._request_id or ""

    async def submit(self, location: Location | None = None, *, timeout: float | None = None) -> None:
        """Send the request.

        Parameters
        ----------
        location
            Ad or address of the daemon whose token is wanted; the pool's collector by default.
        timeout
            Seconds for all of it.

        Raises
        ------
        HTCondorIOError
            It was submitted before, or the daemon cannot be reached.
        SecurityError
            The connection would not be encrypted.
        DaemonError
            The daemon refused, with its ``code``.
        """
        if self._submitted:
            raise HTCondorIOError("Token request already submitted.")
        self._submitted = True
        context = self._client._context()
        target = _daemon(context, location)
        self._client_id = _core.client_id(context)
        ad = _dialogue.start_request(
            _core.full_identity(context, self._identity), self._client_id, self._scopes, self._lifetime
        )
        answer = await _core.exchange(
            context, target, Command.DC_START_TOKEN_REQUEST, ad, context.deadline(timeout), authenticated=None
        )
        self._request_id, token = _dialogue.started(answer)
        self._target = target
        if token is not None:
            self._token = Token(token, origin=str(target))

    async def done(self, *, timeout: float | None = None) -> bool:
        """Look once whether the request was approved; its token is kept for :meth:`result`.

        Raises
        ------
        DaemonError
            The daemon does not know the request, any more or at all.
        """
        if self._token is not None:
            return True
        if self._target is None or self._request_id is None:
            raise HTCondorIOError("Request has not been submitted to a remote daemon")
        context, target = self._client._context(), self._target
        deadline = context.deadline(timeout)
        ad = _dialogue.finish_request(self._client_id, self._request_id)
        answer = await with_retries(
            context.runtime,
            context.retries,
            deadline,
            lambda: _core.exchange(context, target, Command.DC_FINISH_TOKEN_REQUEST, ad, deadline),
        )
        token = _dialogue.token_of(answer, "give the token", pending=True)
        if token is not None:
            self._token = Token(token, origin=str(target))
        return self._token is not None

    async def result(self, timeout: float | None = None, *, interval: float = POLL_INTERVAL) -> Token:
        """Wait for the approval and return the token.

        Parameters
        ----------
        timeout
            Seconds to wait, None for ever.
        interval
            Seconds between two looks.

        Raises
        ------
        DaemonTimeoutError
            It was not approved in time; the request stays.
        """
        if not interval > 0:
            raise HTCondorValueError("the interval is a number of seconds above 0")
        context = self._client._context()
        clock = context.runtime.clock
        deadline = math.inf if timeout is None else clock() + timeout
        while True:
            left = deadline - clock()
            if await self.done(timeout=None if math.isinf(left) else max(left, 1.0)):
                break
            left = deadline - clock()
            if left <= 0:
                raise DaemonTimeoutError(
                    f"Timed out waiting for token approval: request {self._request_id} of {self._client_id}",
                    hint="somebody has to approve it with condor_token_request_approve",
                    address=None if self._target is None else str(self._target.address),
                )
            await context.runtime.sleep(min(interval, left))
        token = self._token
        if token is None:
            raise HTCondorIOError("the token is gone")
        return token

    async def wait(self, timeout: float | None = None) -> Token:
        """Wait for the approval and return the token; see :meth:`result`."""
        return await self.result(timeout)


async def list_token_requests(
    location: Location | None = None,
    request_id: str | None = None,
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> list[PendingRequest]:
    """Return the requests for tokens that wait at a daemon, the collector by default.

    Who is no administrator there sees those for the own identity.
    """
    context = _context(client)
    return await _core.pending_requests(context, _daemon(context, location), request_id, context.deadline(timeout))


async def approve_token_request(
    request_id: str,
    client_id: str,
    location: Location | None = None,
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> None:
    """Approve one request for a token. The two names are those that the requester was given.

    Raises
    ------
    DaemonError
        There is no such request, or this client may not approve it.
    """
    context = _context(client)
    answer = await _core.exchange(
        context,
        _daemon(context, location),
        Command.DC_APPROVE_TOKEN_REQUEST,
        _dialogue.approval(client_id, request_id),
        context.deadline(timeout),
        authenticated=True,
    )
    _dialogue.check_done(answer, "approve the request")


async def auto_approve_token_requests(
    subnet: str,
    lifetime: int,
    location: Location | None = None,
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> None:
    """Let a daemon approve requests of its own daemons that come from a network, for some time.

    Parameters
    ----------
    subnet
        As ``"192.168.0.0/24"``.
    lifetime
        Seconds the rule holds.
    """
    context = _context(client)
    answer = await _core.exchange(
        context,
        _daemon(context, location),
        Command.DC_AUTO_APPROVE_TOKEN_REQUEST,
        _dialogue.auto_approval(subnet, lifetime),
        context.deadline(timeout),
    )
    _dialogue.check_done(answer, "install the rule")


async def session_token(
    location: Location | None = None,
    scopes: Iterable[str] | None = None,
    lifetime: int | None = None,
    key: str | None = None,
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> Token:
    """Return a token for the identity that this client has at a daemon, the collector by default.

    Parameters
    ----------
    scopes, lifetime
        Limits, as in :class:`TokenRequest`.
    key
        The name of the key it is to be signed with; the daemon's own choice by default.
    """
    context = _context(client)
    target = _daemon(context, location)
    answer = await _core.exchange(
        context,
        target,
        Command.DC_GET_SESSION_TOKEN,
        _dialogue.session_token_request(scopes, lifetime, key),
        context.deadline(timeout),
        authenticated=True,
    )
    token = _dialogue.token_of(answer, "give a token")
    if token is None:
        raise HTCondorIOError("the daemon gave no token")
    return Token(token, origin=str(target))


async def exchange_scitoken(
    scitoken: str | Secret[str],
    location: Location | None = None,
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> Token:
    """Return a pool's token in exchange for a SciToken, at the collector by default."""
    context = _context(client)
    target = _daemon(context, location)
    text = scitoken.reveal() if isinstance(scitoken, Secret) else scitoken
    answer = await _core.exchange(
        context,
        target,
        Command.DC_EXCHANGE_SCITOKEN,
        [("Token", string_literal(text))],
        context.deadline(timeout),
    )
    token = _dialogue.token_of(answer, "exchange the token")
    if token is None:
        raise HTCondorIOError("the daemon gave no token")
    return Token(token, origin=str(target))


async def create_token(
    identity: str,
    scopes: Iterable[str] | None = None,
    lifetime: int | None = None,
    *,
    key: str = "POOL",
    issuer: str | None = None,
    client: Client | None = None,
) -> Token:
    """Make a token with one of the pool's signing keys, as its administrator can on the central manager.

    Parameters
    ----------
    identity
        Whom it is to stand for; without ``@``, UID_DOMAIN is added.
    scopes, lifetime
        Limits, as in :class:`TokenRequest`.
    key
        The name of the signing key: ``POOL`` is SEC_TOKEN_POOL_SIGNING_KEY_FILE, others are files in
        SEC_PASSWORD_DIRECTORY.
    issuer
        The pool's TRUST_DOMAIN, by default that of the configuration.

    Raises
    ------
    HTCondorValueError
        This process cannot read the key.
    """
    made = await _core.create_token(
        _context(client), identity, key=key, scopes=scopes, lifetime=lifetime, issuer=issuer
    )
    return Token(made.text(), origin=made.origin)


@attrs.frozen
class TokenList:
    """The tokens that a client has, and the files that it passed over, each with the reason."""

    tokens: tuple[Token, ...]
    passed_over: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = []
        for token in self.tokens:
            ends = "never" if token.expires is None else describe_time(token.expires)
            lines.append(f"{token.subject} of {token.issuer}, key {token.key_id}, expires {ends}, in {token.origin}")
        return "\n".join([*lines, *(f"{origin}: {reason}" for origin, reason in self.passed_over)])


async def list_tokens(*, client: Client | None = None) -> TokenList:
    """Return the tokens that this client would authenticate with, in order of preference."""
    tokens, passed_over = await _core.all_tokens(_context(client))
    return TokenList(tuple(Token(token.text(), origin=token.origin) for token in tokens), passed_over)
