"""Job event logs: what happened to jobs, read as it is written.

::

    async with JobEventLog("job.log") as log:
        async for event in log.events(stop_after=3600):
            if event.type == JobEventType.JOB_TERMINATED:
                print(event.cluster, event.proc, event["ReturnValue"])
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from htcondor_async._logsource import LogSource, log_error
from htcondor_async._logwait import FileWaiter
from htcondor_async._runtime.clock import LocalClock
from htcondor_async._runtime.tail import Place
from htcondor_async.errors import ConcurrencyError, EventLogError, HTCondorTypeError
from htcondor_async.eventlog import BadRecord, JobEvent

if TYPE_CHECKING:
    from htcondor_async._runtime.base import Runtime

__all__ = ["JobEvent", "JobEventLog"]

TURN = 256
"""Events after which other tasks get a turn."""


def deadline_of(stop_after: object, runtime: Callable[[], Runtime]) -> float:
    """Return the point on a runtime's clock that is ``stop_after`` seconds from now; raises ``HTCondorTypeError``."""
    if stop_after is None:
        return math.inf
    if not isinstance(stop_after, (int, float)) or stop_after != stop_after:
        raise HTCondorTypeError(f"deadline must be an integer: seconds or None, not {stop_after!r}")
    return runtime().clock() + stop_after


def default_runtime() -> Runtime:
    """Return the runtime of asyncio and trio."""
    from htcondor_async._runtime.anyio_ import AnyioRuntime

    return AnyioRuntime()


def report(path: str, record: BadRecord, on_error: Callable[[EventLogError], None] | None) -> None:
    """Raise the error for a record, or hand it to ``on_error``."""
    error = log_error(path, record)
    if on_error is None:
        raise error
    on_error(error)


class JobEventLog:
    """Reads a job event log, in any of its forms, and waits for more.

    It is an asynchronous iterator over :class:`JobEvent`. Leaving a loop loses nothing: iterating again goes on with
    the next event. It follows a log that is rotated, truncated, or deleted and made anew. A record that cannot be read
    raises :class:`~htcondor_async.errors.EventLogError`, with its offset, and the next step goes on after it.

    One task at a time may wait for it; for many logs in one task, see :class:`~htcondor_async.JobEventLogs`. It can be
    pickled and copied; the copy goes on where the original stood, as long as the file still holds what was read.

    Parameters
    ----------
    filename
        The log. It must exist when it is read first.
    follow
        Whether to go on with the file that takes its place when it is rotated or made anew.
    on_error
        Called with each :class:`~htcondor_async.errors.EventLogError`, which is not raised then.
    """

    def __init__(
        self,
        filename: str | os.PathLike[str],
        *,
        follow: bool = True,
        on_error: Callable[[EventLogError], None] | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        self._path = os.fspath(filename)
        if not isinstance(self._path, str):
            raise HTCondorTypeError(f"the name of a log is a str, not {type(self._path).__name__}")
        self._follow = follow
        self._on_error = on_error
        self._runtime = runtime
        self._deadline = math.inf
        self._set_up(None)

    def _set_up(self, place: Place | None) -> None:
        self._source = LogSource(self._path, LocalClock(), place, self._follow)
        self._next = self._source.next
        self._waiter = FileWaiter([self._path])
        self._busy = False
        self._closed = False
        self._since_turn = 0

    def _world(self) -> Runtime:
        if self._runtime is None:
            self._runtime = default_runtime()
        return self._runtime

    @property
    def path(self) -> str:
        """The name of the log."""
        return self._path

    @property
    def offset(self) -> int:
        """Where in the file the next event begins, in bytes."""
        return self._source.offset

    def events(self, stop_after: float | None) -> JobEventLog:
        """Return itself, to be iterated over until ``stop_after`` seconds from now.

        None waits for ever; 0 or less gives what is there and waits for nothing. The time holds for the whole
        iteration. Raises :class:`~htcondor_async.errors.HTCondorTypeError` for anything else.
        """
        self._deadline = deadline_of(stop_after, self._world)
        return self

    async def open(self) -> JobEventLog:
        """Open the file now, not when it is read first; raises :class:`~htcondor_async.errors.HTCondorIOError`."""
        await self._world().call(self._source.open)
        return self

    def close(self) -> None:
        """Close the file; never waits, may be called again.

        Iterating ends then; a task that waits notices within seconds.
        """
        self._closed = True
        self._source.close()
        if not self._busy:
            self._waiter.close()

    async def __aenter__(self) -> JobEventLog:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> JobEventLog:
        return self

    async def __anext__(self) -> JobEvent:
        """Return the next event; raises ``StopAsyncIteration`` at the deadline, and once closed."""
        if self._since_turn >= TURN:
            # before an event is taken: a cancellation that strikes here loses none
            self._since_turn = 0
            await self._world().checkpoint()
        if not self._busy and not self._closed:
            event = self._next_event()
            if event is not None:
                self._since_turn += 1
                return event
        return await self._wait_for_event()

    def _next_event(self) -> JobEvent | None:
        """Return the next event of what has been read; raises ``EventLogError``."""
        while True:
            found = self._next()
            if not isinstance(found, BadRecord):
                return found
            report(self._path, found, self._on_error)

    async def _wait_for_event(self) -> JobEvent:
        if self._busy:
            raise ConcurrencyError("this log is being read by another task")
        self._busy = True
        self._since_turn = 0
        try:
            return await self._look_until_event()
        finally:
            self._busy = False
            if self._closed:
                self._waiter.close()

    async def _look_until_event(self) -> JobEvent:
        runtime, source = self._world(), self._source
        self._waiter.changed()
        while not self._closed:
            await runtime.call(source.look)
            event = self._next_event()
            if event is None and source.must_advance(runtime.clock()):
                await runtime.call(functools.partial(source.look, True))
                event = self._next_event()
            if event is not None:
                return event
            if not source.drained:
                continue
            if runtime.clock() >= self._deadline:
                break
            await self._waiter.wait(runtime, min(self._deadline, source.grace))
        raise StopAsyncIteration

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: its place, and the deadline on the wall clock."""
        runtime = self._world()
        state = {key: value for key, value in self.__dict__.items() if key not in _LIVE}
        state["place"] = self._source.place()
        state["until"] = runtime.now() + self._deadline - runtime.clock()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on where the copied log stood."""
        self.__dict__.update({key: value for key, value in state.items() if key not in ("place", "until")})
        self._runtime = None
        runtime = self._world()
        self._deadline = runtime.clock() + state["until"] - runtime.now()
        self._set_up(state["place"])

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<JobEventLog {self._path!r} at offset {self.offset}{state}>"


_LIVE = frozenset(("_source", "_next", "_waiter", "_busy", "_closed", "_since_turn", "_deadline", "_runtime"))
"""What a copy makes for itself."""
