"""The logs of jobs that are followed: which they are, what they tell, and whether they can be relied on.

All of them are read by one :class:`~htcondor_async.JobEventLogs`. A log can be relied on while its file is there, stays
the same file, only grows, and holds nothing that cannot be read; anything else is a gap, which the queue closes.
"""

from __future__ import annotations

import os
import stat as stat_bits
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htcondor_async._runtime.tail import Place
from htcondor_async.classad import ClassAd
from htcondor_async.errors import EventLogError, HTCondorIOError
from htcondor_async.eventlog import JobEvent
from htcondor_async.joblogs import JobEventLogs

if TYPE_CHECKING:
    from htcondor_async._runtime.base import Runtime

__all__ = ["WatchedLogs", "log_of"]

_MOST = 1000
"""Lines that are taken in one go, before what they say is told."""


def log_of(ad: ClassAd) -> str | None:
    """Return the name of the log that a job's ad has; None for none."""
    name = ad.get_str("UserLog", "")
    if not name or "\0" in name:
        return None
    return str(Path(ad.get_str("Iwd", "/"), name))


class WatchedLogs:
    """Several logs, some given and believed in all, some found in the ads of jobs and believed about those alone."""

    def __init__(self, given: Iterable[str], runtime: Runtime) -> None:
        self._logs = JobEventLogs(on_error=self._take_error, runtime=runtime)
        self._runtime = runtime
        self.given: dict[str, None] = dict.fromkeys(given)
        self.closed = False
        self.gap = False
        """Whether something may have been lost since this was last set to False."""
        self._sizes: dict[str, tuple[int, int]] = {}
        for path in self.given:
            self._logs.add(path)

    def _take_error(self, error: EventLogError) -> None:
        self.gap = True

    def close(self) -> None:
        """Give all descriptors back; nothing is told any more."""
        self.closed = True
        self._logs.close()

    async def find(self, paths: set[str]) -> None:
        """Follow those of the logs that jobs name which are files that can be read on this machine."""
        fresh = {path for path in paths if path not in self._logs}
        if not fresh:
            return
        readable = await self._runtime.call(lambda: [path for path in sorted(fresh) if _is_readable_file(path)])
        for path in readable:
            self._logs.add(path)

    async def wait(self, until: float) -> list[tuple[str, JobEvent]]:
        """Return what the logs tell next; nothing at ``until``, or when something is wrong with one."""
        self._logs._deadline = until
        try:
            return await self._next()
        except HTCondorIOError:
            # a log that cannot be read now may be readable again
            self.gap = True
            return []

    async def rest(self) -> list[tuple[str, JobEvent]]:
        """Return more of what is in the logs now; nothing if that was all."""
        self._logs.events(0)
        while True:
            try:
                return await self._next()
            except HTCondorIOError:
                self.gap = True

    async def _next(self) -> list[tuple[str, JobEvent]]:
        try:
            found = [await self._logs.__anext__()]
        except StopAsyncIteration:
            return []
        while len(found) < _MOST and (event := self._logs._next_event()) is not None:
            found.append(event)
        return found

    async def intact(self) -> bool:
        """Return whether all logs have only grown since this was asked last, and nothing else is amiss."""
        sizes = await self._runtime.call(lambda: dict(_sizes(self._logs._sources)))
        before, self._sizes = self._sizes, sizes
        if self.gap or len(sizes) < len(self._logs):
            self.gap = False
            return False
        return all(sizes[path][0] == inode and sizes[path][1] >= size for path, (inode, size) in before.items())

    # -- to go on later

    def state(self) -> dict[str, Any]:
        """Return the place in each log, as plain values."""
        places = ((path, source.place()) for path, source in self._logs._sources.items())
        return {path: None if place is None else _plain(place) for path, place in places}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Follow the logs of such a state from where it stood; raises ``ValueError``, ``TypeError``, ``KeyError``."""
        for path, place in state.items():
            self._logs.discard(path)
            self._logs._add(str(path), None if place is None else _place(place))


def _is_readable_file(path: str) -> bool:
    try:
        return stat_bits.S_ISREG(Path(path).stat().st_mode) and os.access(path, os.R_OK)
    except (OSError, ValueError):
        # of another machine, perhaps
        return False


def _sizes(paths: Iterable[str]) -> Iterable[tuple[str, tuple[int, int]]]:
    for path in list(paths):
        try:
            found = Path(path).stat()
        except OSError:
            # missing: it is not in the answer, so the logs are not intact
            continue
        yield path, (found.st_ino, found.st_size)


def _plain(place: Place) -> dict[str, Any]:
    return {
        "file": [place.device, place.inode, place.offset],
        "tail": place.tail.hex(),
        "head": place.head.hex(),
        "older": sorted(map(list, place.older)),
    }


def _place(plain: Mapping[str, Any]) -> Place:
    device, inode, offset = map(int, plain["file"])
    older = frozenset((int(a), int(b), int(c)) for a, b, c in plain["older"])
    return Place(device, inode, offset, bytes.fromhex(plain["tail"]), older, bytes.fromhex(plain["head"]))
