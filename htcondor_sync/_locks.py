"""v1's ``lock``: an advisory lock on a file, as HTCondor's own programs take it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Literal

from htcondor_async.errors import HTCondorIOError
from htcondor_sync._arguments import expect, uninstantiable
from htcondor_sync._calls import deprecated
from htcondor_sync._generated.enums import LockType

__all__ = ["FileLock", "lock"]


class FileLock(metaclass=uninstantiable):
    """A lock on an open file, held between entering and leaving the block."""

    def __init__(self, file: Any, kind: LockType) -> None:
        self._file = file
        self._kind = kind

    def __enter__(self) -> FileLock:
        try:
            import fcntl
        except ModuleNotFoundError as error:
            raise HTCondorIOError("this system has no advisory locks on files") from error
        wanted = fcntl.LOCK_SH if int(self._kind) == 0 else fcntl.LOCK_EX
        try:
            fcntl.lockf(self._file, wanted)
        except OSError as error:
            raise HTCondorIOError(f"the file cannot be locked: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        import fcntl

        fcntl.lockf(self._file, fcntl.LOCK_UN)
        return False


def lock(arg1: Any, arg2: LockType, /) -> FileLock:
    """Return a lock on an open file, to be entered with ``with``."""
    deprecated("lock() is deprecated")
    expect("lock", ("kind", arg2, LockType))
    return FileLock._make(arg1, arg2)
