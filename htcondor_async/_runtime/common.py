"""What the two runtimes with real sockets share: all of it but the waiting."""

from __future__ import annotations

import functools
import os
import socket
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from htcondor_async._environment import CommandResult, UserRecord
from htcondor_async._runtime import connecting, files, host, process, sockets
from htcondor_async._runtime.apart import run_apart
from htcondor_async._runtime.base import DEFAULT_STAGGER, FileInfo, Readable, SocketAddress, numeric_address, timed_out
from htcondor_async._runtime.once import OnceTable
from htcondor_async._runtime.resolver import resolve
from htcondor_async.errors import HTCondorIOError, HTCondorValueError

if TYPE_CHECKING:
    import ssl

    from htcondor_async._security.effects import TlsSettings
    from htcondor_async._security.kerberos import KerberosLibrary

__all__ = ["SocketRuntime"]

T = TypeVar("T")

_FIRST_LOOK = 0.05
"""Seconds to the second look at a file that is waited for; doubled from look to look up to the interval."""


class SocketRuntime:
    """A :class:`~htcondor_async._runtime.base.Runtime` over real sockets; subclasses do the waiting."""

    name = ""

    # -- what a subclass provides ------------------------------------------------------------------------------------

    def clock(self) -> float:
        """Return monotonic seconds."""
        raise NotImplementedError

    async def checkpoint(self) -> None:
        """Give way once."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        raise NotImplementedError

    async def wait(self, source: Readable, write: bool, deadline: float) -> bool:
        """Wait until the descriptor can be read (written); False if the deadline passed first."""
        raise NotImplementedError

    async def wait_any(self, sources: Sequence[sockets.R], write: bool, deadline: float) -> list[sockets.R]:
        """Wait until one of the descriptors can be read (written) and return those that can; none at the deadline."""
        raise NotImplementedError

    def closing(self, sock: sockets.RawSocket) -> None:
        """Wake whoever waits for this socket, which is about to be closed."""
        raise NotImplementedError

    async def call(
        self, function: Callable[[], T], *, always: bool = False, discard: Callable[[T], None] | None = None
    ) -> T:
        """Return what ``function``, which may block, returns.

        With ``always`` it runs even in a task that is cancelled. A result that a cancelled caller can no longer take
        goes to ``discard``.
        """
        raise NotImplementedError

    def once_table(self) -> OnceTable:
        """Return the table of single flights."""
        raise NotImplementedError

    # -- time, names, connections ------------------------------------------------------------------------------------

    def now(self) -> float:
        """Return the wall clock, seconds since 1970."""
        return time.time()

    async def resolve(self, host: str, port: int, deadline: float) -> list[SocketAddress]:
        """Return the addresses of a host name in the system's order of preference."""
        return await resolve(self, host, port, deadline)

    def begin_connect(self, address: SocketAddress) -> tuple[sockets.RawSocket, bool]:
        """Begin to connect; return the socket and whether it is connected already. Raises ``OSError``."""
        return connecting.begin_connect(address)

    def finish_connect(self, sock: sockets.RawSocket) -> None:
        """Check that an attempt which has ended succeeded; raises ``OSError``."""
        assert isinstance(sock, socket.socket)
        connecting.finish_connect(sock)

    def open_listener(self, address: SocketAddress, backlog: int) -> sockets.RawSocket:
        """Return a socket that listens on ``address``; raises ``OSError``."""
        return connecting.open_listener(address, backlog)

    def open_datagrams(self, address: SocketAddress) -> sockets.RawSocket:
        """Return a UDP socket bound to ``address``; raises ``OSError``."""
        return connecting.open_datagrams(address)

    async def connect(
        self, addresses: Sequence[SocketAddress], deadline: float, *, stagger: float = DEFAULT_STAGGER
    ) -> sockets.SocketStream:
        """Connect to the first of ``addresses`` that answers."""
        return await connecting.race(self, addresses, deadline, stagger)

    async def listen(self, host: str, port: int, *, backlog: int = 128) -> sockets.SocketListener:
        """Listen on a numeric address; port 0 lets the system choose."""
        address = numeric_address(host, port)
        if address is None:
            raise HTCondorValueError(f"{host!r} is not a numeric address to listen on")
        try:
            sock = self.open_listener(address, backlog)
        except OSError as error:
            raise _unavailable(error, address, "listen on") from error
        return sockets.SocketListener(sock, self)

    async def datagram(self, address: SocketAddress) -> sockets.SocketDatagrams:
        """Return a UDP socket bound to ``address``."""
        try:
            sock = self.open_datagrams(address)
        except OSError as error:
            raise _unavailable(error, address, "use") from error
        return sockets.SocketDatagrams(sock, self)

    async def first_readable(self, sources: Sequence[sockets.R], deadline: float) -> list[sockets.R]:
        """Return those of ``sources`` that can be read from without waiting; none at the deadline."""
        closed = [source for source in sources if source.fileno() < 0]
        if closed:
            await self.checkpoint()
            return closed
        return await self.wait_any(sources, False, deadline)

    def once(self, key: Hashable) -> _Cell:
        """Return the single-flight cell of ``key``."""
        return _Cell(self, key)

    # -- files -------------------------------------------------------------------------------------------------------

    # -- this machine ------------------------------------------------------------------------------------------------

    def user(self) -> UserRecord:
        """Return the user this process runs as."""
        return host.user()

    def user_name_of(self, uid: int) -> str | None:
        """Return the name of a user number, or None."""
        return host.user_name_of(uid)

    def hostname(self) -> str:
        """Return the name of this machine."""
        return host.hostname()

    def environ(self) -> Mapping[str, str]:
        """Return the environment of this process."""
        return host.environ()

    async def tls_context(self, settings: TlsSettings) -> ssl.SSLContext:
        """Build a TLS context; it reads files."""
        return await self.call(functools.partial(host.tls_context, settings))

    async def kerberos(self, use: Callable[[KerberosLibrary], T], deadline: float, *, local: bool = False) -> T:
        """Return what ``use`` does with the system's Kerberos library."""
        from htcondor_async._runtime.kerberos import SystemKerberos

        library = SystemKerberos()
        if (reason := library.missing()) is not None:
            raise HTCondorIOError(reason)
        if local:
            return await self.call(functools.partial(use, library))
        late = functools.partial(timed_out, "answer of Kerberos")
        return await run_apart(self, functools.partial(use, library), "kerberos", deadline, late)

    async def read_file(self, path: str, max_bytes: int) -> bytes:
        """Return the content of a file of at most ``max_bytes``."""
        return await self.call(functools.partial(files.read_file, path, max_bytes))

    async def write_file(self, path: str, data: bytes, *, mode: int = 0o600, exclusive: bool = False) -> None:
        """Put ``data`` into a file in one step."""
        await self.call(functools.partial(files.write_file, path, data, mode, exclusive))

    async def append_line(self, path: str, line: str, *, mode: int = 0o644) -> None:
        """Add a line to a file that others may add to at the same time."""
        await self.call(functools.partial(files.append_line, path, line, mode))

    async def open_file(self, path: str, how: str, *, mode: int = 0o600) -> LocalFile:
        """Open a file for pieces."""
        opening = functools.partial(files.open_file, path, how, mode)
        return LocalFile(self, await self.call(opening, discard=_close), path)

    async def make_directory(self, path: str, mode: int = 0o700, *, parents: bool = False) -> None:
        """Make a directory with exactly the permissions ``mode``."""
        making = functools.partial(files.make_directory, path, mode, parents)
        await self.call(making, discard=None if parents else lambda _made: files.remove_directory(path))

    async def remove_directory(self, path: str) -> None:
        """Remove an empty directory, even in a task that is being cancelled."""
        await self.call(functools.partial(files.remove_directory, path), always=True)

    async def remove_file(self, path: str) -> None:
        """Remove a file, even in a task that is being cancelled."""
        await self.call(functools.partial(files.remove_file, path), always=True)

    async def list_directory(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return await self.call(functools.partial(files.list_directory, path))

    async def stat(self, path: str, *, follow: bool = True) -> FileInfo | None:
        """Return what is known of a path, or None where there is nothing."""
        return await self.call(functools.partial(files.file_info, path, follow))

    async def wait_for_change(
        self, path: str, known: FileInfo | None, deadline: float, *, interval: float = 1.0
    ) -> FileInfo | None:
        """Wait until ``path`` is no longer as ``known`` says, and return what it is now."""
        pause = min(_FIRST_LOOK, interval)
        while True:
            found = await self.stat(path)
            if found != known:
                return found
            left = deadline - self.clock()
            if left <= 0:
                raise timed_out(f"change of {path}")
            await self.sleep(min(pause, left))
            pause = min(pause * 2, interval)

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
        """Run a program and return what it printed."""
        return await process.run(self, arguments, deadline, input, environ, directory, max_output)


def _unavailable(error: OSError, address: SocketAddress, verb: str) -> HTCondorIOError:
    told = HTCondorIOError(f"cannot {verb} {address}: {os.strerror(error.errno or 0).lower()}", address=str(address))
    told.errno = error.errno
    return told


def _close(file: BinaryIO) -> None:
    file.close()


class _Cell:
    """The single flight of one key; see :class:`~htcondor_async._runtime.base.OnceCell`."""

    __slots__ = ("_key", "_runtime")

    def __init__(self, runtime: SocketRuntime, key: Hashable) -> None:
        self._runtime = runtime
        self._key = key

    async def run(self, compute: Callable[[], Awaitable[T]], deadline: float) -> T:
        """Return the result of ``compute``, run by one of those that ask for it at the same time."""
        return await self._runtime.once_table().run(self._key, compute, deadline)


class LocalFile:
    """An open file; see :class:`~htcondor_async._runtime.base.File`."""

    __slots__ = ("_file", "_path", "_runtime")

    def __init__(self, runtime: SocketRuntime, file: BinaryIO, path: str) -> None:
        self._runtime = runtime
        self._file = file
        self._path = path

    async def read(self, max_bytes: int) -> bytes:
        """Return the next bytes, ``b""`` at the end."""
        return await self._runtime.call(functools.partial(files.read_some, self._file, self._path, max_bytes))

    async def write(self, data: bytes) -> None:
        """Write all of ``data``."""
        await self._runtime.call(functools.partial(files.write_all, self._file, self._path, data))

    async def seek(self, offset: int) -> None:
        """Go on at ``offset`` bytes from the start."""
        await self._runtime.call(functools.partial(files.seek_to, self._file, self._path, offset))

    def close(self) -> None:
        """Close it; may be called again."""
        self._file.close()
