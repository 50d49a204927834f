"""Sockets that listen, and the race of attempts to connect."""

from __future__ import annotations

import errno
import math
import os
import socket
from collections import deque
from collections.abc import Sequence

from htcondor_async._runtime.base import SocketAddress, timed_out
from htcondor_async._runtime.sockets import RawSocket, SocketStream, Waiter, tune
from htcondor_async._runtime.translate import connect_error, race_error
from htcondor_async.errors import ConnectError, Phase

__all__ = ["begin_connect", "finish_connect", "open_datagrams", "open_listener", "race"]

_IN_PROGRESS = {errno.EINPROGRESS, errno.EALREADY, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)}


def open_listener(address: SocketAddress, backlog: int) -> socket.socket:
    """Return a non-blocking socket that listens on ``address``; raises ``OSError``."""
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if address.family in (socket.AF_INET, socket.AF_INET6) and os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address.sockaddr)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def open_datagrams(address: SocketAddress) -> socket.socket:
    """Return a non-blocking UDP socket bound to ``address``; raises ``OSError``."""
    sock = socket.socket(address.family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind(address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def begin_connect(address: SocketAddress) -> tuple[socket.socket, bool]:
    """Begin to connect; returns the socket and whether it is connected already. Raises ``OSError``."""
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        tune(sock, address.family)
        code = sock.connect_ex(address.sockaddr)
        if code and code not in _IN_PROGRESS:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock, code == 0


def finish_connect(sock: socket.socket) -> None:
    """Check that an attempt which ended has succeeded; raises ``OSError``."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    # A connection to a free port of this machine's own range can, by simultaneous open, end up at itself.
    if sock.family != getattr(socket, "AF_UNIX", None) and sock.getsockname() == sock.getpeername():
        raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


async def race(waiter: Waiter, addresses: Sequence[SocketAddress], deadline: float, stagger: float) -> SocketStream:
    """Connect to the first of ``addresses`` that answers; see :meth:`Runtime.connect`.

    No tasks: the attempts are descriptors, waited for together with the time to start the next one.
    """
    if not addresses:
        raise ConnectError("there is no address to connect to", phase=Phase.CONNECT)
    waiting = deque(addresses)
    pending: dict[RawSocket, SocketAddress] = {}
    failures: list[ConnectError] = []
    next_start = -math.inf
    winner: RawSocket | None = None
    waited = False
    try:
        while winner is None:
            now = waiter.clock()
            if now >= deadline:
                raise timed_out("connection to " + ", ".join(map(str, addresses)), Phase.CONNECT)
            if waiting and (now >= next_start or not pending):
                address = waiting.popleft()
                next_start = now + stagger
                try:
                    sock, done = waiter.begin_connect(address)
                except OSError as error:
                    failures.append(_caused(connect_error(error, address), error))
                    next_start = now
                    continue
                pending[sock] = address
                ended = [sock] if done else []
            elif pending:
                waited = True
                ended = await waiter.wait_any(list(pending), True, min(deadline, next_start) if waiting else deadline)
            else:
                raise race_error(failures)
            for sock in ended:
                try:
                    waiter.finish_connect(sock)
                except OSError as error:
                    failures.append(_caused(connect_error(error, pending.pop(sock)), error))
                    sock.close()
                    next_start = now
                else:
                    winner = sock
                    break
        if not waited:
            await waiter.checkpoint()
        stream = SocketStream(winner, pending[winner], waiter)
        del pending[winner]
        return stream
    finally:
        for sock in pending:
            sock.close()


def _caused(error: ConnectError, cause: OSError) -> ConnectError:
    error.__cause__ = cause
    return error
