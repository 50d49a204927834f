"""Where a side's secrets come from.

A source is asked at each handshake and so notices a file that was replaced; an unchanged file is not read again.
Sources are tried in the order they are given; :meth:`Credentials.from_settings` gives HTCondor's own order
(``condor_io/condor_auth_passwd.cpp``). What could not be used is kept with its reason, because "no token" is the
question people ask most.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.effects import (
    CallProvider,
    CurrentUser,
    Effect,
    FileInfo,
    FileKind,
    ListDirectory,
    ReadFile,
    StatFile,
    UserIdentity,
)
from htcondor_async._security.settings import SecuritySettings
from htcondor_async._security.tokens import Token, descramble, describe_time, parse_token, pool_signing_key
from htcondor_async.errors import HTCondorValueError

__all__ = [
    "CallableTokens",
    "Credentials",
    "ExplicitTokens",
    "Found",
    "SigningKeys",
    "TokenDirectory",
    "TokenFile",
    "TokenSelection",
    "TokenSource",
    "is_leftover",
]

MAX_TOKENS_PER_FILE = 1000
MAX_FILES = 1000
_EXCLUDED = re.compile(r"\.|#|.*(?:~|\.py|\.sh|\.pl|\.rpmsave|\.rpmnew|\.dpkg-old|\.dpkg-dist|\.cfsaved)\Z", re.DOTALL)


def is_leftover(name: str) -> bool:
    """Return whether a file in a directory is passed over: hidden, or left by an editor or a package."""
    return _EXCLUDED.match(name) is not None


@attrs.frozen
class Found:
    """What one source gave: usable tokens in order, and what was passed over with its reason."""

    tokens: tuple[Token, ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()


class TokenSource(Protocol):
    """Something that tokens come from."""

    def find(self, user: UserIdentity) -> Generator[Effect, Any, Found]:
        """Give the tokens, in order of preference."""
        ...


def _parse_all(values: Sequence[Secret[str]], origin: str) -> Found:
    tokens: list[Token] = []
    bad: list[tuple[str, str]] = []
    for value in values:
        try:
            tokens.append(parse_token(value, origin))
        except HTCondorValueError as error:
            bad.append((origin, error.what))
    return Found(tuple(tokens), tuple(bad))


@attrs.frozen
class ExplicitTokens:
    """Tokens that the application gave."""

    values: tuple[Secret[str], ...]
    origin: str = "the application"

    def find(self, user: UserIdentity) -> Generator[Effect, Any, Found]:
        """Give them as they are."""
        yield from ()
        return _parse_all(self.values, self.origin)


@attrs.frozen
class CallableTokens:
    """A function of the application that gives a token when asked; it may be a coroutine function."""

    provider: Callable[[], Secret[str] | str | Awaitable[Secret[str] | str | None] | None] = attrs.field(repr=False)
    origin: str = "the application's token provider"

    def find(self, user: UserIdentity) -> Generator[Effect, Any, Found]:
        """Ask the function."""
        value = yield CallProvider(self.provider)
        if value is None:
            return Found((), ((self.origin, "gave no token"),))
        if not isinstance(value, (str, Secret)):
            return Found((), ((self.origin, f"gave a {type(value).__name__} instead of a token"),))
        return _parse_all((value if isinstance(value, Secret) else Secret(value),), self.origin)


class TokenFile:
    """A file of tokens, one a line; ``#`` begins a comment. May be shared by threads.

    Read again when its size, time or identity changes. It must belong to the user and be closed to everybody else.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[FileInfo, Found] | None = None

    def __repr__(self) -> str:
        return f"TokenFile({self.path!r})"

    def find(self, user: UserIdentity) -> Generator[Effect, Any, Found]:
        """Give the tokens of the file."""
        info = yield StatFile(self.path)
        if info is None:
            return Found((), ((self.path, "does not exist"),))
        if info.kind is not FileKind.FILE:
            return Found((), ((self.path, "is not a file"),))
        if info.uid != user.uid:
            return Found((), ((self.path, f"belongs to user number {info.uid}, not to {user.name} ({user.uid})"),))
        if info.mode & 0o077:
            return Found((), ((self.path, f"is open to others (mode {info.mode & 0o777:03o}); 600 is due"),))
        if self._seen is not None and self._seen[0] == info:
            return self._seen[1]
        try:
            content = yield ReadFile(self.path)
        except OSError as error:
            return Found((), ((self.path, f"cannot be read: {error.strerror or error}"),))
        lines = [line.strip() for line in content.reveal().decode("utf-8", "replace").splitlines()]
        values = [Secret(line) for line in lines if line and not line.startswith("#")][:MAX_TOKENS_PER_FILE]
        found = _parse_all(values, self.path) if values else Found((), ((self.path, "contains no token"),))
        self._seen = (info, found)
        return found


class TokenDirectory:
    """A directory of token files, as ``~/.condor/tokens.d``; a path that begins with ``~`` is below the home.

    The file ``<SUBSYSTEM>_auto_generated_token`` comes first, then the files in byte order of their names; hidden
    files, sub-directories and leftovers of editors and packages are passed over.
    """

    def __init__(self, path: str, *, subsystem: str = "TOOL") -> None:
        self.path = path
        self._first = f"{subsystem}_auto_generated_token"
        self._files: dict[str, TokenFile] = {}

    def __repr__(self) -> str:
        return f"TokenDirectory({self.path!r})"

    def find(self, user: UserIdentity) -> Generator[Effect, Any, Found]:
        """Give the tokens of all its files."""
        path = user.home + self.path[1:] if self.path.startswith("~/") else self.path
        try:
            names = yield ListDirectory(path)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return Found((), ((path, "does not exist"),))
            return Found((), ((path, f"cannot be read: {error.strerror or error}"),))
        kept = sorted((n for n in names if not is_leftover(n)), key=lambda n: n.encode("utf-8", "surrogateescape"))
        if self._first in kept:
            kept.remove(self._first)
            kept.insert(0, self._first)
        self._files = {name: self._files.get(name) or TokenFile(f"{path}/{name}") for name in kept[:MAX_FILES]}
        tokens: list[Token] = []
        passed_over: list[tuple[str, str]] = []
        for file in self._files.values():
            found = yield from file.find(user)
            tokens += found.tokens
            passed_over += found.passed_over
        if not tokens and not passed_over:
            passed_over.append((path, "contains no token file"))
        return Found(tuple(tokens), tuple(passed_over))


class SystemOrUserDirectory:
    """The directory HTCondor looks in when none is configured: the user's, or the system's for a daemon of root."""

    def __init__(self, system: str | None, *, subsystem: str = "TOOL") -> None:
        self._user = TokenDirectory("~/.condor/tokens.d", subsystem=subsystem)
        self._system = None if system is None else TokenDirectory(system, subsystem=subsystem)

    def __repr__(self) -> str:
        return f"SystemOrUserDirectory({self._user.path!r}, {self._system.path if self._system else None!r})"

    def find(self, user: UserIdentity) -> Generator[Effect, Any, Found]:
        """Give the tokens of the directory that holds for this process."""
        directory = self._system if user.switches_ids and self._system is not None else self._user
        return (yield from directory.find(user))


@attrs.frozen
class SigningKeys:
    """Signing keys in files, scrambled.

    Parameters
    ----------
    directory
        Holds a file per key, named as the key.
    pool_file
        File of the key POOL.
    pool_is_password
        Cut that key at the first NUL.
    """

    directory: str | None = None
    pool_file: str | None = None
    pool_is_password: bool = False

    def names(self) -> Generator[Effect, Any, tuple[str, ...]]:
        """Give the names of the keys this process can see, POOL first."""
        names: list[str] = []
        if self.pool_file is not None:
            info = yield StatFile(self.pool_file)
            if info is not None and info.kind is FileKind.FILE:
                names.append("POOL")
        if self.directory is not None:
            try:
                listed = yield ListDirectory(self.directory)
            except OSError:
                listed = []  # no directory, or none of this user's business: no further keys
            names += [name for name in sorted(listed)[:MAX_FILES] if name != "POOL" and not is_leftover(name)]
        return tuple(names)

    def key(self, name: str) -> Generator[Effect, Any, Secret[bytes] | None]:
        """Give a key ready for use, None if there is none of this name that this process can read."""
        if name == "POOL":
            path = self.pool_file
        elif self.directory is not None and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", name):
            path = f"{self.directory}/{name}"
        else:
            path = None
        if path is None:
            return None
        try:
            content: Secret[bytes] = yield ReadFile(path)
        except OSError:
            return None
        if not content:
            return None
        return pool_signing_key(content, is_password=self.pool_is_password) if name == "POOL" else descramble(content)


@attrs.frozen
class TokenSelection:
    """The outcome of a search: the token, or None, and why others were passed over."""

    token: Token | None
    reasons: tuple[tuple[str, str], ...]


@attrs.frozen
class Credentials:
    """The secrets of one identity.

    Parameters
    ----------
    sources
        Where tokens come from, in order.
    signing_keys
        Keys this side may mint tokens with (a client) or check tokens with (a server).
    password_file
        File of the pool password, for PASSWORD.
    password
        The pool password itself, instead of that file's.
    bearer_token
        Token for SCITOKENS; None to look where the WLCG's profile of bearer tokens says.
    bearer_issuers
        Issuers whose bearer tokens a server takes: the JSON Web Key Set of each, by its URL.
    """

    sources: tuple[TokenSource, ...] = ()
    signing_keys: SigningKeys = attrs.field(factory=SigningKeys)
    password_file: str | None = None
    password: Secret[bytes] | None = None
    bearer_token: Secret[str] | None = None
    bearer_issuers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def from_settings(
        cls, settings: SecuritySettings, *, tokens: Sequence[TokenSource] = (), subsystem: str = "TOOL"
    ) -> Credentials:
        """Return the sources in HTCondor's order: those given, then the configured directory or the default one."""
        directory: TokenSource
        if settings.token_directory is not None:
            directory = TokenDirectory(settings.token_directory, subsystem=subsystem)
        else:
            directory = SystemOrUserDirectory(settings.token_system_directory, subsystem=subsystem)
        return cls(
            sources=(*tokens, directory),
            signing_keys=SigningKeys(
                settings.password_directory, settings.pool_signing_key_file, settings.pool_signing_key_is_password
            ),
            password_file=settings.password_file,
        )

    def all_tokens(self) -> Generator[Effect, Any, Found]:
        """Give every token of every source, in order."""
        user = yield CurrentUser()
        tokens: list[Token] = []
        passed_over: list[tuple[str, str]] = []
        for source in self.sources:
            found = yield from source.find(user)
            tokens += found.tokens
            passed_over += found.passed_over
        return Found(tuple(tokens), tuple(passed_over))

    @staticmethod
    def choose(found: Found, *, trust_domain: str | None, issuer_keys: Sequence[str], now: float) -> TokenSelection:
        """Choose the token for a server.

        The first one whose issuer and key the server has; one that has not expired goes before one that has. An
        expired one is still given if nothing else fits: the server's clock decides, and the reasons name it.

        Parameters
        ----------
        found
            What the sources gave.
        trust_domain, issuer_keys
            What the server said of itself; None and empty match everything.
        now
            Seconds since 1970.
        """
        reasons = list(found.passed_over)
        expired: Token | None = None
        for token in found.tokens:
            reason = _mismatch(token, trust_domain, issuer_keys)
            if reason is not None:
                reasons.append((token.origin, reason))
            elif not token.expired(now):
                return TokenSelection(token, tuple(reasons))
            else:
                reasons.append((token.origin, f"expired at {describe_time(token.expires or 0)}"))
                expired = expired or token
        return TokenSelection(expired, tuple(reasons))


def _mismatch(token: Token, trust_domain: str | None, issuer_keys: Sequence[str]) -> str | None:
    if token.key_id is None:
        return "its header names no signing key"
    if issuer_keys and token.key_id not in issuer_keys:
        return f"it is signed with the key {token.key_id!r}; the daemon has {', '.join(issuer_keys)}"
    if trust_domain is not None and token.issuer != trust_domain:
        return f"its issuer is {token.issuer!r}; the daemon trusts {trust_domain!r}"
    if token.subject is None:
        return "it has no subject"
    return None
