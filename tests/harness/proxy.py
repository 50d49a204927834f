"""A proxy in front of a daemon that misbehaves as it is told, by bytes or by CEDAR frames.

::

    async with Proxy(pool_port, Faults("cut", after=100)) as proxy:
        Schedd(f"<127.0.0.1:{proxy.port}?sock=schedd_0>")

Each connection gets its fault from `proxy.faults`: one for all, or a function of the connection's number.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Literal

import anyio
import anyio.abc
import attrs

Kind = Literal[
    "forward", "black hole", "half close", "reset", "trickle", "corrupt", "duplicate", "cut", "delay", "refuse"
]
Direction = Literal["to client", "to server"]
Frames = Callable[[int, bytes], "list[bytes]"]
"""Given the number of a frame in its direction, from 0, and the frame, returns what is passed on in its place."""

_HEADER = 5


@attrs.frozen
class Faults:
    """What happens to a connection, in one direction, once `after` bytes have passed.

    "forward" nothing; "black hole" nothing passes any more, either way; "half close" and "cut" end the direction, or
    the whole connection; "reset" resets it; "trickle" lets single bytes pass, `pause` seconds apart; "corrupt" flips a
    bit of the byte at `after`; "duplicate" sends the piece that holds it twice; "delay" holds each piece back for a
    random time up to `pause` seconds; "refuse" resets it before anything. `frames` replaces whole frames instead.
    """

    kind: Kind = "forward"
    after: int = 0
    direction: Direction = "to client"
    pause: float = 0.0
    frames: Frames | None = None


class Proxy:
    """Forwards connections to a port of this machine.

    Attributes:
        faults: what happens to the connections made from now on.
        connections: how many there have been.
        passed: bytes passed on, by direction.
        open: how many are open now.
        random: for delays.
    """

    def __init__(self, target: int, faults: Faults | Callable[[int], Faults] | None = None, *, seed: int = 0) -> None:
        self.faults = faults if faults is not None else Faults()
        self.connections = 0
        self.open = 0
        self.passed = {"to client": 0, "to server": 0}
        self._target = target
        self.random = random.Random(seed)
        self._socket = socket.socket()

    @property
    def port(self) -> int:
        """Where clients connect to."""
        port: int = self._socket.getsockname()[1]
        return port

    async def __aenter__(self) -> Proxy:
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(256)
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._accept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._group.cancel_scope.cancel()
        try:
            return await self._group.__aexit__(kind, error, traceback)
        finally:
            self._socket.close()

    async def _accept(self) -> None:
        while True:
            await anyio.wait_readable(self._socket)
            try:
                client, _ = self._socket.accept()
            except BlockingIOError:
                continue
            self.connections += 1
            faults = self.faults if isinstance(self.faults, Faults) else self.faults(self.connections)
            self._group.start_soon(self._serve, client, faults)

    async def _serve(self, client: socket.socket, faults: Faults) -> None:
        server = socket.socket()
        self.open += 1
        try:
            for sock in (client, server):
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if faults.kind == "refuse":
                _reset_on_close(client)
                return
            server.connect_ex(("127.0.0.1", self._target))
            await anyio.wait_writable(server)
            async with anyio.create_task_group() as group:
                for direction, source, sink in (("to server", client, server), ("to client", server, client)):
                    mine = faults if faults.direction == direction or faults.kind == "black hole" else Faults()
                    group.start_soon(_Half(self, direction, source, sink, mine, group).run)
        finally:
            self.open -= 1
            client.close()
            server.close()


class _Half:
    """One direction of a connection."""

    def __init__(
        self,
        proxy: Proxy,
        direction: str,
        source: socket.socket,
        sink: socket.socket,
        faults: Faults,
        group: anyio.abc.TaskGroup,
    ) -> None:
        self._proxy = proxy
        self._direction = direction
        self._source = source
        self._sink = sink
        self._faults = faults
        self._group = group
        self._passed = 0

    async def run(self) -> None:
        """Pass on what comes until one of the two is gone."""
        changer = None if self._faults.frames is None else _FrameChanger(self._faults.frames)
        try:
            while data := await _piece(self._source):
                for piece in [data] if changer is None else changer.feed(data):
                    if not await self._pass(piece):
                        return
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:  # one of the two is gone: so is the connection
            self._group.cancel_scope.cancel()

    async def _pass(self, piece: bytes) -> bool:
        """Pass on a piece as the fault has it; False when nothing more is to come."""
        faults = self._faults
        left = faults.after - self._passed
        if faults.kind == "delay":
            await anyio.sleep(self._proxy.random.random() * faults.pause)
        elif faults.kind == "trickle" and left < len(piece):
            for byte in piece:
                await self._send(bytes([byte]))
                await anyio.sleep(faults.pause)
            return True
        elif faults.kind == "corrupt" and 0 <= left < len(piece):
            piece = piece[:left] + bytes([piece[left] ^ 1]) + piece[left + 1 :]
        elif faults.kind == "duplicate" and 0 <= left < len(piece):
            piece *= 2
        elif faults.kind in ("black hole", "half close", "reset", "cut") and left < len(piece):
            await self._send(piece[: max(0, left)])
            if faults.kind == "black hole":
                await anyio.sleep_forever()
            if faults.kind == "half close":
                self._sink.shutdown(socket.SHUT_WR)
                return False
            if faults.kind == "reset":
                _reset_on_close(self._sink)
                _reset_on_close(self._source)
            self._group.cancel_scope.cancel()
            return False
        await self._send(piece)
        return True

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sink.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._sink)
        self._passed += len(data)
        self._proxy.passed[self._direction] += len(data)


def _reset_on_close(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _piece(source: socket.socket) -> bytes:
    """Return what comes next, b"" at the end."""
    while True:
        await anyio.wait_readable(source)
        try:
            return source.recv(65536)
        except BlockingIOError:
            continue


class _FrameChanger:
    """Cuts bytes into frames and lets each be replaced."""

    def __init__(self, change: Frames) -> None:
        self._change = change
        self._held = b""
        self._number = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return what is passed on of the frames that are whole now."""
        self._held += data
        passed: list[bytes] = []
        while len(self._held) >= _HEADER:
            size = _HEADER + int.from_bytes(self._held[1:_HEADER], "big")
            if len(self._held) < size:
                break
            passed += self._change(self._number, self._held[:size])
            self._held = self._held[size:]
            self._number += 1
        return passed
