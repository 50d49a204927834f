"""Host names to addresses, without ever holding up the caller.

The system's look-up cannot be interrupted, so it runs in a thread of its own, which a caller may leave.
"""

from __future__ import annotations

import functools
import socket

from htcondor_async._runtime.apart import run_apart
from htcondor_async._runtime.base import SocketAddress, check_port, numeric_address, timed_out
from htcondor_async._runtime.sockets import Waiter, from_sockaddr
from htcondor_async._runtime.translate import resolve_error
from htcondor_async.errors import Phase

__all__ = ["resolve"]


def _look_up(host: str, port: int) -> list[SocketAddress]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise resolve_error(error, host) from error
    addresses = [
        from_sockaddr(family, sockaddr)
        for family, _kind, _protocol, _name, sockaddr in found
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
    return await run_apart(
        waiter,
        functools.partial(_look_up, host, port),
        "resolver",
        deadline,
        lambda: timed_out(f"address for host name {host!r}", Phase.RESOLVE),
    )
