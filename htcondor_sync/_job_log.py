"""v1's event logs: ``JobEventLog`` and ``JobEvent``, and the older ``read_events``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from htcondor_async._runtime.base import Runtime
from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.errors import HTCondorTypeError
from htcondor_async.eventlog import JobEvent as CoreEvent
from htcondor_async.joblog import JobEventLog as CoreLog
from htcondor_sync import _ads
from htcondor_sync._arguments import expect, uninstantiable
from htcondor_sync._calls import call, deprecated
from htcondor_sync._generated.enums import JobEventType
from htcondor_sync._state import STATE

__all__ = ["EventIterator", "JobEvent", "JobEventLog", "read_events"]


class _Log(CoreLog):
    """The reader of the core, waiting in the calling thread also after it was pickled."""

    def _world(self) -> Runtime:
        return STATE.runtime


class JobEvent(metaclass=uninstantiable):
    """One event of a job: its kind, job and time; and, like a dictionary, what else the log says of it."""

    def __init__(self, core: CoreEvent) -> None:
        self._core = core

    @property
    def type(self) -> JobEventType:
        """The kind of event."""
        number = self._core.number
        known: JobEventType | None = JobEventType.values.get(number)
        return JobEventType(number) if known is None else known

    @property
    def cluster(self) -> int:
        """The number of the cluster."""
        return self._core.cluster

    @property
    def proc(self) -> int:
        """The number of the job in its cluster."""
        return self._core.proc

    @property
    def timestamp(self) -> int:
        """When it happened, in seconds since 1970."""
        return self._core.timestamp

    def __getitem__(self, arg2: str, /) -> Any:
        """Return an attribute; raises KeyError."""
        expect("JobEvent.__getitem__", ("name", arg2, str))
        return _ads.ad_out(CoreAd({"value": self._core[arg2]}))["value"]

    def __contains__(self, arg2: object, /) -> bool:
        """Return whether there is an attribute."""
        expect("JobEvent.__contains__", ("name", arg2, str))
        return arg2 in self._core

    def has_key(self, arg2: str, /) -> bool:
        """Return whether there is an attribute."""
        return arg2 in self

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the attributes."""
        return iter(self.keys())

    def __len__(self) -> int:
        """Return the number of attributes."""
        return len(self._core)

    def get(self, key: str, default: Any = None) -> Any:
        """Return an attribute, or ``default``."""
        expect("JobEvent.get", ("key", key, str))
        return self[key] if key in self._core else default

    def keys(self) -> list[str]:
        """Return the names of the attributes."""
        return list(self._core)

    def values(self) -> list[Any]:
        """Return the values of the attributes."""
        return [self[name] for name in self._core]

    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of names and values."""
        return [(name, self[name]) for name in self._core]

    def iterkeys(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.keys())

    def itervalues(self) -> Iterator[Any]:
        """Iterate over the values."""
        return iter(self.values())

    def iteritems(self) -> Iterator[tuple[str, Any]]:
        """Iterate over pairs of names and values."""
        return iter(self.items())

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return repr(self._core)


class JobEventLog:
    """A job event log, read as it is written. A copy, pickled or not, goes on where this one stands.

    Parameters
    ----------
    filename
        The log.
    """

    def __init__(self, filename: str) -> None:
        expect("JobEventLog", ("filename", filename, str))
        self._core: CoreLog = _Log(filename)
        call(self._core.open())

    def __iter__(self) -> JobEventLog:
        return self

    def __next__(self) -> JobEvent:
        """Return the next event, waiting for it until the time given to :meth:`events`."""
        try:
            return JobEvent._make(call(self._core.__anext__()))
        except StopAsyncIteration:
            raise StopIteration from None

    def events(self, stop_after: Any) -> JobEventLog:
        """Return itself, to be iterated over for so many whole seconds; None for ever, 0 for what is there."""
        if stop_after is not None and not isinstance(stop_after, int):
            raise HTCondorTypeError(f"deadline must be an integer: seconds or None, not {stop_after!r}")
        return self._until(stop_after)

    def _until(self, stop_after: float | None) -> JobEventLog:
        self._core.events(stop_after)
        return self

    def close(self) -> None:
        """Close the file; iterating ends."""
        self._core.close()

    def __enter__(self) -> JobEventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        self.close()
        return False

    def __repr__(self) -> str:
        return f"JobEventLog(filename={self._core.path})"

    def __getinitargs__(self) -> tuple[str]:
        return (self._core.path,)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self._core.__getstate__(),)

    def __setstate__(self, arg2: tuple[Any, ...], /) -> None:
        """Go on where the copied log stood."""
        self._core = _Log.__new__(_Log)
        self._core.__setstate__(arg2[0])


class EventIterator(metaclass=uninstantiable):
    """An iterator over the events of an open file, as ads."""

    def __init__(self, path: str) -> None:
        self._log = JobEventLog(path)
        self._blocking = False

    def __iter__(self) -> EventIterator:
        return self

    def __next__(self) -> _ads.ClassAd:
        """Return the next event as an ad; without one, stop, or wait if this iterator blocks."""
        return self._ad(next(self._log._until(None if self._blocking else 0)))

    def poll(self, timeout: int = -1) -> _ads.ClassAd | None:
        """Return the next event, waiting so many milliseconds for it; None if there is none. Negative: for ever."""
        expect("EventIterator.poll", ("timeout", timeout, int))
        event = next(self._log._until(None if timeout < 0 else timeout / 1000), None)
        return None if event is None else self._ad(event)

    def wait(self) -> None:
        """Wait until the file has more than was read."""
        path, seen = self._log._core.path, self._log._core.offset
        while Path(path).stat().st_size <= seen:
            call(STATE.runtime.sleep(0.25))

    def watch(self) -> int:
        """Return -1: there is no descriptor to wait on, poll instead."""
        return -1

    def setBlocking(self, arg2: bool, /) -> bool:
        """Set whether the iterator waits for further events; return what held before."""
        expect("EventIterator.setBlocking", ("blocking", arg2, bool))
        before, self._blocking = self._blocking, bool(arg2)
        return before

    @property
    def use_inotify(self) -> bool:
        """False: waiting is that of ``JobEventLog``."""
        return False

    @staticmethod
    def _ad(event: JobEvent) -> _ads.ClassAd:
        return _ads.ad_out(CoreAd(dict(event._core)))


def read_events(arg1: Any, arg2: bool = False, /) -> EventIterator:
    """Return an iterator over the events of a file, open or by its name, as ads; ``arg2``: XML, which is found out."""
    deprecated("read_events() is deprecated: use JobEventLog")
    name = arg1 if isinstance(arg1, str) else getattr(arg1, "name", None)
    if not isinstance(name, str):
        raise TypeError(f"a log is an open file or the name of one, not {type(arg1).__name__}")
    if arg2:
        warnings.warn("the form of a log is found out from the log", DeprecationWarning, stacklevel=2)
    return EventIterator._make(name)
