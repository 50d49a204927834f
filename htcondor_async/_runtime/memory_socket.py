"""Sockets in memory, and the faults of what they are connected by."""

from __future__ import annotations

import errno
import math
import os
import socket
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from htcondor_async._runtime.base import SocketAddress
from htcondor_async.errors import HTCondorInternalError

if TYPE_CHECKING:
    from htcondor_async._runtime.network import MemoryNetwork
    from htcondor_async._runtime.sockets import RawSocket

__all__ = ["Breakage", "Faults", "Link", "MemorySocket"]

Breakage: TypeAlias = Literal["eof", "reset", "pipe", "hang"]
"""What the user of a connection sees of its break: the end, a reset, or nothing any more."""


@attrs.frozen
class Link:
    """What happens to the bytes of one direction of a connection.

    Parameters
    ----------
    delay
        Seconds each piece is under way, after the piece before it has arrived.
    chunk
        Bytes of each piece as it arrives; 0 for whatever was sent.
    stop_after
        Bytes after which nothing more arrives, or None.
    then
        What the receiver sees after those: the end of the stream, a reset, or nothing at all.
    corrupt
        Positions of bytes, from the start of the connection, that arrive with all their bits flipped.
    capacity
        Bytes that may be under way or unread before a sender has to wait.
    """

    delay: float = 0.0
    chunk: int = 0
    stop_after: int | None = None
    then: Breakage = "hang"
    corrupt: Sequence[int] = ()
    capacity: int = 64 * 1024


@attrs.frozen
class Faults:
    """What happens to one connection.

    ``connect``: it is made, refused, unreachable, or never answered; ``connect_delay``: seconds until then.
    """

    connect: Literal["ok", "refuse", "unreachable", "black hole"] = "ok"
    connect_delay: float = 0.0
    to_client: Link = Link()
    to_server: Link = Link()


class MemorySocket:
    """One end of a connection, a listener or a datagram socket, with the methods of a non-blocking socket."""

    def __init__(self, network: MemoryNetwork, kind: str, local: SocketAddress, link: Link | None = None) -> None:
        self.network = network
        self.kind = kind
        self.family = local.family
        self.local = local
        self.remote: SocketAddress | None = None
        self.link = link or Link()
        self.other: MemorySocket | None = None
        self.closed = False
        self.connecting = False
        self.connect_error = 0
        self.backlog: deque[MemorySocket] = deque()
        self.datagrams: deque[tuple[bytes, SocketAddress]] = deque()
        self._number = network.add_socket(self)
        self._pieces: deque[bytes] = deque()
        self._unread = 0  # bytes under way to here or not yet taken
        self._arrival = -math.inf  # when the last piece sent to here arrives
        self._count = 0  # bytes ever sent to here
        self._eof = False
        self._error = 0
        self._silent = False
        self._broken = False
        self._cut = self.link.stop_after == 0 and self.link.then == "hang"  # nothing more arrives, not even the end

    def __repr__(self) -> str:
        return f"<{'closed ' if self.closed else ''}{self.kind} {self.local} to {self.remote}>"

    def fileno(self) -> int:
        return -1 if self.closed else self._number

    def getsockname(self) -> Any:
        host, port = self.local.host, self.local.port
        return (host, port, 0, 0) if self.family == socket.AF_INET6 else (host, port)

    def setblocking(self, flag: bool, /) -> None:
        if flag:
            raise HTCondorInternalError("sockets in memory never block")

    def setsockopt(self, level: int, option: int, value: int | bytes, /) -> None:
        """Take any option: none has an effect here."""

    @property
    def readable(self) -> bool:
        """Whether reading (accepting) would return something or raise."""
        if self.closed:
            return True
        if self._silent:
            return False
        return bool(self._pieces or self._eof or self._error or self.backlog or self.datagrams)

    @property
    def writable(self) -> bool:
        """Whether writing would take something or raise; for an attempt to connect, whether it has ended."""
        if self.closed or self.connect_error:
            return True
        if self.connecting or self._silent:
            return False
        other = self.other
        return other is None or other.closed or bool(self._error) or other._room > 0

    @property
    def _room(self) -> int:
        return self.link.capacity - self._unread

    def recv(self, max_bytes: int, /) -> bytes:
        self._check()
        if self._silent:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        if self._pieces:
            piece = self._pieces.popleft()
            # Without a chunk size a reader finds all that has come, as on a real socket.
            while not self.link.chunk and self._pieces and len(piece) < max_bytes:
                piece += self._pieces.popleft()
            if len(piece) > max_bytes:
                self._pieces.appendleft(piece[max_bytes:])
                piece = piece[:max_bytes]
            self._unread -= len(piece)
            self.network.note()
            return piece
        if self._error:
            raise OSError(self._error, os.strerror(self._error))
        if self._eof:
            return b""
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def send(self, data: memoryview | bytes, /) -> int:
        self._check()
        if self._error:
            raise OSError(self._error, os.strerror(self._error))
        if self._broken:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        other = self.other
        if self.connecting or other is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if self._silent:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        if other.closed:
            # The first bytes that reach a closed end provoke its reset; who sends again is told.
            self._error = errno.EPIPE
            return len(data)
        if other._room <= 0:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        piece = bytes(data[: other._room])
        other._transmit(piece)
        self.network.note()
        return len(piece)

    def accept(self) -> tuple[RawSocket, Any]:
        self._check()
        if not self.backlog:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        end = self.backlog.popleft()
        assert end.remote is not None
        return end, (end.remote.host, end.remote.port, 0, 0)[: 4 if end.family == socket.AF_INET6 else 2]

    def recvfrom(self, max_bytes: int, /) -> tuple[bytes, Any]:
        self._check()
        if not self.datagrams:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        data, sender = self.datagrams.popleft()
        return data[:max_bytes], (sender.host, sender.port, 0, 0)[: 4 if self.family == socket.AF_INET6 else 2]

    def sendto(self, data: bytes, to: Any, /) -> int:
        self._check()
        self.network.deliver(self, data, SocketAddress(self.family, to[0], to[1]))
        return len(data)

    def shutdown(self, how: int, /) -> None:
        self._check()
        if self.other is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if how != socket.SHUT_RD:
            self.network.at(max(self.other._arrival, self.network.time), self.other._end)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.network.drop_socket(self, self._number)
        for end in self.backlog:
            end.close()
        other = self.other
        if other is not None and not other.closed:
            if self._unread:
                other.break_with("reset")
            else:
                self.network.at(max(other._arrival, self.network.time), other._end)

    def break_with(self, breakage: Breakage) -> None:
        """From now on this end sees the end of the stream, a reset, a broken pipe when it sends, or nothing."""
        if breakage == "eof":
            self._end()
        elif breakage == "pipe":
            self._end()
            self._broken = True
        elif breakage == "reset":
            self._error = errno.ECONNRESET
            if self.connecting:
                self.connect_error = errno.ECONNRESET
        else:
            self._silent = True
        self.network.note()

    def _end(self) -> None:
        self._eof = not self._cut

    def _check(self) -> None:
        if self.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _transmit(self, data: bytes) -> None:
        """Put bytes that the other end has sent under way to here, as the link has it."""
        link = self.link
        start, self._count = self._count, self._count + len(data)
        if link.stop_after is not None and self._count >= link.stop_after:
            data = data[: max(0, link.stop_after - start)]
        for position in link.corrupt:
            if start <= position < start + len(data):
                at = position - start
                data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        size = link.chunk or len(data)
        for offset in range(0, len(data), size or 1):
            self._arrive(data[offset : offset + size])
        if link.stop_after is not None and start < max(link.stop_after, 1) <= self._count:
            if link.then == "hang":
                self._cut = True
            else:
                self.network.at(max(self._arrival, self.network.time), lambda: self.break_with(link.then))

    def _arrive(self, piece: bytes) -> None:
        self._unread += len(piece)
        if not self.link.delay and self._arrival <= self.network.time:
            self._take(piece)
            return
        self._arrival = max(self._arrival, self.network.time) + self.link.delay
        self.network.at(self._arrival, lambda: self._take(piece))

    def _take(self, piece: bytes) -> None:
        """Let a piece arrive, unless the connection has ended meanwhile: what was under way is lost then."""
        if not self._eof and not self._error:
            self._pieces.append(piece)
