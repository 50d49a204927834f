"""v1's ``LogReader``: the log of a schedd's queue (``job_queue.log``), followed while it grows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from htcondor_async.classad import ClassAdException
from htcondor_async.classad import ExprTree as CoreExpr
from htcondor_async.errors import HTCondorIOError
from htcondor_sync import _ads
from htcondor_sync._arguments import expect
from htcondor_sync._calls import deprecated
from htcondor_sync._generated.enums import EntryType

__all__ = ["LogReader"]

_PAUSE = 0.25  # seconds between looks at a log that does not grow
_MAX_LINE = 16 << 20
_NAMES = {101: ("key", "type", "target"), 102: ("key",), 103: ("key", "name", "value"), 104: ("key", "name")}


class LogReader:
    """An iterator over the entries of a log, as dictionaries with ``event``, ``key``, ``name``, ``value`` ...

    Parameters
    ----------
    arg2
        The path of the log.
    """

    def __init__(self, arg2: str, /) -> None:
        deprecated("LogReader is deprecated")
        expect("LogReader", ("path", arg2, str))
        self._path = Path(arg2)
        self._position = 0
        self._inode: int | None = None
        self._blocking = False

    def __iter__(self) -> LogReader:
        return self

    def __next__(self) -> dict[str, Any]:
        """Return the next entry; without one, stop, or wait if this reader blocks."""
        while (entry := self._next()) is None:
            if not self._blocking:
                raise StopIteration("All log events processed")
            time.sleep(_PAUSE)
        return entry

    def poll(self, timeout: int = -1) -> dict[str, Any] | None:
        """Return the next entry, waiting for it as many milliseconds; None if there is none. Negative: for ever."""
        expect("LogReader.poll", ("timeout", timeout, int))
        until = time.monotonic() + timeout / 1000
        while (entry := self._next()) is None:
            left = until - time.monotonic()
            if timeout >= 0 and left <= 0:
                return None
            time.sleep(_PAUSE if timeout < 0 else min(_PAUSE, left))
        return entry

    def wait(self) -> None:
        """Wait until there is an entry."""
        while self._path.stat().st_size <= self._position and not self._replaced():
            time.sleep(_PAUSE)

    def watch(self) -> int:
        """Return -1: there is no descriptor to wait on, poll instead."""
        return -1

    def setBlocking(self, arg2: bool, /) -> bool:
        """Set whether the iterator waits for further entries; return what held before."""
        expect("LogReader.setBlocking", ("blocking", arg2, bool))
        before, self._blocking = self._blocking, bool(arg2)
        return before

    @property
    def use_inotify(self) -> bool:
        """False: the file is looked at every quarter of a second."""
        return False

    def _replaced(self) -> bool:
        return self._inode is not None and self._path.stat().st_ino != self._inode

    def _next(self) -> dict[str, Any] | None:
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise HTCondorIOError(f"the log {self._path} cannot be read: {error}") from error
        with file:
            inode, size = _identity(file)
            if self._inode is not None and (inode != self._inode or size < self._position):
                self._position, self._inode = 0, inode
                return {"event": EntryType.Reset}
            self._inode = inode
            while True:
                file.seek(self._position)
                line = file.readline(_MAX_LINE)
                if not line.endswith(b"\n"):
                    return None
                self._position += len(line)
                entry = _entry(line.decode("utf-8", "surrogateescape").rstrip("\n"))
                if entry is not None:
                    return entry


def _identity(file: Any) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size


def _entry(line: str) -> dict[str, Any] | None:
    """Return one line as an entry; those that mark transactions are none."""
    number, _, rest = line.partition(" ")
    names = _NAMES.get(int(number)) if number.isdigit() else None
    if names is None:
        return None
    fields = rest.split(" ", len(names) - 1)
    entry: dict[str, Any] = {"event": EntryType.values[int(number)], **dict(zip(names, fields, strict=False))}
    if "value" in entry:
        try:
            entry["value"] = _ads.expression_out(CoreExpr(entry["value"]))
        except ClassAdException:
            entry["value"] = _ads.expression_out(CoreExpr("error"))
    return entry
