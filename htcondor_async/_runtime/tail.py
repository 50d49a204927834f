"""Reading a log that others append to, rotate, truncate, delete and make anew: plain functions that may block.

A file is known by its device and inode, and by the last bytes that were read of it: if those are no longer in their
place, it was truncated and written anew. Rotated files are ``PATH.old`` or ``PATH.1`` (the newest), ``PATH.2`` ...
[src/condor_utils/write_user_log.cpp].
"""

from __future__ import annotations

import errno
import os
import re
import stat as stat_bits
import time
from pathlib import Path

import attrs

from htcondor_async._runtime.files import OPEN_FLAGS, read_at
from htcondor_async._runtime.translate import file_error

__all__ = ["Piece", "Place", "TailedFile", "place_of_missing"]

_PIECE = 256 * 1024
_TAIL = 1024
"""Bytes that tell a file from one that was written anew and has grown beyond it: an event or more, as all end alike."""
_HEADER = re.compile(rb"008 \(-?[0-9.]+(?:-[0-9.]+)*\) [^\n]{1,40} Global JobLog: ctime=[^\n]*\n\.\.\.\r?\n")
_HEADER_SIZE = 4096
_GRAIN = 2_000_000_000
_TRIES = 8
"""How often a rotation may strike while the file that follows the current one is looked for."""


@attrs.frozen
class Place:
    """Where in which file reading stands, so that it can go on there later, in another process too.

    ``tail`` are the bytes before ``offset``, as far as they do not change any more; ``older`` are the rotated files
    that are older than this one: inode, size, time of modification.
    """

    device: int
    inode: int
    offset: int
    tail: bytes = b""
    older: frozenset[tuple[int, int, int]] = frozenset()
    head: bytes = b""


@attrs.frozen
class Piece:
    """What one look at a log brought.

    ``data`` is what follows; empty at the end. ``anew`` says that the data are from the start of a file that was
    truncated; ``succeeded`` that this file is at its end for good, as another one has taken its place.
    """

    data: bytes = b""
    anew: bool = False
    succeeded: bool = False


class _MovedError(Exception):
    """A file was no longer where it had been seen."""


class TailedFile:
    """A log, open for reading. Its operations block, so they are run where that is allowed."""

    def __init__(self, path: str, place: Place | None = None, *, follow: bool = True) -> None:
        self.path = path
        self._follow = follow
        self._descriptor = -1
        self._offset = 0
        self._tail = b""
        self._fixed_from = 0
        """Where the bytes begin that are never written again: behind the header that a rotation completes."""
        self._head = b""
        self.device = self.inode = 0
        self._older: frozenset[tuple[int, int, int]] = frozenset()
        self._parked: tuple[int, int, int, int] | None = None
        self.resumed = False
        """Whether the file of the place it was given was found."""
        if place is None:
            self._open(path)
        else:
            self._resume(place)

    def park(self) -> None:
        """Close the file for now, and remember what it looked like."""
        found = os.fstat(self._descriptor)
        self._parked = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        self.close()

    def is_as_parked(self) -> bool:
        """Return whether it has been read to its end and is as it was when it was parked."""
        if self.is_open or self._parked is None or self._parked[2] != self._offset:
            return False
        try:
            found = Path(self.path).stat()
        except OSError:
            return False
        # within the clock's grain, a change may leave the time as it was
        old = time.time_ns() - found.st_mtime_ns > _GRAIN
        return old and (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) == self._parked

    def close(self) -> None:
        """Close the file; may be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    @property
    def is_open(self) -> bool:
        """Whether it holds a descriptor."""
        return self._descriptor >= 0

    @property
    def offset(self) -> int:
        """Where the next piece begins."""
        return self._offset

    @property
    def tail(self) -> bytes:
        """The last bytes before the next piece, as far as they do not change any more."""
        return self._tail

    def place(self, offset: int, tail: bytes) -> Place:
        """Return the place of an offset at or before the current one; ``tail`` are the bytes before it."""
        fixed = max(0, offset - self._fixed_from)
        return Place(self.device, self.inode, offset, tail[-fixed:] if fixed else b"", self._older, self._head)

    def read(self) -> Piece:
        """Return the next piece."""
        try:
            piece = self._read()
            if piece.data or piece.anew or not self._follow or not self._is_replaced():
                return piece
            # what was written between the two looks, by a writer that still had the old file
            piece = self._read()
            return piece if piece.data or piece.anew else Piece(succeeded=True)
        except OSError as error:
            raise file_error(error, self.path, "read") from error

    def _read(self) -> Piece:
        tail = self._tail
        data = read_at(self._descriptor, len(tail) + _PIECE, self._offset - len(tail))
        if data[: len(tail)] != tail or (not tail and not data and os.fstat(self._descriptor).st_size < self._offset):
            self._start()
            return Piece(self._take(read_at(self._descriptor, _PIECE, 0)), anew=True)
        return Piece(self._take(data[len(tail) :]))

    def _start(self) -> None:
        self._offset = self._fixed_from = 0
        self._tail = self._head = b""

    def _take(self, data: bytes) -> bytes:
        if not data:
            return data
        if self._offset == 0 or self._offset < self._fixed_from:
            self._look_at_header()
        self._offset += len(data)
        fixed = max(0, self._offset - self._fixed_from)
        self._tail = (self._tail + data[-_TAIL:])[-min(_TAIL, fixed) :] if fixed else b""
        return data

    def _look_at_header(self) -> None:
        """Find out which bytes at the start of the file a rotation will write again."""
        head = read_at(self._descriptor, _HEADER_SIZE, 0)
        found = _HEADER.match(head)
        self._fixed_from = 0
        if found is not None:
            self._fixed_from = found.end()
            self._head = found[0].partition(b" size=")[0]
        elif len(head) < _HEADER_SIZE and head.startswith(b"008 (") and b"\n..." not in head:
            # perhaps half a header
            self._fixed_from = _HEADER_SIZE

    # -- which file

    def _open(self, path: str, expected: os.stat_result | None = None) -> bool:
        """Open a file at its start; False: it is not the one that was ``expected`` there."""
        try:
            descriptor = os.open(path, os.O_RDONLY | OPEN_FLAGS)
            found = os.fstat(descriptor)
            if stat_bits.S_ISDIR(found.st_mode):
                os.close(descriptor)
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        except OSError as error:
            if expected is not None and error.errno == errno.ENOENT:
                return False
            raise file_error(error, path, "open") from error
        if expected is not None and not _same(found, expected):
            os.close(descriptor)
            return False
        self.close()
        self._descriptor = descriptor
        self.device, self.inode = found.st_dev, found.st_ino
        self._start()
        self._note_older()
        return True

    def _note_older(self) -> None:
        """Remember which rotated files are older than this one."""
        rotated = self._rotated()
        at = self._index(rotated)
        self._older = frozenset(_identity(found) for _path, found in rotated[0 if at is None else at + 1 :])

    def _resume(self, place: Place) -> None:
        """Open the file that ``place`` is in, wherever it was moved, and go on there."""
        for _try in range(_TRIES):
            try:
                if not self._find(place) and not self._open_oldest(place.older):
                    # the file is gone, and none that was not there before it
                    self._open(self.path)
                return
            except _MovedError:
                # a rotation between the look and the opening: what was looked for may be somewhere else now
                continue
        busy = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        raise file_error(busy, self.path, "find the place to go on in")

    def _find(self, place: Place) -> bool:
        if place.offset == 0:
            # nothing of it was read, so it is one of those that were not there before it
            return False
        mine = _status(self.path)
        files = [] if mine is None else [(self.path, mine)]
        if any(self._try(path, found, place, True) for path, found in files):
            return True
        files += self._rotated()
        return any(self._try(path, found, place, same) for same in (True, False) for path, found in files)

    def _try(self, path: str, found: os.stat_result, place: Place, same: bool) -> bool:
        if same and (found.st_dev, found.st_ino) != (place.device, place.inode):
            return False
        if found.st_size < place.offset or not (same or place.tail):
            return False
        if not self._open(path, found):
            raise _MovedError
        if read_at(self._descriptor, len(place.tail), place.offset - len(place.tail)) != place.tail:
            return False
        if read_at(self._descriptor, len(place.head), 0) != place.head:
            return False
        self._offset, self._tail, self.resumed = place.offset, place.tail, True
        self._look_at_header()
        return True

    def _rotated(self) -> list[tuple[str, os.stat_result]]:
        return _rotated(self.path)

    def _is_replaced(self) -> bool:
        """Return whether another file stands where this one did."""
        found = _status(self.path)
        return found is not None and (found.st_dev, found.st_ino) != (self.device, self.inode)

    def advance(self) -> bool:
        """Go on with the file that was begun after this one; False: there is none just now."""
        try:
            return self._advance()
        except OSError as error:
            raise file_error(error, self.path, "follow") from error

    def _advance(self) -> bool:
        for _try in range(_TRIES):
            rotated = self._rotated()
            at = self._index(rotated)
            if at is None:
                # deleted, or rotated out of existence
                return self._open_oldest(self._older)
            path, found = rotated[at - 1] if at else (self.path, _status(self.path))
            if found is None:
                return False
            # a rotation may have struck in between: then it is another file
            if (found.st_dev, found.st_ino) != (self.device, self.inode):
                later = self._rotated()
                if self._index(later) == at and self._open(path, found):
                    return True
        return False

    def _open_oldest(self, older: frozenset[tuple[int, int, int]]) -> bool:
        """Open the oldest file that is none of ``older``: of a log whose file that was read last is gone."""
        for _try in range(_TRIES):
            unread = [entry for entry in self._rotated() if _identity(entry[1]) not in older]
            current = _status(self.path)
            if unread:
                if self._open(*unread[-1]):
                    return True
            elif current is None:
                return False
            # unless one was rotated since the current one was looked at
            elif all(_identity(found) in older for _path, found in self._rotated()) and self._open(self.path, current):
                return True
        return False

    def _index(self, files: list[tuple[str, os.stat_result]]) -> int | None:
        for number, (_path, found) in enumerate(files):
            if (found.st_dev, found.st_ino) == (self.device, self.inode):
                return number
        return None


def _status(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _rotated(log: str) -> list[tuple[str, os.stat_result]]:
    """Return the rotated files of a log, newest first."""
    found = [(path, status) for path in (f"{log}.old",) if (status := _status(path)) is not None]
    number = missing = 0
    # while files are being renamed, one may be missing
    while missing < 2:
        number += 1
        path = f"{log}.{number}"
        status = _status(path)
        if status is None:
            missing += 1
        else:
            missing = 0
            found.append((path, status))
    return found


def place_of_missing(path: str) -> Place:
    """Return the place before a log that is not there yet: what was rotated before now is not part of it."""
    return Place(0, 0, 0, b"", frozenset(_identity(found) for _path, found in _rotated(path)))


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    """Return what a rotated file, which does not change any more, is known by."""
    return found.st_ino, found.st_size, found.st_mtime_ns
