"""Being told that files change, without looking at each: Linux's inotify, through the C library.

One watch serves any number of files. Where there is none to be had (another system, all instances in use, a file
system of the network, whose other users it does not see), files are looked at from time to time instead.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from pathlib import Path

__all__ = ["FileWatch", "is_shared_file_system"]

_FILE_MASK = 0x2 | 0x4 | 0x400 | 0x800  # IN_MODIFY, IN_ATTRIB, IN_DELETE_SELF, IN_MOVE_SELF
_DIRECTORY_MASK = 0x40 | 0x80 | 0x100 | 0x200  # IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE
_OVERFLOW, _IGNORED = 0x4000, 0x8000
_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024
_SHARED = {
    0x6969,  # NFS
    0x517B,  # SMB
    0xFF534D42,  # CIFS
    0xFE534D42,  # SMB2
    0x00C36400,  # Ceph
    0x0BD00BD0,  # Lustre
    0x5346414F,  # AFS
    0x65735546,  # FUSE
    0x47504653,  # GPFS
    0x19830326,  # BeeGFS
    0xAAD7AAEA,  # PanFS
    0x01021997,  # 9P
    0x7461636F,  # OCFS2
    0x01161970,  # GFS2
}
"""Kinds of file systems that other machines may write to [statfs(2)]."""


def _library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "inotify_init1") else None


def is_shared_file_system(path: str) -> bool:
    """Return whether other machines may write to the file system that ``path`` is on."""
    library = _library()
    if library is None:
        return False
    # the kind is the first field, a long, on all architectures of Linux that have 64 bits
    buffer = ctypes.create_string_buffer(512)
    if library.statfs(os.fsencode(path), buffer) != 0:
        return False
    kind: int = ctypes.c_ulong.from_buffer(buffer).value
    return kind & 0xFFFFFFFF in _SHARED


class FileWatch:
    """Watches files by their paths. Readable when one of them may have changed."""

    def __init__(self, library: ctypes.CDLL, descriptor: int) -> None:
        self._library = library
        self._descriptor = descriptor
        self._files: dict[int, set[str]] = {}
        self._directories: dict[int, dict[bytes, set[str]]] = {}
        self._numbers: dict[str, list[int]] = {}

    @classmethod
    def start(cls) -> FileWatch | None:
        """Return a watch of nothing yet, or None where there is none to be had."""
        library = _library()
        if library is None:
            return None
        descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        return cls(library, descriptor) if descriptor >= 0 else None

    def fileno(self) -> int:
        """Return the descriptor, or -1 once closed."""
        return self._descriptor

    def close(self) -> None:
        """Stop watching; may be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def add(self, path: str) -> bool:
        """Watch a file that may be missing, moved and made anew; False if it cannot be watched."""
        where = Path(path)
        number = self._add(str(where.parent), _DIRECTORY_MASK)
        if number is None:
            return False
        self._directories.setdefault(number, {}).setdefault(os.fsencode(where.name), set()).add(path)
        numbers = self._numbers.setdefault(path, [])
        if number not in numbers:
            numbers.append(number)
        file_number = self._add(path, _FILE_MASK)
        if file_number is None:
            # missing: its directory tells when it is there
            return ctypes.get_errno() == errno.ENOENT
        self._files.setdefault(file_number, set()).add(path)
        if file_number not in numbers:
            numbers.append(file_number)
        return True

    def _add(self, path: str, mask: int) -> int | None:
        number: int = self._library.inotify_add_watch(self._descriptor, os.fsencode(path), mask)
        return number if number >= 0 else None

    def discard(self, path: str) -> None:
        """Watch a file no longer."""
        for number in self._numbers.pop(path, ()):
            left: int
            if number in self._files:
                self._files[number].discard(path)
                left = len(self._files[number])
            else:
                names = self._directories.get(number, {})
                for paths in names.values():
                    paths.discard(path)
                left = sum(map(len, names.values()))
            if not left:
                self._files.pop(number, None)
                self._directories.pop(number, None)
                self._library.inotify_rm_watch(self._descriptor, number)

    def changed(self) -> set[str]:
        """Return the paths of files that may have changed since the last call; never waits."""
        found: set[str] = set()
        while True:
            try:
                data = os.read(self._descriptor, _BUFFER)
            except BlockingIOError:
                break
            if self._sort(data, found):
                found.update(self._numbers)
        # those that are there anew have another inode, to be watched anew
        for path in found:
            self.add(path)
        return found

    def _sort(self, data: bytes, found: set[str]) -> bool:
        """Put the paths that the events in ``data`` are about into ``found``; True if events were lost."""
        position, lost = 0, False
        while position < len(data):
            number, mask, _cookie, size = _EVENT.unpack_from(data, position)
            position += _EVENT.size
            name = data[position : position + size].rstrip(b"\0")
            position += size
            lost = lost or bool(mask & _OVERFLOW)
            if number in self._directories:
                found |= self._directories[number].get(name, set())
            elif number in self._files:
                found |= self._files[number]
                if mask & _IGNORED:
                    self._forget(number)
        return lost

    def _forget(self, number: int) -> None:
        for path in self._files.pop(number, ()):
            self._numbers[path].remove(number)
