"""One way to run a test over every runtime: asyncio (debug, eager tasks, uvloop, a loop that cannot watch sockets as
that of Windows), trio, blocking, memory."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import math
import socket
import struct
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest

from htcondor_async._runtime.anyio_ import AnyioRuntime
from htcondor_async._runtime.base import READ_SIZE, Runtime, SocketAddress, Stream
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async._runtime.memory import Faults, MemoryNetwork, MemoryRuntime, MemorySocket
from htcondor_async.errors import HTCondorIOError
from tests.harness.leaks import descriptors

SOON = 0.05
"""Seconds of a deadline that is to pass."""
LATE = 30.0
"""Seconds of a deadline that must not pass: reaching it means that something hangs."""

LOOPS = ["asyncio", "trio", "asyncio-unwatched"]
if sys.version_info >= (3, 12):
    LOOPS.append("asyncio-eager")
if importlib.util.find_spec("uvloop") is not None:
    LOOPS.append("uvloop")
REAL = [*LOOPS, "blocking"]
MEMORY = ["memory-asyncio", "memory-trio", "memory-blocking"]
ALL = [*REAL, *MEMORY]
TASKS = [*LOOPS, "memory-asyncio", "memory-trio"]
"""Those whose operations tasks can cancel."""

Peer = Callable[[Runtime, Stream], Awaitable[None]]


async def echo(runtime: Runtime, stream: Stream) -> None:
    """Send back what comes."""
    while data := await stream.receive(READ_SIZE, math.inf):
        await stream.send(data, math.inf)


async def count(runtime: Runtime, stream: Stream) -> None:
    """Read four bytes of length and so many bytes, slowly; answer with what was read."""
    announced = int.from_bytes(await stream.receive(4, math.inf), "big")
    taken = 0
    while taken < announced:
        taken += len(await stream.receive(10_000, math.inf))
    await stream.send(str(taken).encode(), math.inf)


async def silent(runtime: Runtime, stream: Stream) -> None:
    """Never read, never answer, until the client leaves."""
    await stream.receive(1, math.inf)
    while await stream.receive(1, math.inf):
        await runtime.sleep(0.01)


async def deaf(runtime: Runtime, stream: Stream) -> None:
    """Read nothing at all for a long time."""
    listener = await runtime.listen("127.0.0.1", 0)
    try:
        # ends with the connection, without reading from it
        while not stream.closed:
            await runtime.first_readable([listener], runtime.clock() + SOON)
            if DONE.is_set():
                return
    finally:
        listener.close()


DONE = threading.Event()


async def hang_up(runtime: Runtime, stream: Stream) -> None:
    """Say goodbye and close."""
    await stream.send(b"bye", math.inf)


async def reset(runtime: Runtime, stream: Stream) -> None:
    """Reset the connection once the request is there."""
    await runtime.first_readable([stream], math.inf)
    sock: Any = stream._sock  # type: ignore[attr-defined]  # the socket below
    if isinstance(sock, MemorySocket):
        assert sock.other is not None
        sock.other.break_with("reset")
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


class World:
    """A runtime and servers for it."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.network = MemoryNetwork()
        self.runtime: Runtime
        if backend.startswith("memory"):
            self.runtime = MemoryRuntime(self.network, blocking=backend == "memory-blocking")
        else:
            self.runtime = BlockingRuntime() if backend == "blocking" else AnyioRuntime()
        self._ports = iter(range(10000, 20000))
        self._cleanup: list[Callable[[], None]] = []

    @property
    def in_memory(self) -> bool:
        return self.backend.startswith("memory")

    def soon(self) -> float:
        """Return a deadline that will pass."""
        return self.runtime.clock() + SOON

    def late(self) -> float:
        """Return a deadline that must not pass."""
        return self.runtime.clock() + LATE

    def serve(self, peer: Peer) -> SocketAddress:
        """Return the address of a server that lets ``peer`` handle each connection."""
        if self.in_memory:
            return self.network.serve("10.0.0.1", next(self._ports), peer)
        runtime = BlockingRuntime()
        listener = drive(runtime.listen("127.0.0.1", 0))
        streams: list[Stream] = []
        threads: list[threading.Thread] = []

        def handle(stream: Stream) -> None:
            try:
                drive(peer(runtime, stream))  # type: ignore[arg-type]  # a peer is a coroutine function
            except HTCondorIOError:
                return  # the client has left
            finally:
                stream.abort()

        def accept() -> None:
            while not listener.closed:
                try:
                    stream = drive(listener.accept(math.inf))
                except HTCondorIOError:
                    return
                streams.append(stream)
                threads.append(threading.Thread(target=handle, args=(stream,)))
                threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()

        def stop() -> None:
            DONE.set()
            listener.close()
            acceptor.join()
            for stream in streams:
                stream.abort()
            for thread in threads:
                thread.join()
            DONE.clear()

        self._cleanup.append(stop)
        return listener.address

    def refusing(self) -> SocketAddress:
        """Return an address where nobody listens."""
        if self.in_memory:
            return self.network.address("10.0.0.1", next(self._ports))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return SocketAddress(socket.AF_INET, *listener.getsockname())

    def black_hole(self) -> SocketAddress:
        """Return an address that never answers."""
        if self.in_memory:
            return self.network.fail("10.0.0.1", next(self._ports), Faults(connect="black hole"))
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        self._cleanup.append(listener.close)
        for _ in range(8):  # fill its queue; the system then drops further requests
            filler = socket.socket()
            self._cleanup.append(filler.close)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return SocketAddress(socket.AF_INET, *listener.getsockname())

    async def gather(self, *functions: Callable[[], Awaitable[Any]]) -> list[Any]:
        """Run all at once, in tasks or threads; return their results or errors."""
        results: list[Any] = [None] * len(functions)

        async def keep(number: int) -> None:
            try:
                results[number] = await functions[number]()
            except (Exception, KeyboardInterrupt) as error:
                results[number] = error

        if self.backend == "blocking":
            threads = [threading.Thread(target=lambda n=n: drive(keep(n))) for n in range(len(functions))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            async with anyio.create_task_group() as group:
                for number in range(len(functions)):
                    group.start_soon(keep, number)
        return results

    def close(self) -> None:
        self.network.close()
        for action in reversed(self._cleanup):
            action()
        if isinstance(self.runtime, MemoryRuntime):
            assert self.runtime.open_sockets == []
            assert self.network.failures == [] or all(
                isinstance(error, HTCondorIOError) for error in self.network.failures
            )


def eager_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop whose tasks start at once."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # new in Python 3.12
    return loop


class UnwatchedLoop(asyncio.SelectorEventLoop):
    """An event loop that cannot watch sockets for others, as the one of Windows."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError

    def add_writer(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError

    def remove_reader(self, fd: Any) -> bool:
        raise NotImplementedError

    def remove_writer(self, fd: Any) -> bool:
        raise NotImplementedError


def _start(backend: str, main: Callable[[], Awaitable[Any]]) -> Any:
    kind = backend.removeprefix("memory-")
    if kind == "blocking":
        return drive(main())  # type: ignore[arg-type]  # it is a coroutine
    if kind == "trio":
        return anyio.run(main, backend="trio")
    options: dict[str, Any] = {"asyncio": {"debug": True}, "uvloop": {"use_uvloop": True}}.get(kind, {})
    if kind == "asyncio-eager":
        options = {"loop_factory": eager_loop}
    elif kind == "asyncio-unwatched":
        options = {"loop_factory": UnwatchedLoop}
    return anyio.run(main, backend="asyncio", backend_options=options)


async def _nothing() -> None:
    await anyio.to_thread.run_sync(int)


@functools.cache
def _warm_up(backend: str) -> None:
    """Let the event loop make what it keeps for the whole process."""
    if backend in LOOPS:
        _start(backend, _nothing)


def run(backend: str, function: Callable[[World], Awaitable[Any]]) -> Any:
    """Run ``function`` over a backend and check that it leaves no descriptor and no task behind."""
    _warm_up(backend)
    before = set(descriptors().items())
    world = World(backend)

    async def main() -> Any:
        try:
            return await function(world)
        finally:
            if backend == "asyncio":
                assert len(asyncio.all_tasks()) == 1

    try:
        result = _start(backend, main)
    finally:
        world.close()
    for _ in range(200):
        left = set(descriptors().items()) - before
        if not left:
            break
        time.sleep(0.01)  # an abandoned look-up closes its end itself
    assert not left, "descriptors were left open"
    return result


@contextmanager
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let look-ups of host names take until the event is set."""
    release = threading.Event()
    real = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "slow.example.org":
            release.wait(LATE)
            host = "127.0.0.1"
        elif host == "unknown.example.org":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        yield release
    finally:
        release.set()
