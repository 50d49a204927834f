"""Errors of the operating system as errors of this package, in sentences."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from typing import TypeVar

from htcondor_async._runtime.base import SocketAddress
from htcondor_async.errors import ConnectError, ConnectionClosedError, HTCondorIOError, Phase

__all__ = ["closed_here", "connect_error", "file_error", "race_error", "resolve_error", "stream_error"]

E = TypeVar("E", bound=OSError)

_CONNECT = {
    errno.ECONNREFUSED: ("{} refused the connection", "no daemon listens there; is it running, and is the port right?"),
    errno.EHOSTUNREACH: ("host {} is unreachable", None),
    errno.ENETUNREACH: ("there is no route to {}", None),
    errno.EHOSTDOWN: ("host {} is down", None),
    errno.ETIMEDOUT: ("{} did not answer", "a firewall may drop the packets"),
    errno.ECONNRESET: ("{} reset the connection while it was made", None),
    errno.EAFNOSUPPORT: ("this machine cannot reach {}: it has no such address family", None),
    errno.EADDRNOTAVAIL: ("this machine has no address or port left to reach {} from", None),
    errno.EACCES: ("this machine forbids connections to {}", None),
    errno.EPERM: ("this machine forbids connections to {}", "a local firewall rule rejects them"),
    errno.EMFILE: ("no connection to {}: this process has too many open files", "raise its limit (ulimit -n)"),
    errno.ENFILE: ("no connection to {}: this machine has too many open files", None),
}
_CLOSED = {
    errno.ECONNRESET: "the peer reset the connection",
    errno.EPIPE: "the peer closed the connection",
    errno.ECONNABORTED: "the connection was aborted",
    errno.ESHUTDOWN: "the connection was shut down",
    errno.ENOTCONN: "the connection is gone",
    errno.ETIMEDOUT: "the connection was lost: the peer answers no longer",
    errno.EHOSTUNREACH: "the connection was lost: the host is unreachable",
    errno.ENETUNREACH: "the connection was lost: there is no route to the peer",
    errno.ENETDOWN: "the connection was lost: the network is down",
    errno.ENETRESET: "the connection was lost: the network was reset",
}
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def _numbered(error: E, original: BaseException) -> E:
    number = getattr(original, "errno", None)
    if isinstance(number, int) and number > 0:
        error.errno = number
    return error


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def connect_error(error: OSError, address: SocketAddress) -> ConnectError:
    """Return the error for one failed attempt to connect to ``address``."""
    clause, hint = _CONNECT.get(error.errno or 0, ("no connection to {}: " + _reason(error), None))
    what = clause.replace("{}", str(address), 1)
    return _numbered(ConnectError(what, address=str(address), phase=Phase.CONNECT, hint=hint), error)


def race_error(failures: Iterable[ConnectError]) -> ConnectError:
    """Return the error for a race in which all attempts failed: the first, with the others named."""
    first, *others = failures
    if not others:
        return first
    told = "; ".join(dict.fromkeys(failure.what for failure in (first, *others)))
    error = ConnectError(told, address=first.address, phase=Phase.CONNECT, hint=first.hint)
    error.__cause__ = first.__cause__
    return _numbered(error, first)


def resolve_error(error: Exception, host: str) -> ConnectError:
    """Return the error for a host name that could not be looked up."""
    if isinstance(error, socket.gaierror):
        if error.errno in _UNKNOWN_NAME:
            clause, hint = f"host name {host!r} is unknown", None
        elif error.errno == socket.EAI_AGAIN:
            clause, hint = f"host name {host!r} cannot be looked up now", "the name service does not answer"
        else:
            clause, hint = f"host name {host!r} cannot be looked up: {_reason(error)}", None
    elif isinstance(error, ValueError):
        clause, hint = f"{host!r} is not a host name", None
    else:
        clause, hint = f"host name {host!r} cannot be looked up: {_reason(error)}", None
    return ConnectError(clause, phase=Phase.RESOLVE, hint=hint)


def stream_error(error: OSError, peer: SocketAddress) -> HTCondorIOError:
    """Return the error for a failure in the middle of a connection."""
    clause = _CLOSED.get(error.errno or 0)
    if clause is not None:
        return _numbered(ConnectionClosedError(clause, address=str(peer)), error)
    return _numbered(HTCondorIOError(f"the connection failed: {_reason(error)}", address=str(peer)), error)


def closed_here(peer: SocketAddress) -> ConnectionClosedError:
    """Return the error for the use of a stream that this side has closed."""
    return _numbered(
        ConnectionClosedError("this side has closed the connection", address=str(peer)), OSError(errno.EBADF, "")
    )


def file_error(error: OSError, path: str | os.PathLike[str], verb: str) -> HTCondorIOError:
    """Return the error for a file; ``verb`` completes "cannot ... <path>"."""
    return _numbered(HTCondorIOError(f"cannot {verb} {os.fspath(path)}: {_reason(error)}"), error)
