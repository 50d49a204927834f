"""The scripted runtime: a network in memory, a virtual clock, counted suspension points.

The sockets are in memory, but the streams, the connection race, the single flights and the translation of errors are
those of the real runtimes; only the place that waits is replaced. That place counts: each time an operation could
suspend is a *point*, numbered from 1. At a chosen one the caller can be cancelled, an exception raised, or all its
connections broken, so that a test can go through all of them (see :mod:`~htcondor_async._runtime.sweep`).
"""

from __future__ import annotations

import math
import os
import select
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from htcondor_async._environment import CommandResult
from htcondor_async._runtime.base import Readable, Runtime, SocketAddress, check_port, numeric_address, timed_out
from htcondor_async._runtime.common import SocketRuntime
from htcondor_async._runtime.memory_socket import Breakage, Faults, Link, MemorySocket
from htcondor_async._runtime.network import Deadlock, MemoryNetwork, Park
from htcondor_async._runtime.once import OnceTable
from htcondor_async._runtime.sockets import R, RawSocket
from htcondor_async._runtime.translate import file_error, resolve_error
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, HTCondorValueError, Phase

if TYPE_CHECKING:
    from htcondor_async._security.kerberos import KerberosLibrary

__all__ = ["Deadlock", "Faults", "Link", "MemoryNetwork", "MemoryRuntime", "MemorySocket", "PeerRuntime"]

T = TypeVar("T")

_QUIET_ROUNDS = 16
"""Turns of the event loop in which nothing happens on the network before the clock moves."""

_REAL_PAUSE = 0.001
"""Seconds between two looks when nothing is due at all: somebody outside the network has to act."""


class MemoryRuntime(SocketRuntime):
    """Plays on a :class:`MemoryNetwork`; on asyncio and trio, or under :func:`~.blocking.drive`.

    Parameters
    ----------
    network
        The network; a new, empty one by default.
    blocking
        Whether it is driven by :func:`~.blocking.drive` and never suspends.
    host
        The numeric address that connections come from.
    cancel_at, cancel
        The number of the point at which ``cancel`` is called, which shall cancel the task.
    raise_at
        The number of a point and what is raised out of it.
    break_at
        The number of a point and what becomes of all connections there: ``"eof"``, ``"reset"`` or ``"hang"``.
    on_point
        Called with number and name of each point.
    """

    name = "memory"

    def __init__(
        self,
        network: MemoryNetwork | None = None,
        *,
        blocking: bool = False,
        host: str = "127.0.0.1",
        cancel_at: int | None = None,
        cancel: Callable[[], object] | None = None,
        raise_at: tuple[int, BaseException] | None = None,
        break_at: tuple[int, Breakage] | None = None,
        on_point: Callable[[int, str], object] | None = None,
    ) -> None:
        self.network = network or MemoryNetwork()
        self.blocking = blocking
        self.cancel = cancel
        self.points: list[str] = []
        self._host = host
        self._cancel_at = cancel_at
        self._raise_at = raise_at
        self._break_at = break_at
        self._on_point = on_point
        self._sockets: list[MemorySocket] = []
        self._once = OnceTable(lambda: _Gate(self), self.clock)

    @property
    def open_sockets(self) -> list[MemorySocket]:
        """The sockets made through this runtime that are still open."""
        self._sockets = [sock for sock in self._sockets if not sock.closed]
        return list(self._sockets)

    def clock(self) -> float:
        """Return the virtual seconds."""
        return self.network.time

    def now(self) -> float:
        """Return the virtual wall clock."""
        return self.network.started + self.network.time

    # -- the place that waits ----------------------------------------------------------------------------------------

    async def _point(self, name: str) -> None:
        """Count a point, do what is to be done at it, and give way once."""
        self.points.append(name)
        number = len(self.points)
        self.network.note()
        if self._on_point is not None:
            self._on_point(number, name)
        if self._break_at is not None and self._break_at[0] == number:
            for sock in self.open_sockets:
                sock.break_with(self._break_at[1])
        if self._raise_at is not None and self._raise_at[0] == number:
            raise self._raise_at[1]
        if self._cancel_at == number:
            if self.cancel is None:
                raise HTCondorInternalError("cancel_at was given without a way to cancel")
            self.cancel()
            for _turn in range(_QUIET_ROUNDS):  # a shielded point passes it on to a later one
                await self._give_way()
        await self._give_way()

    async def _give_way(self) -> None:
        if not self.blocking:
            import anyio.lowlevel

            await anyio.lowlevel.checkpoint()

    async def until(self, ready: Callable[[], bool], deadline: float) -> bool:
        """Wait until ``ready`` says so; False if the deadline passed first. Counts no point."""
        network = self.network
        network.deadlines.append(deadline)
        quiet = 0
        try:
            while True:
                network.step()
                if ready():
                    return True
                if deadline <= network.time:
                    return False
                if self.blocking:
                    if not network.advance():
                        raise Deadlock("everybody waits for somebody else, without a deadline")
                    continue
                seen = network.activity
                await self._give_way()
                quiet = 0 if network.activity != seen or network.busy else quiet + 1
                if quiet >= _QUIET_ROUNDS:
                    quiet = 0
                    if not network.advance():
                        await _pause()
        finally:
            network.deadlines.remove(deadline)

    async def checkpoint(self) -> None:
        """Give way once."""
        await self._point("checkpoint")
        self.network.step()

    async def sleep(self, seconds: float) -> None:
        """Wait for virtual seconds."""
        await self._point("sleep")
        await self.until(lambda: False, self.network.time + max(0.0, seconds))

    async def wait(self, source: Readable, write: bool, deadline: float) -> bool:
        """Wait until the descriptor can be read (written); False if the deadline passed first."""
        return bool(await self.wait_any([source], write, deadline))

    async def wait_any(self, sources: Sequence[R], write: bool, deadline: float) -> list[R]:
        """Wait until one of the descriptors can be read (written) and return those that can; none at the deadline."""
        await self._point("write" if write else "read")

        def ready() -> list[R]:
            return [source for source in dict.fromkeys(sources) if self._is_ready(source, write)]

        await self.until(lambda: bool(ready()), deadline)
        return ready()

    def _is_ready(self, source: Readable, write: bool) -> bool:
        number = source.fileno()
        sock = self.network.socket(number)
        if sock is None:
            # a closed one, whose waiter finds out by itself, or a real one, such as one that tells of changes of files
            return write or number < 0 or bool(select.select([number], [], [], 0)[0])
        return sock.writable if write else sock.readable

    def closing(self, sock: RawSocket) -> None:
        """Note it: those that wait look again by themselves."""
        self.network.note()

    async def call(
        self, function: Callable[[], T], *, always: bool = False, discard: Callable[[T], None] | None = None
    ) -> T:
        """Return what ``function``, which works on real files, returns; the clock stands still meanwhile."""
        if self.blocking:
            await self._point("call always" if always else "call")
            return function()
        import anyio.to_thread

        with anyio.CancelScope(shield=always):
            await self._point("call always" if always else "call")
            self.network.busy += 1
            try:
                result = await anyio.to_thread.run_sync(function)
            finally:
                self.network.busy -= 1
        return result

    def once_table(self) -> OnceTable:
        """Return the table of single flights."""
        return self._once

    # -- the network -------------------------------------------------------------------------------------------------

    async def resolve(self, host: str, port: int, deadline: float) -> list[SocketAddress]:
        """Return the addresses that the network's script gives for a name."""
        check_port(port)
        address = numeric_address(host, port)
        await self._point("resolve")
        if address is not None:
            return [address]
        name = self.network.look_up(host)
        if name is None:
            error = socket.gaierror(socket.EAI_NONAME, "name or service not known")
            raise resolve_error(error, host) from error
        until = self.network.time + name.delay
        if not await self.until(lambda: self.network.time >= until, min(deadline, until)) and until > deadline:
            raise timed_out(f"address for host name {host!r}", Phase.RESOLVE)
        if name.error is not None:
            error = socket.gaierror(name.error, "scripted failure")
            raise resolve_error(error, host) from error
        return [self.network.address(each, port) for each in name.addresses]

    def begin_connect(self, address: SocketAddress) -> tuple[RawSocket, bool]:
        """Begin to connect."""
        return self._made(self.network.connect(self._host, address)), False

    def finish_connect(self, sock: RawSocket) -> None:
        """Check that an attempt which has ended succeeded; raises ``OSError``."""
        assert isinstance(sock, MemorySocket)
        if sock.connect_error:
            raise OSError(sock.connect_error, os.strerror(sock.connect_error))

    def open_listener(self, address: SocketAddress, backlog: int) -> RawSocket:
        """Return a listener; raises ``OSError``."""
        return self._made(self.network.listen(address))

    def open_datagrams(self, address: SocketAddress) -> RawSocket:
        """Return a datagram socket; raises ``OSError``."""
        return self._made(self.network.bind(address))

    def _made(self, sock: MemorySocket) -> MemorySocket:
        self._sockets.append(sock)
        return sock

    async def kerberos(self, use: Callable[[KerberosLibrary], T], deadline: float, *, local: bool = False) -> T:
        """Return what ``use`` does with the network's ``kerberos``."""
        await self._point("kerberos")
        if self.network.kerberos is None:
            raise HTCondorIOError("this machine has no Kerberos library")
        return use(self.network.kerberos)

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
        """Return what the network's ``commands`` gives for the program."""
        if isinstance(arguments, str) or not arguments:
            raise HTCondorValueError("a command is a sequence of a program and its arguments")
        await self._point("command")
        command = self.network.commands.get(arguments[0])
        if command is None:
            error = FileNotFoundError(2, os.strerror(2))
            raise file_error(error, arguments[0], "run") from error
        return command(arguments, input)


async def _pause() -> None:
    import anyio

    await anyio.sleep(_REAL_PAUSE)


class _Gate:
    """One waiter's gate."""

    def __init__(self, runtime: MemoryRuntime) -> None:
        self._runtime = runtime
        self._is_open = False

    def open(self) -> None:
        self._is_open = True
        self._runtime.network.note()

    async def wait(self, deadline: float) -> bool:
        await self._runtime._point("once")
        return await self._runtime.until(lambda: self._is_open, deadline)


class PeerRuntime(MemoryRuntime):
    """The runtime of scripted peers: counts nothing, and parks them with the network, which resumes them."""

    name = "peer"

    def __init__(self, network: MemoryNetwork) -> None:
        super().__init__(network, blocking=True, host="127.0.0.2")

    async def _point(self, name: str) -> None:
        pass

    async def until(self, ready: Callable[[], bool], deadline: float) -> bool:
        """Park until ``ready`` says so; False if the deadline passed first."""
        while not ready():
            if deadline <= self.network.time:
                return False
            await Park(ready, deadline)
        return True

    async def checkpoint(self) -> None:
        """Let the others act first."""
        await Park(lambda: True, math.inf)


if TYPE_CHECKING:
    _checked: Runtime = MemoryRuntime()
