"""The local side of sandboxes: which files a job needs, reading them, and writing those that come back.

Plain functions that may block; whoever awaits runs them in a worker thread, for many small files at a time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import attrs

from htcondor_async._runtime.files import OPEN_FLAGS
from htcondor_async.errors import HTCondorIOError, HTCondorValueError

__all__ = ["Entry", "Loaded", "SandboxWriter", "inputs", "load", "read_piece"]

SMALL = 256 * 1024
"""Bytes up to which a file is read, or written, in one go with others."""
_AT_ONCE = 64
_AT_ONCE_SIZE = 4 << 20
_MAX_DEPTH = 128
_STAYS_INSIDE = os.open in os.supports_dir_fd
"""Whether files can be opened below an open directory, so that nobody can have them written somewhere else."""


class Entry(NamedTuple):
    """One thing to send: where it is, its name on the wire, what it is."""

    path: str
    name: str
    size: int
    mode: int | None
    folder: bool = False


class Loaded(NamedTuple):
    """A file made ready: its content if it is small, a descriptor otherwise, or what went wrong."""

    size: int
    mode: int | None
    data: bytes | None = None
    descriptor: int = -1
    problem: tuple[str, int] | None = None


# -- sending


def inputs(directory: str, names: Iterable[str], *, preserve: bool = False) -> list[Entry]:
    """Return what is sent for a list of input files.

    A name is relative to ``directory`` or absolute. A directory is sent with all in it; with a slash at the end only
    what is in it. Links to files are followed, links to directories only where their content is asked for; sockets and
    pipes are passed over. With ``preserve`` relative names keep their folders.

    Raises
    ------
    OSError
        A file is missing, or a directory cannot be read: the session had better not begin.
    HTCondorValueError
        It is a link to a directory, which is not sent as one.
    """
    found: dict[str, Entry] = {}
    for name in names:
        for entry in _expand(directory, name, preserve):
            found.setdefault(entry.name, entry)
    return list(found.values())


def _expand(directory: str, name: str, preserve: bool) -> Iterator[Entry]:
    path = name if name.startswith("/") else f"{directory}/{name}"
    bare = name.rstrip("/")
    inside = ""
    if preserve and not bare.startswith("/") and ".." not in bare.split("/"):
        inside = "/".join(part for part in bare.split("/")[:-1] if part not in ("", "."))
        for depth in range(len(inside.split("/")) if inside else 0):
            parent = "/".join(inside.split("/")[: depth + 1])
            yield Entry(f"{directory}/{parent}", parent, 0, _mode_of(f"{directory}/{parent}"), folder=True)
    base = bare.rpartition("/")[2]
    prefix = f"{inside}/" if inside else ""
    link = stat.S_ISLNK(os.lstat(path.rstrip("/") or "/").st_mode)
    info = Path(path).stat()
    if not stat.S_ISDIR(info.st_mode):
        if stat.S_ISREG(info.st_mode) or stat.S_ISCHR(info.st_mode):
            yield Entry(path, prefix + base, info.st_size, stat.S_IMODE(info.st_mode))
        return
    if name.endswith("/"):
        yield from _walk(path, inside, 0)
    elif link:
        _refuse_link(path)
    else:
        yield Entry(path, prefix + base, 0, stat.S_IMODE(info.st_mode), folder=True)
        yield from _walk(path, prefix + base, 0)


def _mode_of(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def _walk(path: str, inside: str, depth: int) -> Iterator[Entry]:
    if depth > _MAX_DEPTH:
        raise OSError(errno.ELOOP, f"directories are nested more than {_MAX_DEPTH} deep", path)
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = f"{inside}/{entry.name}" if inside else entry.name
            info = entry.stat()
            if entry.is_dir(follow_symlinks=False):
                yield Entry(entry.path, name, 0, stat.S_IMODE(info.st_mode), folder=True)
                yield from _walk(entry.path, name, depth + 1)
            elif stat.S_ISDIR(info.st_mode):
                _refuse_link(entry.path)
            elif stat.S_ISREG(info.st_mode):
                yield Entry(entry.path, name, info.st_size, stat.S_IMODE(info.st_mode))


def _refuse_link(path: str) -> NoReturn:
    raise HTCondorValueError(
        f"{path} is a link to a directory, which HTCondor does not send",
        hint="a slash at the end of a name in the list of input files sends what is in the directory",
    )


def load(entries: list[Entry]) -> list[Loaded]:
    """Make the next files ready: as many of ``entries`` as are small, at least one."""
    loaded: list[Loaded] = []
    held = 0
    for entry in entries[:_AT_ONCE]:
        if loaded and (entry.size > SMALL or held >= _AT_ONCE_SIZE):
            break
        item = Loaded(0, entry.mode) if entry.folder else _open(entry)
        loaded.append(item)
        held += item.size
        if item.descriptor >= 0:
            break
    return loaded


def _open(entry: Entry) -> Loaded:
    try:
        descriptor = os.open(entry.path, os.O_RDONLY | OPEN_FLAGS | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        return Loaded(0, None, b"", problem=_problem("reading from", entry.path, error))
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            os.close(descriptor)
            return Loaded(0, stat.S_IMODE(info.st_mode), b"")  # a device such as /dev/null has no content
        mode = stat.S_IMODE(info.st_mode) & 0o777
        if info.st_size > SMALL:
            return Loaded(info.st_size, mode, descriptor=descriptor)
        parts = []
        left = info.st_size
        while left and (part := os.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
        os.close(descriptor)
    except OSError as error:
        os.close(descriptor)
        return Loaded(0, None, b"", problem=_problem("reading from", entry.path, error))
    data = b"".join(parts)
    return Loaded(len(data), mode, data)


def _problem(what: str, path: str, error: OSError) -> tuple[str, int]:
    number = error.errno or 0
    return f"{what} file {path}: (errno {number}) {os.strerror(number)}", number


def read_piece(descriptor: int, size: int) -> bytes:
    """Return the next bytes of an open file, ``size`` unless it ends before."""
    parts = []
    while size and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


# -- receiving


@attrs.define
class _Pending:
    """A small file that is complete and not yet written."""

    name: str
    data: bytes
    mode: int | None


@attrs.define
class SandboxWriter:
    """Writes received files below a directory, and nowhere else.

    A name that is absolute, has ``..`` in it or leads through a link is refused; what is sent for it is thrown away.
    ``remaps`` are the job owner's own wishes where a file should go: names to paths, which may be absolute. A file
    appears under its name when it is complete. ``problem`` is the first thing that went wrong; its text begins with
    ``speaker``.

    Raises
    ------
    HTCondorIOError
        This system cannot open files below an open directory (openat(2)).
    """

    directory: str
    remaps: dict[str, str] = attrs.field(factory=dict)
    speaker: str = attrs.field(default="", kw_only=True)
    problem: tuple[str, int] | None = None
    _name: str = ""
    _held: list[bytes] = attrs.field(factory=list)
    _held_size: int = 0
    _descriptor: int = -1
    _temporary: tuple[int, str] | None = None
    _discard: bool = False
    _pending: list[_Pending] = attrs.field(factory=list)
    _pending_size: int = 0

    def __attrs_post_init__(self) -> None:
        if not _STAYS_INSIDE:
            raise HTCondorIOError(
                "files of jobs cannot be received on this system: nothing here keeps what is written inside a directory"
            )

    def note(self, text: str, number: int) -> None:
        """Keep the first problem."""
        if self.problem is None:
            self.problem = (self.speaker + text, number)

    # What follows may be called in the event loop: it touches no file.

    def begin(self, name: str) -> None:
        """A file follows."""
        self._name, self._held, self._held_size, self._descriptor = name, [], 0, -1
        self._discard = not self._legal(name)

    def hold(self, data: bytes) -> bool:
        """Keep bytes of the file in memory; False: it is time to call :meth:`spill`."""
        if self._discard:
            return True
        self._held.append(data)
        self._held_size += len(data)
        return self._held_size <= SMALL and self._descriptor < 0

    def end_small(self, mode: int | None) -> bool:
        """End the file if it is still in memory; False: call :meth:`end`."""
        if self._discard:
            return True
        if self._descriptor >= 0:
            return False
        if mode is None:
            self.note(f"the peer could not read file {self._name}", errno.ENOENT)
            return True
        self._pending.append(_Pending(self._name, b"".join(self._held), mode))
        self._pending_size += self._held_size
        self._held, self._held_size = [], 0
        return True

    @property
    def full(self) -> bool:
        """Whether it is time to call :meth:`flush`."""
        return len(self._pending) >= _AT_ONCE or self._pending_size >= _AT_ONCE_SIZE

    def _legal(self, name: str) -> bool:
        parts = name.split("/")
        if not name or "\0" in name or name.startswith("/") or ".." in parts or all(p in ("", ".") for p in parts):
            self.note(f"the peer sent a file named {name!r}, which is not inside of {self.directory}", errno.EPERM)
            return False
        return True

    # What follows may block.

    def flush(self) -> None:
        """Write the small files that are complete."""
        pending, self._pending, self._pending_size = self._pending, [], 0
        for item in pending:
            with self._noting(item.name):
                folder, last = self._folder(item.name)
                try:
                    self._write_small(folder, last, item)
                finally:
                    os.close(folder)

    def spill(self) -> None:
        """Write what is held of the present file, which is not a small one."""
        written = False
        with self._noting(self._name):
            self._append()
            written = True
        if not written:
            self._drop()
            self._discard = True

    def _append(self) -> None:
        data, self._held, self._held_size = self._held, [], 0
        if self._descriptor < 0:
            folder, last = self._folder(self._name)
            temporary = f".{last[:100]}.{secrets.token_hex(6)}"
            try:
                self._descriptor = os.open(temporary, _NEW, 0o600, dir_fd=folder)
            except OSError:
                os.close(folder)
                raise
            self._temporary = (folder, temporary)
        for part in data:
            _write(self._descriptor, part)

    def end(self, mode: int | None) -> None:
        """End the present file, which is not a small one."""
        self.spill()
        if self._temporary is not None:
            with self._noting(self._name):
                self._put_in_place(*self._temporary, mode)
        self._drop()

    def _put_in_place(self, folder: int, temporary: str, mode: int | None) -> None:
        if mode:
            os.fchmod(self._descriptor, mode & 0o777)
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)
        _, last = self._target(self._name)
        os.rename(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
        os.close(folder)
        self._temporary = None

    def make_folder(self, name: str, mode: int) -> None:
        """Make a folder; one that exists is fine."""
        self.flush()
        if not self._legal(name):
            return
        with self._noting(name):
            folder, last = self._folder(name)
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(last, 0o700, dir_fd=folder)
                made = os.open(last, _FOLDER, dir_fd=folder)
                try:
                    os.fchmod(made, (mode & 0o777 or 0o700) | 0o700)
                finally:
                    os.close(made)
            finally:
                os.close(folder)

    def abandon(self) -> None:
        """Drop what is not complete."""
        self._pending.clear()
        self._held.clear()
        self._drop()

    def _drop(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._temporary is not None:
            folder, temporary = self._temporary
            self._temporary = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            os.close(folder)

    def _write_small(self, folder: int, last: str, item: _Pending) -> None:
        temporary = f".{last[:100]}.{secrets.token_hex(6)}"
        descriptor = os.open(temporary, _NEW, 0o600, dir_fd=folder)
        try:
            try:
                _write(descriptor, item.data)
                os.fchmod(descriptor, item.mode & 0o777 if item.mode else 0o644)
            finally:
                os.close(descriptor)
            os.rename(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            raise

    @contextlib.contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            number = error.errno or 0
            path = Path(self.directory, self._remapped(name) or name)
            self.note(f"writing to file {path}: (errno {number}) {os.strerror(number)}", number)

    def _target(self, name: str) -> tuple[str, str]:
        """Return where a file goes: a path to begin from ("" for the directory) and the way from there."""
        path = self._remapped(name)
        if path is None:
            return "", name.rpartition("/")[2]
        return path, path.rpartition("/")[2]

    def _remapped(self, name: str) -> str | None:
        """Return the path that the owner wishes for a file, or None for its own name."""
        head, slash, rest = name.partition("/")
        if name not in self.remaps and slash and head in self.remaps:
            return f"{self.remaps[head]}/{rest}"
        return self.remaps.get(name)

    def _folder(self, name: str) -> tuple[int, str]:
        """Open the folder that a file goes into, without following a link that the peer could have had made."""
        path, last = self._target(name)
        if path.startswith("/"):  # the owner's own choice, links and all
            return os.open(path.rpartition("/")[0] or "/", _ANY_FOLDER), last
        way = [part for part in (path or name).split("/")[:-1] if part not in ("", ".")]
        folder = os.open(self.directory, _ANY_FOLDER)
        try:
            for part in way:
                if part != ".." or not path:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=folder)
                inner = os.open(part, _ANY_FOLDER if path else _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
        except BaseException:
            os.close(folder)
            raise
        return folder, last


_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | OPEN_FLAGS
_ANY_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | OPEN_FLAGS
_FOLDER = _ANY_FOLDER | _NO_LINK


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
