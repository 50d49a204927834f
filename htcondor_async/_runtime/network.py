"""A network in memory: names, listeners, connections with scripted faults, and the clock they live by.

Time stands still while anybody can act and jumps to the next thing that is due when everybody waits. Peers are
coroutines written over the same :class:`~htcondor_async._runtime.base.Runtime` as the code under test; the network
steps them itself, so that they work beside asyncio, beside trio and under a plain call alike.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import math
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from htcondor_async._environment import CommandResult
from htcondor_async._runtime.base import SocketAddress, numeric_address
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, HTCondorValueError

if TYPE_CHECKING:
    from htcondor_async._runtime.memory import MemoryRuntime
    from htcondor_async._runtime.sockets import RawSocket

__all__ = ["Deadlock", "Faults", "Link", "MemoryNetwork", "MemorySocket", "Park", "Peer"]

Peer: TypeAlias = "Callable[[Any, Any], Awaitable[None]]"
"""What serves one connection: ``async def peer(runtime, stream)``."""

Breakage: TypeAlias = Literal["eof", "reset", "hang"]


class Deadlock(HTCondorInternalError):
    """Everybody waits, for ever: on a real network the operation would hang."""


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


@attrs.define
class _Name:
    addresses: list[str]
    delay: float
    error: int | None


@attrs.define
class _Service:
    faults: Sequence[Faults]
    peer: Peer | None = None
    listener: MemorySocket | None = None
    count: int = 0

    def next_faults(self) -> Faults:
        self.count += 1
        return self.faults[min(self.count, len(self.faults)) - 1] if self.faults else Faults()


class Park:
    """What a peer waits for: resumed when ``ready`` says so or the deadline has passed."""

    __slots__ = ("deadline", "ready")

    def __init__(self, ready: Callable[[], bool], deadline: float) -> None:
        self.ready = ready
        self.deadline = deadline

    def __await__(self) -> Generator[Park, None, None]:
        yield self


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

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
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
        """Let this end see the end of the stream, a reset, or nothing any more, from now on."""
        if breakage == "eof":
            self._end()
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
            self._pieces.append(piece)
            return
        self._arrival = max(self._arrival, self.network.time) + self.link.delay
        self.network.at(self._arrival, lambda: self._pieces.append(piece))


class MemoryNetwork:
    """Names, services and the clock.

    Parameters
    ----------
    started
        What the wall clock shows at the beginning, seconds since 1970.
    """

    def __init__(self, *, started: float = 1_700_000_000.0) -> None:
        self.time = 0.0
        self.started = started
        self.activity = 0
        self.busy = 0
        self.deadlines: list[float] = []
        self.commands: dict[str, Callable[[Sequence[str], bytes], CommandResult]] = {}
        self.failures: list[HTCondorIOError] = []
        self.unreliable: Callable[[bytes], bool] = lambda _data: False
        self._names: dict[str, _Name] = {}
        self._services: dict[SocketAddress, _Service] = {}
        self._bound: dict[SocketAddress, MemorySocket] = {}
        self._sockets: dict[int, MemorySocket] = {}
        self._numbers = itertools.count(1000)
        self._ports = itertools.count(40000)
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._peers: list[tuple[Coroutine[Any, Any, None], Park | None]] = []
        self._stepping = False

    # -- the script --------------------------------------------------------------------------------------------------

    def name(self, host: str, *addresses: str, delay: float = 0.0, error: int | None = None) -> None:
        """Let ``host`` stand for ``addresses``; the look-up takes ``delay`` seconds, or fails with a resolver error."""
        self._names[host] = _Name(list(addresses), delay, error)

    def serve(self, host: str, port: int, peer: Peer, faults: Faults | Sequence[Faults] = ()) -> SocketAddress:
        """Let ``peer`` serve each connection to an address.

        Of several ``faults`` the first holds for the first connection and so on, the last for all that follow.
        """
        address = self.address(host, port)
        self._services[address] = _Service([faults] if isinstance(faults, Faults) else list(faults), peer)
        return address

    def fail(self, host: str, port: int, faults: Faults) -> SocketAddress:
        """Let connections to an address fail as ``faults.connect`` says. Without a service they are refused."""
        address = self.address(host, port)
        self._services[address] = _Service([faults])
        return address

    def stop(self, address: SocketAddress) -> None:
        """End the service at an address: new connections are refused."""
        del self._services[address]

    def connections(self, address: SocketAddress) -> int:
        """Return how many connections to an address have been attempted."""
        return self._services[address].count

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine over :attr:`peer_runtime` beside the code under test."""
        self._peers.append((coroutine, None))

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do something at a point of the clock."""
        heapq.heappush(self._events, (time, next(self._order), action))

    def close(self) -> None:
        """End all peers."""
        peers, self._peers = self._peers, []
        for coroutine, _park in peers:
            coroutine.close()

    @staticmethod
    def address(host: str, port: int) -> SocketAddress:
        """Return a numeric address."""
        address = numeric_address(host, port)
        if address is None:
            raise HTCondorValueError(f"{host!r} is not a numeric address")
        return address

    # -- time and peers ----------------------------------------------------------------------------------------------

    def note(self) -> None:
        """Note that something has happened: the clock stands still for a while."""
        self.activity += 1

    def step(self) -> None:
        """Let everything happen that is due now."""
        if self._stepping:
            return
        self._stepping = True
        try:
            acted = True
            while acted:
                acted = False
                while self._events and self._events[0][0] <= self.time:
                    heapq.heappop(self._events)[2]()
                    acted = True
                for entry in list(self._peers):
                    park = entry[1]
                    if entry in self._peers and (park is None or park.ready() or park.deadline <= self.time):
                        self._resume(entry)
                        acted = True
                if acted:
                    self.note()
        finally:
            self._stepping = False

    def _resume(self, entry: tuple[Coroutine[Any, Any, None], Park | None]) -> None:
        self._peers.remove(entry)
        coroutine = entry[0]
        try:
            park = coroutine.send(None)
        except StopIteration:
            return
        except HTCondorIOError as error:
            # The client went away, as it may; a test that wants none looks here.
            self.failures.append(error)
            return
        if not isinstance(park, Park):
            coroutine.close()
            raise HTCondorInternalError("a peer waits for something outside its network")
        self._peers.append((coroutine, park))

    def next_time(self) -> float:
        """Return when the next thing is due, ``math.inf`` for never."""
        times = [park.deadline for _coroutine, park in self._peers if park is not None]
        if self._events:
            times.append(self._events[0][0])
        return min([*times, *self.deadlines], default=math.inf)

    def advance(self) -> bool:
        """Let the clock jump to the next thing that is due; False if there is none."""
        due = self.next_time()
        if due == math.inf:
            return False
        self.time = max(self.time, due)
        self.note()
        return True

    # -- sockets -----------------------------------------------------------------------------------------------------

    def add_socket(self, sock: MemorySocket) -> int:
        """Give a new socket its number."""
        number = next(self._numbers)
        self._sockets[number] = sock
        return number

    def drop_socket(self, sock: MemorySocket, number: int) -> None:
        """Forget a socket that is being closed."""
        del self._sockets[number]
        for table in (self._bound, self._services):
            if sock.kind != "connection" and sock.local in table:
                del table[sock.local]
        self.note()

    def socket(self, number: int) -> MemorySocket | None:
        """Return the open socket of a number."""
        return self._sockets.get(number)

    def look_up(self, host: str) -> _Name | None:
        """Return what a host name stands for."""
        return self._names.get(host)

    def local_address(self, family: int, host: str) -> SocketAddress:
        """Return a fresh local address."""
        return SocketAddress(family, "::1" if family == socket.AF_INET6 else host, next(self._ports))

    def listen(self, address: SocketAddress) -> MemorySocket:
        """Return a listener; raises ``OSError``."""
        address = attrs.evolve(address, port=address.port or next(self._ports))
        if address in self._services:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        listener = MemorySocket(self, "listener", address)
        self._services[address] = _Service([], listener=listener)
        return listener

    def bind(self, address: SocketAddress) -> MemorySocket:
        """Return a datagram socket; raises ``OSError``."""
        address = attrs.evolve(address, port=address.port or next(self._ports))
        if address in self._bound:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        sock = self._bound[address] = MemorySocket(self, "datagrams", address)
        return sock

    def deliver(self, sender: MemorySocket, data: bytes, to: SocketAddress) -> None:
        """Carry a datagram to whoever is bound there, if anybody is."""
        receiver = self._bound.get(to)
        if receiver is not None and not self.unreliable(data):
            receiver.datagrams.append((data, sender.local))
            self.note()

    def connect(self, host: str, address: SocketAddress) -> MemorySocket:
        """Begin to connect to an address from a host; the attempt ends by itself."""
        service = self._services.get(address)
        faults = Faults(connect="refuse") if service is None else service.next_faults()
        end = MemorySocket(self, "connection", self.local_address(address.family, host), faults.to_client)
        end.remote = address
        end.connecting = True
        if faults.connect != "black hole":
            self.at(self.time + faults.connect_delay, lambda: self._answer(end, address, faults))
        return end

    def _answer(self, end: MemorySocket, address: SocketAddress, faults: Faults) -> None:
        if end.closed or end.connect_error:
            return
        service = self._services.get(address)
        if faults.connect == "unreachable":
            end.connect_error = errno.EHOSTUNREACH
        elif faults.connect == "refuse" or service is None or (service.peer is None and service.listener is None):
            end.connect_error = errno.ECONNREFUSED
        if end.connect_error or service is None:
            return
        other = MemorySocket(self, "connection", address, faults.to_server)
        other.remote, other.other, end.other = end.local, end, other
        end.connecting = False
        for side in (end, other):
            if side.link.stop_after == 0 and side.link.then != "hang":
                side.break_with(side.link.then)
        if service.listener is not None:
            service.listener.backlog.append(other)
        elif service.peer is not None:
            self.spawn(self._serve(service.peer, other))

    async def _serve(self, peer: Peer, end: MemorySocket) -> None:
        from htcondor_async._runtime.sockets import SocketStream

        assert end.remote is not None
        runtime = self.peer_runtime
        stream = SocketStream(end, end.remote, runtime)
        try:
            await peer(runtime, stream)
        finally:
            stream.abort()

    @property
    def peer_runtime(self) -> MemoryRuntime:
        """The runtime of the peers."""
        from htcondor_async._runtime.memory import PeerRuntime

        return PeerRuntime(self)
