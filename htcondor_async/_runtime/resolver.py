"""Host names to addresses, without ever holding up the caller.

The system's look-up cannot be interrupted, so it runs in a daemon thread of its own and its end is announced through a
socket, which every runtime can wait for. A caller that gives up leaves the thread to end by itself.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

from htcondor_async._runtime.base import SocketAddress, check_port, numeric_address, timed_out
from htcondor_async._runtime.sockets import Waiter, from_sockaddr
from htcondor_async._runtime.translate import resolve_error
from htcondor_async.errors import Phase

__all__ = ["resolve"]


class _Lookup:
    """One look-up: readable as soon as it has ended."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._found: Sequence[tuple[Any, ...]] = ()
        self._error: Exception | None = None
        self._reader, self._writer = socket.socketpair()
        try:
            self._reader.setblocking(False)
            threading.Thread(target=self._run, name="htcondor_async resolver", daemon=True).start()
        except BaseException:
            self._reader.close()
            self._writer.close()
            raise

    def _run(self) -> None:
        try:
            self._found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            self._error = error
        finally:
            self._writer.close()

    def fileno(self) -> int:
        return self._reader.fileno()

    def close(self) -> None:
        self._reader.close()

    def result(self) -> list[SocketAddress]:
        if self._error is not None:
            raise resolve_error(self._error, self._host) from self._error
        addresses = [
            from_sockaddr(family, sockaddr)
            for family, _kind, _protocol, _name, sockaddr in self._found
            if family in (socket.AF_INET, socket.AF_INET6)
        ]
        return list(dict.fromkeys(addresses))


async def resolve(waiter: Waiter, host: str, port: int, deadline: float) -> list[SocketAddress]:
    """Return the addresses of ``host``; see :meth:`Runtime.resolve`."""
    check_port(port)
    address = numeric_address(host, port)
    if address is not None:
        await waiter.checkpoint()
        return [address]
    lookup = _Lookup(host, port)
    try:
        if not await waiter.wait_any([lookup], False, deadline):
            raise timed_out(f"address for host name {host!r}", Phase.RESOLVE)
        return lookup.result()
    finally:
        lookup.close()
