"""Single flight: of several that need the same result at the same time, one computes it.

::

    first comer ──► leader ──result──► all waiters get it
                      │ ────error────► all waiters get a copy
                      │ cancelled, or its own deadline passed
                      ▼
                    next waiter becomes leader

The algorithm is the same for every runtime; what differs is the :class:`Gate` a waiter waits at. A short lock guards
the table for the runtimes that threads share; it is never held across a wait.
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol, TypeVar

from htcondor_async._runtime.base import timed_out
from htcondor_async.errors import DaemonTimeoutError, HTCondorException

__all__ = ["Gate", "OnceTable"]

T = TypeVar("T")

_GRAIN = 0.005
"""Seconds by which an event loop's clock may lag behind a timer that has run out: uvloop counts milliseconds."""


class Gate(Protocol):
    """Closed until it is opened, once."""

    def open(self) -> None:
        """Let the waiter through."""
        ...

    async def wait(self, deadline: float) -> bool:
        """Wait until it is open; False if the deadline passed first."""
        ...


class _Waiter:
    __slots__ = ("error", "gate", "leads", "told", "value")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.told = False
        self.leads = False
        self.value: Any = None
        self.error: Exception | None = None

    def tell(self, *, value: Any = None, error: Exception | None = None, leads: bool = False) -> None:
        self.value, self.error, self.leads, self.told = value, error, leads, True
        self.gate.open()


class OnceTable:
    """The computations under way, by key.

    Parameters
    ----------
    make_gate
        Makes what one waiter waits at.
    clock
        The clock of the deadlines.
    """

    def __init__(self, make_gate: Callable[[], Gate], clock: Callable[[], float]) -> None:
        self._make_gate = make_gate
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[Hashable, deque[_Waiter]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: Hashable, compute: Callable[[], Awaitable[T]], deadline: float) -> T:
        """Return the result for ``key``; see :class:`~htcondor_async._runtime.base.OnceCell`."""
        waiter = _Waiter(self._make_gate())
        try:
            with self._lock:
                queue = self._flights.get(key)
                if queue is None:
                    self._flights[key] = deque()
                    waiter.leads = waiter.told = True
                else:
                    queue.append(waiter)
            in_time = waiter.told or await waiter.gate.wait(deadline)
        except BaseException:
            if not self._leave(key, waiter) and waiter.leads:
                self._hand_over(key)
            raise
        if not in_time and self._leave(key, waiter):
            raise timed_out("result from another task that does the same")
        if waiter.leads:
            return await self._lead(key, compute, deadline)
        if waiter.error is not None:
            if isinstance(waiter.error, HTCondorException):
                raise copy.copy(waiter.error) from waiter.error
            raise waiter.error
        result: T = waiter.value
        return result

    async def _lead(self, key: Hashable, compute: Callable[[], Awaitable[T]], deadline: float) -> T:
        try:
            value = await compute()
        except Exception as error:
            if isinstance(error, DaemonTimeoutError) and deadline <= self._clock() + _GRAIN:
                self._hand_over(key)
            else:
                self._finish(key, error=error)
            raise
        except BaseException:
            self._hand_over(key)
            raise
        self._finish(key, value=value)
        return value

    def _finish(self, key: Hashable, *, value: Any = None, error: Exception | None = None) -> None:
        with self._lock:
            waiters = self._flights.pop(key)
        for waiter in waiters:
            waiter.tell(value=value, error=error)

    def _hand_over(self, key: Hashable) -> None:
        with self._lock:
            queue = self._flights[key]
            if queue:
                queue.popleft().tell(leads=True)
            else:
                del self._flights[key]

    def _leave(self, key: Hashable, waiter: _Waiter) -> bool:
        """Take a waiter out that gives up; False if it has been told already."""
        with self._lock:
            if waiter.told:
                return False
            queue = self._flights.get(key)
            if queue is not None and waiter in queue:
                queue.remove(waiter)
            return True
