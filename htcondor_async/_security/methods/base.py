"""What an authentication method is, and what it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeAlias, TypeVar

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async._security.ads import Literal
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.effects import Effect
from htcondor_async._security.keys import KeyWrap
from htcondor_async._security.map_files import MapFile
from htcondor_async._security.settings import SecuritySettings
from htcondor_async.errors import ProtocolError

__all__ = ["Method", "MethodContext", "MethodFailed", "MethodResult", "Steps", "receive", "say"]

T = TypeVar("T")
Steps: TypeAlias = Generator[Effect, Any, T]
"""A piece of a conversation that ends with a T."""

MAX_MESSAGE = 1 << 17
"""Bytes of one message of a method; TLS has a bound of its own."""

SocketAddress: TypeAlias = tuple[str, int]


class MethodFailed(Exception):
    """A method failed and both sides know: the next one may be tried. The text is the reason.

    With ``again`` the client learnt something from it and offers the same method once more.
    """

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


@attrs.frozen
class MethodContext:
    """What a method may look at.

    Parameters
    ----------
    server_address
        IP and port of the server's end of the connection, as this side sees it.
    client_address
        IP and port of the client's end, as a server sees it; a client does not need it.
    settings
        Configuration of the methods.
    credentials
        This side's secrets.
    entropy
        Gives random bytes.
    now
        Wall clock, seconds since 1970.
    peer_version
        Of the other side, None if it is unknown.
    trust_domain, issuer_keys
        What the server said of its tokens, None and empty before it did.
    host_alias
        Name that a server's certificate must be for.
    limits
        Bounds on what is received.
    map_file
        A server's map of authenticated names to users, None without one.
    memory
        What methods remember during one handshake, so that no source is asked twice.
    """

    server_address: SocketAddress
    settings: SecuritySettings
    credentials: Credentials
    entropy: Callable[[int], bytes] = attrs.field(repr=False)
    now: float
    peer_version: tuple[int, int, int] | None = None
    trust_domain: str | None = None
    issuer_keys: tuple[str, ...] = ()
    host_alias: str | None = None
    limits: Limits = DEFAULT_LIMITS
    map_file: MapFile | None = None
    memory: dict[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
    client_address: SocketAddress | None = None


@attrs.frozen
class MethodResult:
    """What a method that succeeded found out.

    Parameters
    ----------
    identity
        Who the other side is: ``user@domain`` at a server, the server's name at a client; None if the method does
        not tell.
    wrapping
        Key, or the method's own way, that a transported session key is wrapped with; None for methods without.
    authenticated_name
        What a server maps to an identity, where it differs: a certificate's subject, ``issuer,subject``.
    limits
        Authorisation levels the credential is limited to; empty for no limit.
    attributes
        What a query of the session shows of the credential.
    """

    identity: str | None = None
    wrapping: Secret[bytes] | KeyWrap | None = attrs.field(default=None, repr=False)
    authenticated_name: str | None = None
    limits: tuple[str, ...] = ()
    attributes: Mapping[str, Literal] = attrs.field(factory=dict)


class Method(ABC):
    """An authentication method, both roles. Instances hold no state.

    ``name`` is its spelling in a negotiation, ``bit`` its bit in the masks, ``protects_key`` whether a key transported
    after it is unreadable on the wire.
    """

    name: str
    bit: int
    protects_key: bool = False

    @abstractmethod
    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Give None if a client can try it now, else why not, for people."""

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """Give None if a server can take it now, else why not, for people."""
        yield from ()
        return None

    @abstractmethod
    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Authenticate as the client; raises :class:`MethodFailed`."""

    @abstractmethod
    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Authenticate the client as the server; raises :class:`MethodFailed`."""


def say(*values: int | str | bytes) -> Steps[None]:
    """Send one clear message: integers, texts as strings, bytes as they are."""
    writer = Writer(crypto=False)
    for value in values:
        if isinstance(value, bytes):
            writer.raw(value)
        elif isinstance(value, str):
            writer.str(value)
        else:
            writer.int(value)
    yield Send(writer.getvalue())


def receive(ctx: MethodContext, max_size: int = MAX_MESSAGE) -> Steps[Reader]:
    """Receive one clear message and give a reader of it."""
    message = yield Receive(min(max_size, ctx.limits.max_handshake_message))
    return Reader(message, False, ctx.limits)


def receive_int(ctx: MethodContext) -> Steps[int]:
    """Receive one message that is one integer."""
    reader = yield from receive(ctx, 64)
    value = reader.int()
    reader.expect_end()
    return value


def blob(reader: Reader, what: str, *sizes: int) -> bytes:
    """Read a counted run of bytes whose length must be one of ``sizes``."""
    length = reader.int()
    if length not in sizes:
        raise ProtocolError(f"{what} is announced with {length} bytes; {' or '.join(map(str, sizes))} are due")
    return reader.raw(length)
