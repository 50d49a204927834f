"""One job event log as a source of events: a file that is looked at, and what its bytes decode to.

A look reads the file, in a worker thread where the runtime has one. What it finds waits in the source until the next
step takes it, so a look whose caller was cancelled meanwhile loses nothing.
"""

from __future__ import annotations

import errno
import math
import threading
from collections import deque

from htcondor_async._runtime.tail import Piece, Place, TailedFile, place_of_missing
from htcondor_async.errors import EventLogError, HTCondorIOError
from htcondor_async.eventlog import BadRecord, Clock, EventDecoder, JobEvent

__all__ = ["GRACE", "LogSource", "log_error"]

GRACE = 1.0
"""Seconds that the writer of a file that was rotated has to complete its last record."""


def log_error(path: str, record: BadRecord) -> EventLogError:
    """Return the error for bytes that are no event."""
    what = (
        f"ULOG_RD_ERROR in file {path} at offset {record.end}: bytes {record.offset} to {record.end}: {record.reason}"
    )
    return EventLogError(what, path=path, offset=record.offset, end=record.end, reason=record.reason)


class LogSource:
    """The events of one log from a place on."""

    def __init__(self, path: str, clock: Clock, place: Place | None, follow: bool) -> None:
        self.path = path
        self.drained = False
        """Whether the last look found nothing new."""
        self._clock = clock
        self._follow = follow
        self._resume_at = place
        self._file: TailedFile | None = None
        self._found: deque[tuple[Piece, bool]] = deque()
        """Pieces, and whether they are the first of another file."""
        self._decoder = (
            EventDecoder(clock) if place is None else EventDecoder(clock, offset=place.offset, tail=place.tail)
        )
        self._at_end = self._ended = False
        self._grace = math.inf
        self._lock = threading.Lock()
        self._closed = False

    # -- what blocks

    def look(self, advance: bool = False) -> None:
        """Read what has been added, and keep it; with ``advance`` from the file that follows the one at its end.

        Raises ``HTCondorIOError``.
        """
        with self._lock:
            if self._closed:
                return
            if not advance and self._file is not None and self._file.is_as_parked():
                self.drained = True
                return
            try:
                file = self._opened()
                if file is None:
                    self.drained = True
                elif not advance or file.advance():
                    piece = file.read()
                    self._found.append((piece, advance))
                    self.drained = not piece.data
            finally:
                self._drop_if_closed()

    def _drop_if_closed(self) -> None:
        """Let go of the file if somebody closed the source while it was being read."""
        if self._closed:
            file, self._file = self._file, None
            _close(file)

    def open(self) -> None:
        """Open the file if it is not open; raises ``HTCondorIOError``."""
        with self._lock:
            if not self._closed:
                self._opened()

    def _opened(self) -> TailedFile | None:
        """Return the open file; None if it is missing just now, but was there before."""
        file = self._file
        if file is not None and file.is_open:
            return file
        place = self._resume_at if file is None else file.place(file.offset, file.tail)
        try:
            fresh = TailedFile(self.path, place, follow=self._follow)
        except HTCondorIOError as error:
            if place is None or error.errno != errno.ENOENT:
                raise
            return None
        self._file = fresh
        if place is not None and not fresh.resumed:
            # what was known is gone: the log has been made anew
            self._found.append((Piece(anew=True), False))
        return fresh

    def expect(self) -> None:
        """Wait for a log that is not there yet, beginning with the first of its files that appears."""
        with self._lock:
            self.drained = True
            if self._file is None and self._resume_at is None:
                self._resume_at = place_of_missing(self.path)

    def park(self) -> None:
        """Close the file, which is found again when it is looked at the next time."""
        with self._lock:
            if self._file is not None and self._file.is_open:
                self._file.park()

    # -- what does not

    @property
    def is_known(self) -> bool:
        """Whether the log has been opened, now or by whoever this one resumes."""
        return self._file is not None or self._resume_at is not None

    def next(self) -> JobEvent | BadRecord | None:
        """Return the next event or bad record of what has been read, or None."""
        while True:
            found = self._decoder.next(self._at_end and not self._found)
            if found is not None or not self._found:
                return found
            rest = self._take(*self._found.popleft())
            if rest is not None:
                return rest

    def _take(self, piece: Piece, next_file: bool) -> BadRecord | None:
        self._at_end = not piece.data
        self._ended = piece.succeeded
        rest = None
        if next_file or piece.anew:
            # of a file that was cut, the rest is gone; of one that has ended, it will never be an event
            rest = self._decoder.close() if next_file else None
            self._decoder = EventDecoder(self._clock)
        if piece.data:
            self._decoder.feed(piece.data)
        return rest

    def must_advance(self, now: float) -> bool:
        """Return whether the file is at its end for good, and all of it has been given, or waited for long enough."""
        if not self._ended:
            self._grace = math.inf
            return False
        self._grace = min(self._grace, now + GRACE)
        due = self._decoder.end == self._decoder.offset or now >= self._grace
        if due:
            # should there be no next file yet, it is looked for again then
            self._grace = now + GRACE
        return due

    @property
    def grace(self) -> float:
        """Until when the rest of a file that has ended is waited for, on the clock that ``must_advance`` is told."""
        return self._grace

    @property
    def offset(self) -> int:
        """Where in its file the next event begins."""
        return self._decoder.offset

    def place(self) -> Place | None:
        """Return where to resume; None for the start of a log that was never opened."""
        with self._lock:
            if self._file is None:
                return self._resume_at
            if any(next_file or piece.anew for piece, next_file in self._found):
                # a look that was cancelled has gone on to a file of which nothing has been given yet
                return self._file.place(0, b"")
            return self._file.place(self.offset, self._decoder.tail())

    def close(self) -> None:
        """Close the file; never waits for a look that is under way, which closes it then."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                _close(self._file)
            finally:
                self._lock.release()


def _close(file: TailedFile | None) -> None:
    if file is not None:
        file.close()
