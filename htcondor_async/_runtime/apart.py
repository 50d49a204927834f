"""Calls that cannot be interrupted, made without ever holding up the caller.

The call runs in a daemon thread of its own and its end is announced through a socket, which every runtime can wait
for. A caller that gives up leaves the thread to end by itself.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from htcondor_async._runtime.sockets import Waiter
from htcondor_async.errors import DaemonTimeoutError

__all__ = ["run_apart"]

T = TypeVar("T")


class _Errand(Generic[T]):
    """One call: readable as soon as it has ended."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._reader, self._writer = socket.socketpair()
        try:
            self._reader.setblocking(False)
            threading.Thread(target=self._run, name=f"htcondor_async {name}", daemon=True).start()
        except BaseException:
            self._reader.close()
            self._writer.close()
            raise

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is taken
            self._error = error
        finally:
            self._writer.close()

    def fileno(self) -> int:
        return self._reader.fileno()

    def close(self) -> None:
        self._reader.close()

    def result(self) -> T:
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # or the error would hold this frame, which holds the error
        return self._results[0]


async def run_apart(
    waiter: Waiter, function: Callable[[], T], name: str, deadline: float, late: Callable[[], DaemonTimeoutError]
) -> T:
    """Return what ``function`` returns, or raise what it raises.

    Parameters
    ----------
    waiter
        The runtime.
    function
        What to call; what it holds must be safe to leave to a thread.
    name
        Of the thread.
    deadline
        When to give up.
    late
        Makes the error of a deadline that passed.
    """
    errand = _Errand(function, name)
    try:
        if not await waiter.wait_any([errand], False, deadline):
            raise late()
        return errand.result()
    finally:
        errand.close()
