"""The runtime that never suspends, and :func:`drive`, which runs a coroutine of the core over it.

Each wait is one call of ``poll`` in the caller's own thread: Ctrl-C interrupts it at once, threads run side by side,
and there is no event loop that a forked child could inherit. Neither anyio nor asyncio is imported.
"""

from __future__ import annotations

import math
import os
import selectors
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from htcondor_async._runtime import ending
from htcondor_async._runtime.base import Readable, Runtime
from htcondor_async._runtime.common import SocketRuntime
from htcondor_async._runtime.once import OnceTable
from htcondor_async._runtime.sockets import R, RawSocket
from htcondor_async.errors import ConcurrencyError, HTCondorInternalError

__all__ = ["BlockingRuntime", "drive"]

T = TypeVar("T")

_Selector: type[selectors.PollSelector | selectors.SelectSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)
_LONGEST = 86400.0
"""Seconds of the longest single wait: the system call takes a small number of milliseconds only."""


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result.

    Raises :class:`HTCondorInternalError` if it does suspend: it was written for, or given, another runtime.
    """
    outermost = ending.enter()
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        if outermost:
            ending.leave()
    coroutine.close()
    raise HTCondorInternalError("an operation suspended under the blocking runtime")


class _Waiting:
    """Around whatever blocks: the thread may be ended there."""

    __slots__ = ()

    def __enter__(self) -> None:
        ending.leave()

    def __exit__(self, *_: object) -> None:
        ending.enter()


class _Gate:
    """One waiter's gate between threads."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = threading.Event()

    def open(self) -> None:
        self._event.set()

    async def wait(self, deadline: float) -> bool:
        while not self._event.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with _Waiting():
                self._event.wait(min(left, _LONGEST))
        return True


class BlockingRuntime(SocketRuntime):
    """Waits in the calling thread. One instance serves any number of threads at once."""

    name = "blocking"

    def __init__(self) -> None:
        self._once = OnceTable(_Gate, self.clock)
        _instances.add(self)

    def clock(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    async def checkpoint(self) -> None:
        """Return at once, but for the end of the program: signals strike by themselves, other threads need no turn."""
        ending.pause()

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with _Waiting():
                time.sleep(min(left, _LONGEST))  # noqa: ASYNC251 - this runtime blocks

    async def wait(self, source: Readable, write: bool, deadline: float) -> bool:
        """Wait until the descriptor can be read (written); False if the deadline passed first."""
        return bool(await self.wait_any([source], write, deadline))

    async def wait_any(self, sources: Sequence[R], write: bool, deadline: float) -> list[R]:
        """Wait until one of the descriptors can be read (written) and return those that can; none at the deadline."""
        if not sources and deadline == math.inf:
            raise ConcurrencyError("nothing to wait for, and for ever")
        with _Selector() as selector:
            for source in dict.fromkeys(sources):
                if (number := source.fileno()) < 0:
                    return [source]
                selector.register(number, selectors.EVENT_WRITE if write else selectors.EVENT_READ, source)
            while True:
                left = deadline - time.monotonic()
                with _Waiting():
                    ready = selector.select(max(0.0, min(left, _LONGEST)))
                if ready or left <= 0:
                    return [key.data for key, _events in ready]

    def closing(self, sock: RawSocket) -> None:
        """Do nothing: the shutdown of a socket wakes the threads that wait for it."""

    async def call(
        self, function: Callable[[], T], *, always: bool = False, discard: Callable[[T], None] | None = None
    ) -> T:
        """Return what ``function`` returns."""
        return function()

    def once_table(self) -> OnceTable:
        """Return the table of single flights of this process."""
        return self._once

    def _forget_parent(self) -> None:
        self._once = OnceTable(_Gate, self.clock)


_instances: weakref.WeakSet[BlockingRuntime] = weakref.WeakSet()


def _after_fork() -> None:
    # The threads that lead a single flight, or hold its lock, exist in the parent only.
    for runtime in _instances:
        runtime._forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


if TYPE_CHECKING:
    _checked: Runtime = BlockingRuntime()
