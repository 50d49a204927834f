"""Waiting until one of several files may have changed: told by the system where it can, else from time to time."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from htcondor_async._runtime.base import Runtime
from htcondor_async._runtime.inotify import FileWatch, is_shared_file_system

__all__ = ["FileWaiter"]

_POLL_FIRST, _POLL = 0.02, 1.0
"""Seconds between looks at files of whose changes nothing tells: at first, and at most."""
_SWEEP = 5.0
"""Seconds between looks at files that are watched: a watch may miss something."""


class FileWaiter:
    """Waits for changes of files, missing ones too. It holds one descriptor, from the first time it waits on."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = dict.fromkeys(paths)
        self._new = set(self._paths)
        self._polled: set[str] = set()
        """Files that are looked at from time to time, as nothing tells of their changes."""
        self._watch: FileWatch | None = None
        self._pause = _POLL_FIRST
        self._next_sweep = 0.0

    def add(self, path: str) -> None:
        """Wait for changes of one more file."""
        self._paths[path] = None
        self._new.add(path)

    def discard(self, path: str) -> None:
        """Wait for changes of a file no longer."""
        self._paths.pop(path, None)
        self._new.discard(path)
        self._polled.discard(path)
        if self._watch is not None:
            self._watch.discard(path)

    def close(self) -> None:
        """Give the descriptor back; may be called again."""
        if self._watch is not None:
            self._watch.close()

    def changed(self) -> None:
        """Tell that there was a change: files that are polled are looked at more often for a while."""
        self._pause = _POLL_FIRST

    async def wait(self, runtime: Runtime, until: float) -> set[str]:
        """Return the files that may have changed, after ``until`` at the latest; then perhaps none.

        The first time, and for each new file, all that are new are named at once: from now on they are watched.
        """
        if self._new:
            fresh = set(self._new)
            await runtime.call(functools.partial(self._start, fresh))
            self._new -= fresh
            self._next_sweep = min(self._next_sweep or runtime.clock() + _SWEEP, runtime.clock() + _SWEEP)
            return fresh
        now = runtime.clock()
        wake = min(until, self._next_sweep)
        if self._polled:
            wake = min(wake, now + self._pause)
        found: set[str] = set()
        watch = self._watch
        if watch is not None and watch.fileno() >= 0:
            if await runtime.first_readable([watch], wake):
                found = watch.changed()
        elif wake > now:
            await runtime.sleep(wake - now)
        now = runtime.clock()
        if self._polled and (not found or now >= wake):
            self._pause = min(self._pause * 2, _POLL)
            found |= self._polled
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP
            found |= self._paths.keys()
        return found

    def _start(self, paths: set[str]) -> None:
        """Watch files; where that cannot be, poll them."""
        if self._watch is None:
            self._watch = FileWatch.start()
        shared = {path for path in paths if _is_shared(path)}
        local = paths - shared
        unwatched = local if self._watch is None else {path for path in local if not self._watch.add(path)}
        self._polled |= shared | unwatched


@functools.lru_cache(maxsize=256)
def _is_shared_directory(directory: str) -> bool:
    return is_shared_file_system(directory)


def _is_shared(path: str) -> bool:
    head, separator, _name = path.rpartition("/")
    return _is_shared_directory((head or separator) or ".")
