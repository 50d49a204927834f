"""Local files, as plain functions that may block; the runtimes decide where they run."""

from __future__ import annotations

import contextlib
import errno
import os
import stat as stat_bits
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from htcondor_async._runtime.base import FileInfo
from htcondor_async._runtime.translate import file_error
from htcondor_async.errors import HTCondorValueError, LimitExceededError

__all__ = [
    "OPEN_FLAGS",
    "append_line",
    "file_info",
    "list_directory",
    "make_directory",
    "open_file",
    "read_at",
    "read_file",
    "read_some",
    "remove_directory",
    "remove_file",
    "seek_to",
    "write_all",
    "write_file",
]

_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
}

OPEN_FLAGS: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""What a file is opened with beside the way it is used: each system has one of the two."""


def _seek_and_read(descriptor: int, size: int, offset: int, /) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


read_at = getattr(os, "pread", _seek_and_read)
"""Read at an offset; where there is no pread(2) that moves the place of the descriptor."""


@contextlib.contextmanager
def _told(path: str, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise file_error(error, path, verb) from error


def read_file(path: str, max_bytes: int) -> bytes:
    """Return the content of a file of at most ``max_bytes``; see :meth:`Runtime.read_file`."""
    with _told(path, "read"), open(path, "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise LimitExceededError(f"file {path} is larger than {max_bytes} bytes", limit="max_bytes")
    return data


def write_file(path: str, data: bytes, mode: int, exclusive: bool) -> None:
    """Write a file in one step: beside it, flushed, then moved into place; see :meth:`Runtime.write_file`."""
    with _told(path, "write"):
        target = Path(path)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                temporary.chmod(mode)
                os.fsync(file.fileno())
            if exclusive:
                target.hardlink_to(temporary)
                temporary.unlink()
            else:
                temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def append_line(path: str, line: str, mode: int) -> None:
    """Add a line by one write, never through a link; see :meth:`Runtime.append_line`."""
    flags = os.O_RDWR | os.O_APPEND | OPEN_FLAGS | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with _told(path, "write"):
        Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            descriptor, made = os.open(path, flags), False
        else:
            made = True
        with open(descriptor, "r+b", buffering=0) as file:
            found = os.fstat(descriptor)
            if not stat_bits.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise OSError(errno.EPERM, "it is no file of its own")
            if made and hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)
            data = line.encode("utf-8")
            if found.st_size and read_at(descriptor, 1, found.st_size - 1) != b"\n":
                data = b"\n" + data
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def open_file(path: str, how: str, mode: int) -> BinaryIO:
    """Open a file for pieces, unbuffered; see :meth:`Runtime.open_file`."""
    flags = _FLAGS.get(how)
    if flags is None:
        raise HTCondorValueError(f"{how!r} is no way to open a file: it is one of {', '.join(map(repr, _FLAGS))}")
    with _told(path, "open"):
        descriptor = os.open(path, flags | OPEN_FLAGS, mode)
        try:
            if stat_bits.S_ISDIR(os.fstat(descriptor).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            return open(descriptor, "rb" if how == "r" else "wb", buffering=0)
        except BaseException:
            os.close(descriptor)
            raise


def read_some(file: BinaryIO, path: str, max_bytes: int) -> bytes:
    """Return the next bytes of an open file."""
    with _told(path, "read"):
        return file.read(max_bytes)


def write_all(file: BinaryIO, path: str, data: bytes) -> None:
    """Write all of ``data`` to an open file."""
    with _told(path, "write"):
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def seek_to(file: BinaryIO, path: str, offset: int) -> None:
    """Go on at ``offset`` in an open file."""
    with _told(path, "read"):
        file.seek(offset)


def make_directory(path: str, mode: int, parents: bool) -> None:
    """Make a directory whose permissions are ``mode`` whatever the umask; see :meth:`Runtime.make_directory`."""
    with _told(path, "make directory"):
        directory = Path(path)
        if parents:
            directory.parent.mkdir(parents=True, exist_ok=True)
        try:
            directory.mkdir(mode)
        except FileExistsError:
            if not (parents and directory.is_dir()):
                raise
        else:
            directory.chmod(mode)


def remove_directory(path: str) -> None:
    """Remove an empty directory; a missing one is fine."""
    with _told(path, "remove directory"), contextlib.suppress(FileNotFoundError):
        Path(path).rmdir()


def remove_file(path: str) -> None:
    """Remove a file; a missing one is fine."""
    with _told(path, "remove"):
        Path(path).unlink(missing_ok=True)


def list_directory(path: str) -> list[str]:
    """Return the names in a directory, sorted."""
    with _told(path, "list"):
        return sorted(entry.name for entry in Path(path).iterdir())


def file_info(path: str, follow: bool) -> FileInfo | None:
    """Return what is known of a path, or None where there is nothing."""
    with _told(path, "look at"):
        try:
            found = Path(path).stat(follow_symlinks=follow)
        except (FileNotFoundError, NotADirectoryError):
            return None
    return FileInfo(
        is_directory=stat_bits.S_ISDIR(found.st_mode),
        is_link=stat_bits.S_ISLNK(found.st_mode),
        size=found.st_size,
        mode=stat_bits.S_IMODE(found.st_mode),
        mtime_ns=found.st_mtime_ns,
        uid=found.st_uid,
        gid=found.st_gid,
        device=found.st_dev,
        inode=found.st_ino,
        links=found.st_nlink,
    )
