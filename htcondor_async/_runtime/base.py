"""The interface between the core's coroutines and the world: connections, time, files, commands.

``_core`` reaches the world only through :class:`Runtime`. Two implementations touch real sockets
(:mod:`~htcondor_async._runtime.anyio_` awaits, :mod:`~htcondor_async._runtime.blocking` never suspends), a third,
:mod:`~htcondor_async._runtime.memory`, plays scripted peers on a virtual clock.

Rules that hold for all of them:

- A *deadline* is a point on :meth:`Runtime.clock`, ``math.inf`` for none. Every wait takes one and raises
  :class:`~htcondor_async.errors.DaemonTimeoutError` once it has passed, even if the result would be at hand: a total
  limit ends a busy stream too. The phase of the error is left to the caller where the runtime cannot know it.
- :meth:`Stream.receive`, :meth:`Stream.send`, :meth:`Listener.accept` and :meth:`Runtime.connect` are checkpoints:
  they either wait or give way once. :meth:`Stream.receive_now` is none, so whoever takes data with it, batch after
  batch, calls :meth:`Runtime.checkpoint` once per batch. One read is one batch: up to 256 KiB.
- Cancellation (and ``KeyboardInterrupt``) in ``receive``, ``send`` and ``connect`` closes the descriptor before it
  goes on: what is in flight then is unknown. A deadline that passes in ``receive`` loses nothing and leaves the
  stream open; one that passes in ``send`` may have cut a message and closes it.
- Errors of the operating system become those of :mod:`htcondor_async.errors` here and nowhere else; the original is
  the ``__cause__``, and ``errno`` is kept.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs

from htcondor_async._environment import CommandResult, UserRecord
from htcondor_async.errors import DaemonTimeoutError, HTCondorValueError, Phase

if TYPE_CHECKING:
    import ssl

    from htcondor_async._security.effects import TlsSettings
    from htcondor_async._security.kerberos import KerberosLibrary

__all__ = [
    "DEFAULT_STAGGER",
    "READ_SIZE",
    "Datagrams",
    "File",
    "FileInfo",
    "Listener",
    "OnceCell",
    "Readable",
    "Runtime",
    "SocketAddress",
    "Stream",
    "any_address",
    "numeric_address",
    "timed_out",
]

T = TypeVar("T")

READ_SIZE = 256 * 1024
"""Bytes to ask of :meth:`Stream.receive` for bulk data."""

DEFAULT_STAGGER = 0.25
"""Seconds between the starts of two attempts of a connection race (RFC 8305, section 8)."""


@attrs.frozen
class SocketAddress:
    """A numeric address to connect to or listen on.

    Parameters
    ----------
    family
        ``socket.AF_INET``, ``socket.AF_INET6`` or ``socket.AF_UNIX``.
    host
        The numeric address, with a scope (``%eth0``) where IPv6 needs one; the path for ``AF_UNIX``.
    port
        The port, 0 to 65535; 0 for ``AF_UNIX``.
    """

    family: int = attrs.field(converter=int)
    host: str
    port: int = attrs.field()

    @port.validator
    def _check_port(self, _attribute: object, value: int) -> None:
        check_port(value)

    @property
    def sockaddr(self) -> tuple[str, int] | str:
        """What the socket functions of the standard library take."""
        return self.host if self.family not in (socket.AF_INET, socket.AF_INET6) else (self.host, self.port)

    def __str__(self) -> str:
        if self.family == socket.AF_INET6:
            return f"[{self.host}]:{self.port}"
        return f"{self.host}:{self.port}" if self.family == socket.AF_INET else self.host


def check_port(port: int) -> None:
    """Raise :class:`HTCondorValueError` unless ``port`` is one."""
    if not 0 <= port <= 65535:
        raise HTCondorValueError(f"{port} is not a port number: ports are 0 to 65535")


def numeric_address(host: str, port: int) -> SocketAddress | None:
    """Return the address of a numeric ``host`` (brackets around IPv6 are allowed), or None if it is a name."""
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, bare.partition("%")[0] if family == socket.AF_INET6 else bare)
        except (OSError, ValueError):
            continue
        return SocketAddress(family, bare, port)
    return None


def any_address(family: int, port: int = 0) -> SocketAddress:
    """Return the wildcard address of an internet family, for listening and for sending datagrams."""
    return SocketAddress(family, "::" if family == socket.AF_INET6 else "0.0.0.0", port)


def timed_out(what: str, phase: Phase | None = None) -> DaemonTimeoutError:
    """Return the error for a deadline that passed; ``what`` completes "there was no ... in time"."""
    error = DaemonTimeoutError(f"there was no {what} in time", phase=phase)
    error.errno = errno.ETIMEDOUT
    return error


class Readable(Protocol):
    """What :meth:`Runtime.first_readable` can wait for: a stream, a listener, datagrams."""

    def fileno(self) -> int:
        """Return the descriptor, or -1 once closed."""
        ...


R = TypeVar("R", bound=Readable)


class Stream(Readable, Protocol):
    """One connection. It belongs to the process that opened it."""

    peer: SocketAddress
    local: SocketAddress

    async def receive(self, max_bytes: int, deadline: float) -> bytes:
        """Return what has come, at most ``max_bytes``; ``b""`` at the end of the stream.

        Raises :class:`ConnectionClosedError` if the peer reset the connection or this side closed it,
        :class:`DaemonTimeoutError` (the stream stays open).
        """
        ...

    def receive_now(self, max_bytes: int) -> bytes | None:
        """Return what is here already, ``b""`` at the end, or None: nothing yet. No checkpoint."""
        ...

    async def send(self, data: bytes | bytearray | memoryview, deadline: float) -> None:
        """Hand all of ``data`` to the system. An error, a deadline or a cancellation closes the stream."""
        ...

    def finish(self) -> None:
        """Tell the peer that nothing more will be sent; what was sent still arrives, and receiving goes on."""
        ...

    def abort(self) -> None:
        """Close the descriptor; never waits, may be called again, wakes a task that is waiting for this stream."""
        ...

    @property
    def closed(self) -> bool:
        """Whether this side has closed the stream."""
        ...


class Listener(Readable, Protocol):
    """A socket that takes connections."""

    address: SocketAddress

    async def accept(self, deadline: float) -> Stream:
        """Return the next connection. A cancelled or late ``accept`` leaves the listener open."""
        ...

    def close(self) -> None:
        """Stop listening; never waits, wakes a task in :meth:`accept`."""
        ...


class Datagrams(Readable, Protocol):
    """A UDP socket."""

    address: SocketAddress

    async def receive(self, max_bytes: int, deadline: float) -> tuple[bytes, SocketAddress]:
        """Return the next datagram, cut to ``max_bytes``, and its sender."""
        ...

    async def send(self, data: bytes, to: SocketAddress, deadline: float) -> None:
        """Send one datagram."""
        ...

    def close(self) -> None:
        """Close the socket; never waits."""
        ...


@attrs.frozen
class FileInfo:
    """What is known of a file: two that are equal mean that it has not changed.

    ``size`` in bytes, ``mode`` the permission bits, ``mtime_ns`` the time of modification in nanoseconds since 1970,
    ``links`` the number of hard links.
    """

    is_directory: bool
    is_link: bool
    size: int
    mode: int
    mtime_ns: int
    uid: int
    gid: int
    device: int
    inode: int
    links: int = 1


class File(Protocol):
    """A local file that is read or written piece by piece."""

    async def read(self, max_bytes: int) -> bytes:
        """Return the next bytes, ``b""`` at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Write all of ``data``."""
        ...

    async def seek(self, offset: int) -> None:
        """Go on at ``offset`` bytes from the start."""
        ...

    def close(self) -> None:
        """Close it; may be called again."""
        ...


class OnceCell(Protocol):
    """Single flight for one key."""

    async def run(self, compute: Callable[[], Awaitable[T]], deadline: float) -> T:
        """Return the result of ``compute``, run by one of those that ask for it at the same time.

        The first to come computes; the others wait, each until its own ``deadline``. What happens then:

        - a result goes to all that wait now; nothing is kept for later callers;
        - an ordinary exception goes to all of them (each gets its own copy);
        - if the one that computes is cancelled or interrupted, or its own deadline passes, the next one takes over
          and computes itself.

        ``compute`` must not ask for the same key again.
        """
        ...


class Runtime(Protocol):
    """The world as ``_core`` sees it."""

    name: str

    def clock(self) -> float:
        """Return monotonic seconds; deadlines are points on this clock."""
        ...

    def now(self) -> float:
        """Return the wall clock, seconds since 1970."""
        ...

    async def checkpoint(self) -> None:
        """Give way to others and let a pending cancellation strike."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        ...

    async def resolve(self, host: str, port: int, deadline: float) -> list[SocketAddress]:
        """Return the addresses of a host name in the system's order of preference; numeric ones need no look-up.

        Raises :class:`ConnectError` (phase ``RESOLVE``) if the name is unknown or the look-up fails.
        """
        ...

    async def connect(
        self, addresses: Sequence[SocketAddress], deadline: float, *, stagger: float = DEFAULT_STAGGER
    ) -> Stream:
        """Connect to the first of ``addresses`` that answers.

        One attempt starts every ``stagger`` seconds, at once if the one before has failed. Raises
        :class:`ConnectError` (phase ``CONNECT``) when all have failed: the first failure, with all named.
        """
        ...

    async def listen(self, host: str, port: int, *, backlog: int = 128) -> Listener:
        """Listen on a numeric address; port 0 lets the system choose."""
        ...

    async def datagram(self, address: SocketAddress) -> Datagrams:
        """Return a UDP socket bound to ``address`` (see :func:`any_address`)."""
        ...

    async def first_readable(self, sources: Sequence[R], deadline: float) -> list[R]:
        """Return those of ``sources`` that can be read from without waiting, at least one, or none at the deadline.

        A source that is closed counts as readable: its next operation raises. With no sources it waits for the
        deadline.
        """
        ...

    def once(self, key: Hashable) -> OnceCell:
        """Return the single-flight cell of ``key``, one per event loop (per process for the blocking runtime)."""
        ...

    def user(self) -> UserRecord:
        """Return the user this process runs as."""
        ...

    def user_name_of(self, uid: int) -> str | None:
        """Return the name of a user number, or None."""
        ...

    def hostname(self) -> str:
        """Return the name of this machine."""
        ...

    def environ(self) -> Mapping[str, str]:
        """Return the environment of this process."""
        ...

    async def tls_context(self, settings: TlsSettings) -> ssl.SSLContext:
        """Build a TLS context out of files; raises :class:`ConfigError` where they cannot be used."""
        ...

    async def kerberos(self, use: Callable[[KerberosLibrary], T], deadline: float, *, local: bool = False) -> T:
        """Return what ``use`` does with this machine's Kerberos library, which may ask servers of its own.

        Unless all of it is ``local``, the caller leaves at the deadline, or where it is cancelled, whatever the
        library is doing. Raises :class:`HTCondorIOError`, also where there is no library.
        """
        ...

    async def call(
        self, function: Callable[[], T], *, always: bool = False, discard: Callable[[T], None] | None = None
    ) -> T:
        """Return what ``function`` returns, which works on local files and may block; a worker thread runs it.

        With ``always`` it runs even in a task that is cancelled. A result that a cancelled caller can no longer take
        goes to ``discard``.
        """
        ...

    async def read_file(self, path: str, max_bytes: int) -> bytes:
        """Return the content of a file of at most ``max_bytes``.

        Raises :class:`LimitExceededError` for a larger one. Like all operations on files it raises
        :class:`HTCondorIOError` with the system's ``errno``.
        """
        ...

    async def write_file(self, path: str, data: bytes, *, mode: int = 0o600, exclusive: bool = False) -> None:
        """Put ``data`` into a file with permissions ``mode``; a reader sees the old content or the new, never a part.

        With ``exclusive`` the file must not exist yet.
        """
        ...

    async def append_line(self, path: str, line: str, *, mode: int = 0o644) -> None:
        """Add ``line`` to the end of a file by one write; others, of other programs too, may do so at the same time.

        A missing file is made with permissions ``mode``, and its directory; a last line that has no end gets one
        first. A symbolic link, a file with several names and anything that is no file is refused.
        """
        ...

    async def open_file(self, path: str, how: str, *, mode: int = 0o600) -> File:
        """Open a file for pieces: ``how`` is ``"r"``, ``"w"`` (emptied), ``"a"`` (append) or ``"x"`` (new)."""
        ...

    async def make_directory(self, path: str, mode: int = 0o700, *, parents: bool = False) -> None:
        """Make a directory with exactly the permissions ``mode``; one that exists is an error.

        With ``parents`` those above are made too, if missing, and one that exists is fine. A cancelled call leaves no
        directory behind.
        """
        ...

    async def remove_directory(self, path: str) -> None:
        """Remove an empty directory; a missing one is fine. Done even where the task is being cancelled."""
        ...

    async def remove_file(self, path: str) -> None:
        """Remove a file; a missing one is fine. Done even where the task is being cancelled."""
        ...

    async def list_directory(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        ...

    async def stat(self, path: str, *, follow: bool = True) -> FileInfo | None:
        """Return what is known of a path, or None where there is nothing."""
        ...

    async def wait_for_change(
        self, path: str, known: FileInfo | None, deadline: float, *, interval: float = 1.0
    ) -> FileInfo | None:
        """Wait until ``path`` is no longer as ``known`` says (None: missing), and return what it is now.

        Looks every ``interval`` seconds, more often at first.
        """
        ...

    async def run_command(
        self,
        arguments: Sequence[str],
        deadline: float,
        *,
        input: bytes = b"",
        environ: Mapping[str, str] | None = None,
        directory: str | None = None,
        max_output: int = 1 << 20,
    ) -> CommandResult:
        """Run a program and return what it printed.

        It is killed, with the processes it started, at the deadline, when cancelled and when it prints more than
        ``max_output`` bytes (:class:`LimitExceededError`).
        """
        ...
