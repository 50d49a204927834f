"""Many job event logs, followed by one task."""

from __future__ import annotations

import errno
import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from htcondor_async._logsource import LogSource
from htcondor_async._logwait import FileWaiter
from htcondor_async._runtime.clock import LocalClock
from htcondor_async._runtime.tail import Place
from htcondor_async.errors import (
    ConcurrencyError,
    EventLogError,
    HTCondorIOError,
    HTCondorTypeError,
    HTCondorValueError,
)
from htcondor_async.eventlog import BadRecord, JobEvent
from htcondor_async.joblog import TURN, deadline_of, default_runtime, report

if TYPE_CHECKING:
    from htcondor_async._runtime.base import Runtime

__all__ = ["JobEventLogs"]

_BATCH = 32
"""Logs that are read in one go."""


class JobEventLogs:
    """Follows many job event logs at once, in the task that iterates over it.

    ::

        async with JobEventLogs(paths) as logs:
            async for path, event in logs.events(stop_after=60):
                ...

    The events of one log come in its order. A log that does not exist yet is waited for. No thread, no task and, beyond
    ``max_open``, no descriptor belongs to each log. It can be pickled, and goes on where it stood.

    Parameters
    ----------
    filenames
        The logs.
    follow
        Whether to go on with the file that takes the place of one that is rotated or made anew.
    on_error
        Called with each :class:`~htcondor_async.errors.EventLogError`, which is not raised then.
    max_open
        The most files that are kept open. A file that is not is opened when it has changed; if it was deleted, not
        rotated, in the meantime, what had been added last is lost.
    """

    def __init__(
        self,
        filenames: Iterable[str | os.PathLike[str]] = (),
        *,
        follow: bool = True,
        on_error: Callable[[EventLogError], None] | None = None,
        max_open: int = 128,
        runtime: Runtime | None = None,
    ) -> None:
        if max_open < 1:
            raise HTCondorValueError("at least one log is open at a time")
        self._follow = follow
        self._on_error = on_error
        self._max_open = max_open
        self._runtime = runtime
        self._deadline = math.inf
        self._sources: dict[str, LogSource] = {}
        self._waiter = FileWaiter(())
        self._ready: deque[LogSource] = deque()
        self._unread: dict[str, bool] = {}
        """Logs to look at, in this order, and whether their files have ended and the next ones are due."""
        self._ending: dict[str, LogSource] = {}
        """Logs whose files have ended within a record, which is waited for."""
        self._tried: set[LogSource] = set()
        """Logs whose next file was looked for in vain, or has just been found."""
        self._open: dict[str, LogSource] = {}
        """Logs whose files are open, the one read last at the end."""
        self._failed: deque[HTCondorIOError] = deque()
        self._lock = threading.Lock()
        self._busy = self._closed = False
        self._since_turn = 0
        for filename in filenames:
            self.add(filename)

    def _world(self) -> Runtime:
        if self._runtime is None:
            self._runtime = default_runtime()
        return self._runtime

    def _add(self, path: str, place: Place | None) -> None:
        self._sources[path] = LogSource(path, LocalClock(), place, self._follow)
        self._waiter.add(path)
        self._unread[path] = False

    def add(self, filename: str | os.PathLike[str]) -> None:
        """Follow one more log, from its start; one that is followed already goes on as it is."""
        path = os.fspath(filename)
        if not isinstance(path, str):
            raise HTCondorTypeError(f"the name of a log is a str, not {type(path).__name__}")
        if path not in self._sources:
            self._add(path, None)

    def discard(self, filename: str | os.PathLike[str]) -> None:
        """Follow a log no longer; what was read of it and not yet given is dropped."""
        path = os.fspath(filename)
        source = self._sources.pop(path, None)
        if source is None:
            return
        self._waiter.discard(path)
        self._unread.pop(path, None)
        self._ending.pop(path, None)
        self._tried.discard(source)
        if source in self._ready:
            self._ready.remove(source)
        source.close()

    def __len__(self) -> int:
        """Return the number of logs."""
        return len(self._sources)

    def __contains__(self, filename: object) -> bool:
        """Return whether a log is followed."""
        return filename in self._sources

    def events(self, stop_after: float | None) -> JobEventLogs:
        """Return itself, to be iterated over until ``stop_after`` seconds from now; see :meth:`JobEventLog.events`."""
        self._deadline = deadline_of(stop_after, self._world)
        if self._deadline < math.inf:
            # what is there now is to be found even if there is no time to wait
            self._unread.update(dict.fromkeys(self._sources, False))
        return self

    def close(self) -> None:
        """Close all files; never waits. Iterating ends then; a task that waits notices in seconds."""
        self._closed = True
        for source in self._sources.values():
            source.close()
        if not self._busy:
            self._waiter.close()

    async def __aenter__(self) -> JobEventLogs:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> JobEventLogs:
        return self

    async def __anext__(self) -> tuple[str, JobEvent]:
        """Return the next event and the log it is in; raises ``StopAsyncIteration`` at the deadline, once closed."""
        if self._busy:
            raise ConcurrencyError("these logs are being read by another task")
        self._busy = True
        try:
            if self._since_turn >= TURN:
                # before an event is taken: a cancellation that strikes here loses none
                self._since_turn = 0
                await self._world().checkpoint()
            found = self._next_event()
            if found is None:
                self._since_turn = 0
                found = await self._look_until_event()
            self._since_turn += 1
            return found
        finally:
            self._busy = False
            if self._closed:
                self._waiter.close()

    def _next_event(self) -> tuple[str, JobEvent] | None:
        """Return the next event of what has been read; raises ``EventLogError``."""
        while self._ready and not self._closed:
            source = self._ready[0]
            found = source.next()
            if isinstance(found, BadRecord):
                report(source.path, found, self._on_error)
            elif found is not None:
                return source.path, found
            else:
                self._ready.popleft()
                self._settle(source)
        return None

    def _settle(self, source: LogSource) -> None:
        """Decide what is next for a log of which all that was read has been given."""
        if source.path not in self._sources:
            return
        if source.must_advance(self._world().clock()) and source not in self._tried:
            self._unread[source.path] = True
        if source.grace < math.inf:
            self._ending[source.path] = source
        else:
            self._ending.pop(source.path, None)

    async def _look_until_event(self) -> tuple[str, JobEvent]:
        runtime = self._world()
        while not self._closed:
            if self._failed:
                raise self._failed.popleft()
            if self._unread:
                await self._look(runtime)
                found = self._next_event()
                if found is not None:
                    return found
            elif runtime.clock() >= self._deadline:
                break
            else:
                await self._wait(runtime)
        raise StopAsyncIteration

    async def _look(self, runtime: Runtime) -> None:
        """Read from the logs whose turn it is."""
        batch = [(self._sources[path], advance) for path, advance in list(self._unread.items())[:_BATCH]]
        await runtime.call(functools.partial(self._look_at, batch))
        # they were listed up to here: a look that is cancelled is repeated
        for source, advance in batch:
            (self._tried.add if advance else self._tried.discard)(source)
            if self._unread.pop(source.path, None) is None:
                continue
            if not source.drained:
                self._unread[source.path] = False
            self._ready.append(source)

    def _look_at(self, batch: list[tuple[LogSource, bool]]) -> None:
        with self._lock:
            for source, advance in batch:
                try:
                    source.look(advance)
                except HTCondorIOError as error:
                    source.drained = True
                    if error.errno == errno.ENOENT and not source.is_known:
                        source.expect()
                    else:
                        self._failed.append(error)
                    continue
                self._open.pop(source.path, None)
                self._open[source.path] = source
                while len(self._open) > self._max_open:
                    self._open.pop(next(iter(self._open))).park()

    async def _wait(self, runtime: Runtime) -> None:
        grace = min((source.grace for source in self._ending.values()), default=math.inf)
        changed = await self._waiter.wait(runtime, min(self._deadline, grace))
        now = runtime.clock()
        changed |= {path for path, source in self._ending.items() if now >= source.grace}
        for path in changed:
            if path in self._sources:
                self._unread[path] = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: the place in each log, and the deadline on the wall clock."""
        runtime = self._world()
        return {
            "follow": self._follow,
            "on_error": self._on_error,
            "max_open": self._max_open,
            "until": runtime.now() + self._deadline - runtime.clock(),
            "places": {path: source.place() for path, source in self._sources.items()},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on where the copied logs stood."""
        self.__init__(  # type: ignore[misc]  # made as new, but for the places
            follow=state["follow"], on_error=state["on_error"], max_open=state["max_open"]
        )
        runtime = self._world()
        self._deadline = runtime.clock() + state["until"] - runtime.now()
        for path, place in state["places"].items():
            self._add(path, place)

    def __repr__(self) -> str:
        return f"<JobEventLogs: {len(self._sources)} logs{', closed' if self._closed else ''}>"
