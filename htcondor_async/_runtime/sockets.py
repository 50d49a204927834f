"""Non-blocking sockets behind the interface of :mod:`~htcondor_async._runtime.base`.

Everything here is written once for all runtimes: the sockets never block, and where one has to wait it asks a
:class:`Waiter`. With an event loop the waiter suspends the task; in the blocking runtime it polls and returns, so that
the coroutine runs through without a break.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from htcondor_async._runtime.base import Readable, SocketAddress, timed_out
from htcondor_async._runtime.translate import closed_here, stream_error
from htcondor_async.errors import (
    ConcurrencyError,
    DaemonTimeoutError,
    HTCondorIOError,
    HTCondorValueError,
)

__all__ = [
    "RawSocket",
    "SocketDatagrams",
    "SocketListener",
    "SocketStream",
    "Waiter",
    "from_sockaddr",
    "tune",
]

R = TypeVar("R", bound=Readable)


class RawSocket(Protocol):
    """What is used of :class:`socket.socket`; never blocks."""

    @property
    def family(self) -> int: ...

    def fileno(self) -> int: ...

    def getsockname(self) -> Any: ...

    def setblocking(self, flag: bool, /) -> None: ...

    def setsockopt(self, level: int, option: int, value: int | bytes, /) -> None: ...

    def recv(self, max_bytes: int, /) -> bytes: ...

    def send(self, data: memoryview, /) -> int: ...

    def accept(self) -> tuple[RawSocket, Any]: ...

    def shutdown(self, how: int, /) -> None: ...

    def recvfrom(self, max_bytes: int, /) -> tuple[bytes, Any]: ...

    def sendto(self, data: bytes, to: Any, /) -> int: ...

    def close(self) -> None: ...


_KEEPALIVE = (("TCP_KEEPIDLE", 300), ("TCP_KEEPALIVE", 300), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 6))
"""Probe after five idle minutes, twice a minute, and give up after six probes: below the idle limits of firewalls."""


class Waiter(Protocol):
    """The one place that waits."""

    def clock(self) -> float:
        """Return monotonic seconds."""
        ...

    async def checkpoint(self) -> None:
        """Give way once."""
        ...

    async def wait(self, source: Readable, write: bool, deadline: float) -> bool:
        """Wait until the descriptor can be read (written); False if the deadline passed first."""
        ...

    async def wait_any(self, sources: Sequence[R], write: bool, deadline: float) -> list[R]:
        """Wait until one of the descriptors can be read (written) and return those that can; none at the deadline."""
        ...

    def closing(self, sock: RawSocket) -> None:
        """Wake whoever waits for this socket, which is about to be closed."""
        ...

    def begin_connect(self, address: SocketAddress) -> tuple[RawSocket, bool]:
        """Begin to connect; return the socket and whether it is connected already. Raises ``OSError``."""
        ...

    def finish_connect(self, sock: RawSocket) -> None:
        """Check that an attempt which has ended succeeded; raises ``OSError``."""
        ...


def from_sockaddr(family: int, sockaddr: Any) -> SocketAddress:
    """Return the address that a socket function gave."""
    if family == socket.AF_INET6:
        host, port, _flow, scope = sockaddr
        return SocketAddress(family, f"{host}%{scope}" if scope and "%" not in host else host, port)
    if family == socket.AF_INET:
        return SocketAddress(family, sockaddr[0], sockaddr[1])
    return SocketAddress(family, os.fsdecode(sockaddr), 0)


def tune(sock: RawSocket, family: int) -> None:
    """Send small messages at once, and notice a peer that has vanished."""
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


class _Owned:
    """A socket that belongs to the process that opened it, and is closed once."""

    __slots__ = ("__weakref__", "_pid", "_reading", "_sock", "_waiter", "_writing", "closed")

    def __init__(self, sock: RawSocket, waiter: Waiter) -> None:
        self._sock = sock
        self._waiter = waiter
        self._pid = os.getpid()
        self._reading = False
        self._writing = False
        self.closed = False

    def fileno(self) -> int:
        """Return the descriptor, or -1 once closed."""
        return self._sock.fileno()

    def close(self, *, orderly: bool = True) -> None:
        """Close the socket; never waits, may be called again, wakes those that wait for it."""
        if self.closed:
            return
        self.closed = True
        # A forked child shares the connection, and the event loop's epoll, with its parent: it drops its own copy only.
        # The owner ends the connection itself, or copies in children would keep it open.
        try:
            if self._pid == os.getpid():
                self._waiter.closing(self._sock)
                if orderly:
                    with contextlib.suppress(OSError):
                        self._sock.shutdown(socket.SHUT_RDWR)
        finally:
            self._sock.close()

    def _check(self, busy: bool, verb: str) -> None:
        if self._pid != os.getpid():
            raise ConcurrencyError(
                f"this connection was opened by process {self._pid} and cannot be used in process {os.getpid()}",
                hint="open a new one after fork()",
            )
        if self.closed:
            raise closed_here(self._peer())
        if busy:
            raise ConcurrencyError(f"another task is {verb} this connection already")

    def _peer(self) -> SocketAddress:
        raise NotImplementedError

    async def _wait(self, write: bool, deadline: float, what: str) -> None:
        ready = await self._waiter.wait(self, write, deadline)
        if self.closed:
            raise closed_here(self._peer())
        if not ready:
            raise timed_out(what)


class SocketStream(_Owned):
    """A connected socket; see :class:`~htcondor_async._runtime.base.Stream`."""

    __slots__ = ("local", "peer")

    def __init__(self, sock: RawSocket, peer: SocketAddress, waiter: Waiter) -> None:
        super().__init__(sock, waiter)
        self.peer = peer
        self.local = from_sockaddr(sock.family, sock.getsockname())

    def __repr__(self) -> str:
        return f"<{'closed ' if self.closed else ''}stream {self.local} to {self.peer}>"

    def _peer(self) -> SocketAddress:
        return self.peer

    async def receive(self, max_bytes: int, deadline: float) -> bytes:
        """Return what has come, at most ``max_bytes``; ``b""`` at the end of the stream."""
        self._check(self._reading, "reading from")
        if max_bytes < 1:
            raise HTCondorValueError(f"{max_bytes} bytes cannot be received")
        if deadline != math.inf and deadline <= self._waiter.clock():
            raise timed_out("answer")
        self._reading = True
        try:
            waited = False
            while True:
                try:
                    data = self._sock.recv(max_bytes)
                    break
                except BlockingIOError:
                    waited = True
                except OSError as error:
                    raise self._failure(error) from error
                await self._wait(False, deadline, "answer")
            if not waited:
                await self._waiter.checkpoint()
            return data
        except DaemonTimeoutError:
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self._reading = False

    def receive_now(self, max_bytes: int) -> bytes | None:
        """Return what is here already, ``b""`` at the end, or None: nothing yet."""
        self._check(self._reading, "reading from")
        if max_bytes < 1:
            raise HTCondorValueError(f"{max_bytes} bytes cannot be received")
        try:
            return self._sock.recv(max_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            self.close()
            raise self._failure(error) from error

    async def send(self, data: bytes | bytearray | memoryview, deadline: float) -> None:
        """Hand all of ``data`` to the system; whatever stops it closes the stream."""
        self._check(self._writing, "writing to")
        self._writing = True
        try:
            if deadline != math.inf and deadline <= self._waiter.clock():
                raise timed_out("chance to send")
            waited = False
            rest = memoryview(data).cast("B")
            while rest:
                try:
                    rest = rest[self._sock.send(rest) :]
                    continue
                except BlockingIOError:
                    waited = True
                except OSError as error:
                    raise self._failure(error) from error
                await self._wait(True, deadline, "chance to send")
            if not waited:
                await self._waiter.checkpoint()
        except BaseException:
            self.close()
            raise
        finally:
            self._writing = False

    def _failure(self, error: OSError) -> HTCondorIOError:
        # EBADF: another thread has closed the stream between the check and the call.
        return closed_here(self.peer) if error.errno == errno.EBADF else stream_error(error, self.peer)

    def finish(self) -> None:
        """Tell the peer that nothing more will be sent."""
        if not self.closed:
            self._check(self._writing, "writing to")
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as error:  # the peer is gone already: there is nobody to tell
                if error.errno not in (errno.ENOTCONN, errno.EPIPE, errno.ECONNRESET):
                    raise self._failure(error) from error

    def abort(self) -> None:
        """Close the descriptor; never waits, may be called again."""
        self.close()

    def reset(self) -> None:
        """Close so that the peer sees a broken connection instead of its end: for servers that take no more."""
        if not self.closed:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close(orderly=False)


class SocketListener(_Owned):
    """A listening socket; see :class:`~htcondor_async._runtime.base.Listener`."""

    __slots__ = ("address",)

    def __init__(self, sock: RawSocket, waiter: Waiter) -> None:
        super().__init__(sock, waiter)
        self.address = from_sockaddr(sock.family, sock.getsockname())

    def __repr__(self) -> str:
        return f"<{'closed ' if self.closed else ''}listener {self.address}>"

    def _peer(self) -> SocketAddress:
        return self.address

    async def accept(self, deadline: float) -> SocketStream:
        """Return the next connection."""
        self._check(self._reading, "accepting from")
        if deadline != math.inf and deadline <= self._waiter.clock():
            raise timed_out("connection")
        self._reading = True
        try:
            # Before and not after: a cancellation must not lose a connection that has been taken.
            await self._waiter.checkpoint()
            while True:
                try:
                    sock, sockaddr = self._sock.accept()
                except (BlockingIOError, ConnectionAbortedError):
                    await self._wait(False, deadline, "connection")
                    continue
                except OSError as error:
                    raise stream_error(error, self.address) from error
                stream = self._stream(sock, sockaddr)
                if stream is not None:
                    return stream
        finally:
            self._reading = False

    def _stream(self, sock: RawSocket, sockaddr: Any) -> SocketStream | None:
        """Return the stream of a new connection, None if it has broken already."""
        try:
            sock.setblocking(False)
            tune(sock, sock.family)
            return SocketStream(sock, from_sockaddr(sock.family, sockaddr), self._waiter)
        except OSError:
            sock.close()
            return None
        except BaseException:
            sock.close()
            raise


class SocketDatagrams(_Owned):
    """A UDP socket; see :class:`~htcondor_async._runtime.base.Datagrams`."""

    __slots__ = ("address",)

    def __init__(self, sock: RawSocket, waiter: Waiter) -> None:
        super().__init__(sock, waiter)
        self.address = from_sockaddr(sock.family, sock.getsockname())

    def __repr__(self) -> str:
        return f"<{'closed ' if self.closed else ''}datagrams {self.address}>"

    def _peer(self) -> SocketAddress:
        return self.address

    async def receive(self, max_bytes: int, deadline: float) -> tuple[bytes, SocketAddress]:
        """Return the next datagram, cut to ``max_bytes``, and its sender."""
        self._check(self._reading, "reading from")
        if deadline != math.inf and deadline <= self._waiter.clock():
            raise timed_out("datagram")
        self._reading = True
        try:
            await self._waiter.checkpoint()
            while True:
                try:
                    data, sockaddr = self._sock.recvfrom(max_bytes)
                    break
                except BlockingIOError:
                    await self._wait(False, deadline, "datagram")
                except OSError as error:
                    raise stream_error(error, self.address) from error
        finally:
            self._reading = False
        return data, from_sockaddr(self._sock.family, sockaddr)

    async def send(self, data: bytes, to: SocketAddress, deadline: float) -> None:
        """Send one datagram."""
        self._check(self._writing, "writing to")
        if deadline != math.inf and deadline <= self._waiter.clock():
            raise timed_out("chance to send")
        self._writing = True
        try:
            while True:
                try:
                    self._sock.sendto(data, to.sockaddr)
                    break
                except BlockingIOError:
                    await self._wait(True, deadline, "chance to send")
                except OSError as error:
                    raise stream_error(error, to) from error
            await self._waiter.checkpoint()
        finally:
            self._writing = False
