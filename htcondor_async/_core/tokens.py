"""Tokens: asked of daemons, made with a signing key of this machine, written to files."""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from htcondor_async._cedar.commands import Command
from htcondor_async._core.channel import Channel
from htcondor_async._core.confidential import open_confidential
from htcondor_async._core.context import Context, Target
from htcondor_async._core.effects import carry_out
from htcondor_async._dialogues import tokens as _dialogue
from htcondor_async._secret import Secret
from htcondor_async._security.policy import Level
from htcondor_async._security.tokens import Token as ParsedToken
from htcondor_async._security.tokens import mint
from htcondor_async.classad import ClassAd
from htcondor_async.errors import (
    AuthenticationError,
    DaemonError,
    HTCondorIOError,
    HTCondorValueError,
    Phase,
)

__all__ = [
    "all_tokens",
    "client_id",
    "create_token",
    "exchange",
    "full_identity",
    "pending_requests",
    "token_directory",
    "write_token",
]

T = TypeVar("T")
_MAX_FILE_NAME = 200
_IDENTITY = re.compile(r"[^\x00-\x20\x7f@\"\\]{1,512}(@[^\x00-\x20\x7f@\"\\]{1,512})?\Z")


def client_id(context: Context) -> str:
    """Return a name for this client in a request: ``TOOL-host-23543``."""
    host = re.sub(r"[^A-Za-z0-9._-]", "_", context.runtime.hostname())[:200] or "localhost"
    return f"{context.config.subsystem}-{host}-{secrets.randbelow(100_000)}"


def full_identity(context: Context, identity: str) -> str:
    """Return an identity with its domain; the empty one is that of the pool's daemons.

    Raises
    ------
    HTCondorValueError
        It is none, or it has no domain and the configuration has no UID_DOMAIN.
    """
    name = identity or "condor"
    if not _IDENTITY.match(name):
        raise HTCondorValueError(f"{identity!r} is no identity", hint="write one as user@domain")
    if "@" in name:
        return name
    domain = context.settings.uid_domain
    if domain is None:
        raise HTCondorValueError(
            f"the identity {name!r} has no domain, and the configuration has no UID_DOMAIN", hint="write user@domain"
        )
    return f"{name}@{domain}"


async def _open(
    context: Context, target: Target, command: Command, deadline: float, authenticated: bool | None
) -> Channel:
    if authenticated is not None:
        return await open_confidential(context, target, command, deadline, authenticated=authenticated)
    if context.policy.authentication is Level.NEVER:
        return await open_confidential(context, target, command, deadline)
    try:
        return await open_confidential(context, target, command, deadline, authenticated=True)
    except AuthenticationError:
        # nothing was sent yet; a daemon with a rule for this network needs no identity
        if context.policy.authentication is Level.REQUIRED:
            raise
        return await open_confidential(context, target, command, deadline)


async def exchange(
    context: Context,
    target: Target,
    command: Command,
    request: _dialogue.Pairs,
    deadline: float,
    *,
    authenticated: bool | None = False,
) -> ClassAd:
    """Send one ad over an encrypted connection, once, and return the ad that comes back.

    Parameters
    ----------
    authenticated
        Whether the daemon must learn who asks; None: if this client can show it at all.

    Raises
    ------
    OutcomeUnknownError
        The answer was lost: a token that was in it cannot be had again.
    """
    channel = await _open(context, target, command, deadline, authenticated)
    sent = False
    try:
        await channel.request(request, deadline)
        sent = True
        message = await channel.receive(deadline, _dialogue.MAX_ANSWER)
        with channel.phase(Phase.RECEIVE, deadline):
            reader = channel.reader(message)
            answer = reader.ad()
            reader.expect_end()
            return answer
    except DaemonError:
        raise
    except HTCondorIOError as error:
        if not sent:
            raise
        raise channel.outcome_unknown(
            f"{command.name} was sent but its answer did not come: it may or may not have taken effect",
            error,
        ) from error
    finally:
        channel.abort()


async def pending_requests(
    context: Context, target: Target, request_id: str | None, deadline: float
) -> list[_dialogue.PendingRequest]:
    """Return the requests that wait at a daemon for approval."""
    channel = await open_confidential(context, target, Command.DC_LIST_TOKEN_REQUEST, deadline, authenticated=True)
    try:
        return await channel.perform(_dialogue.list_requests(channel, request_id), Phase.RECEIVE, deadline)
    finally:
        channel.abort()


async def _perform(context: Context, steps: Generator[Any, Any, T]) -> T:
    """Carry out effects that need no connection."""
    try:
        effect = next(steps)
        while True:
            try:
                answer = await carry_out(effect, context.runtime)
            except OSError as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()


async def all_tokens(context: Context) -> tuple[tuple[ParsedToken, ...], tuple[tuple[str, str], ...]]:
    """Return the tokens this client has, and what was passed over with the reason."""
    found = await _perform(context, context.credentials.all_tokens())
    return found.tokens, found.passed_over


async def create_token(
    context: Context, identity: str, *, key: str, scopes: Iterable[str] | None, lifetime: int | None, issuer: str | None
) -> ParsedToken:
    """Make a token with a signing key that this process can read.

    Raises
    ------
    HTCondorValueError
        There is no such key, or no issuer.
    """
    subject = full_identity(context, identity)
    limits = _dialogue.scopes_text(scopes)
    if lifetime is not None and (isinstance(lifetime, bool) or not isinstance(lifetime, int) or lifetime <= 0):
        raise HTCondorValueError(f"a lifetime is a whole number of seconds above 0, or None; not {lifetime!r}")
    trust_domain = issuer if issuer is not None else context.settings.trust_domain
    if not trust_domain:
        raise HTCondorValueError("a token needs an issuer", hint="set TRUST_DOMAIN, or name the issuer")
    signing = context.credentials.signing_keys
    secret: Secret[bytes] | None = await _perform(context, signing.key(key))
    if secret is None:
        where = signing.pool_file if key == "POOL" else signing.directory
        raise HTCondorValueError(
            f"there is no signing key {key!r} that this process can read",
            hint=f"it would be {'' if key == 'POOL' else 'in '}{where}, readable for its owner only",
        )
    return mint(
        secret,
        issuer=trust_domain,
        subject=subject,
        now=context.runtime.now(),
        token_id=secrets.token_hex(16),
        lifetime=lifetime,
        scopes=() if limits is None else limits.split(","),
        key_id=key,
    )


def token_directory(context: Context) -> str:
    """Return where HTCondor looks for this process's tokens, and so writes them."""
    settings, user = context.settings, context.runtime.user()
    if settings.token_directory is not None:
        path = settings.token_directory
        return user.home + path[1:] if path.startswith("~/") else path
    if user.uid == 0 and settings.token_system_directory is not None:
        return settings.token_system_directory
    return f"{user.home}/.condor/tokens.d"


async def write_token(context: Context, text: Secret[str], name: str) -> str:
    """Put a token into a file of the token directory that is the owner's alone; return its path.

    The file appears whole or not at all. A symbolic link of that name is replaced, never followed.

    Raises
    ------
    HTCondorValueError
        ``name`` is no plain file name.
    """
    encoded = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else b""
    if not encoded or name in (".", "..") or "/" in name or "\0" in name or len(encoded) > _MAX_FILE_NAME:
        raise HTCondorValueError(f"{name!r} is not the name of a file", hint="it is one in the directory of tokens")
    if "\n" in text.reveal() or not text:
        raise HTCondorValueError("the token is empty or has several lines")
    directory = token_directory(context)
    runtime = context.runtime
    try:
        await runtime.make_directory(directory, 0o700, parents=True)
        path = f"{directory}/{name}"
        known = await runtime.stat(path, follow=False)
        if known is not None and known.is_directory:
            raise HTCondorValueError(f"{path} is a directory")
        await runtime.write_file(path, text.reveal().encode("utf-8") + b"\n", mode=0o600)
    except HTCondorIOError as error:
        error.add_context(hint="SEC_TOKEN_DIRECTORY says where tokens are written")
        raise
    return path
