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
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from htcondor_async._environment import CommandResult
from htcondor_async._runtime.base import SocketAddress, numeric_address
from htcondor_async._runtime.memory_socket import Faults, MemorySocket
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, HTCondorValueError

if TYPE_CHECKING:
    from htcondor_async._runtime.memory import MemoryRuntime
    from htcondor_async._security.kerberos import KerberosLibrary

__all__ = ["Deadlock", "MemoryNetwork", "Park", "Peer"]

Peer: TypeAlias = "Callable[[Any, Any], Awaitable[None]]"
"""What serves one connection: ``async def peer(runtime, stream)``."""


class Deadlock(HTCondorInternalError):
    """Everybody waits, for ever: on a real network the operation would hang."""


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
        self.kerberos: KerberosLibrary | None = None
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
