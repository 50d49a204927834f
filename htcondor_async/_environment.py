"""The world as one argument: what the languages may ask of it.

The languages (:mod:`~htcondor_async.classad`, ``config``, ``submit``, ``eventlog``) are pure; time, files and the like
come through an :class:`Environment`, so that tests can make them deterministic.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Protocol, runtime_checkable

import attrs

__all__ = ["CommandResult", "Environment", "FileStatus", "UserRecord"]


@attrs.frozen
class CommandResult:
    """What a command that was run printed, and how it ended."""

    status: int
    stdout: bytes
    stderr: bytes


@attrs.frozen
class FileStatus:
    """What the languages ask about a file: kind, size in bytes, permission bits, modification time (Unix seconds)."""

    is_directory: bool
    size: int
    mode: int
    mtime: float


@attrs.frozen
class UserRecord:
    """One entry of the user database."""

    name: str
    uid: int
    gid: int
    home: str


@runtime_checkable
class Environment(Protocol):
    """What the languages may ask of the world."""

    environ: Mapping[str, str]
    random: random.Random

    def now(self) -> float:
        """Return the wall clock in seconds since 1970."""
        ...

    def local_zone(self) -> tzinfo:
        """Return the local time zone."""
        ...

    def utc_offset(self, when: datetime) -> timedelta:
        """Return the local offset from UTC at the aware time ``when``."""
        ...

    def cwd(self) -> str:
        """Return the working directory."""
        ...

    def hostname(self) -> str:
        """Return the full host name of this machine."""
        ...

    def read_file(self, path: str) -> bytes:
        """Return the content of a file; raises ``OSError``."""
        ...

    def stat(self, path: str) -> FileStatus | None:
        """Return what is known of a path, following links, or None where there is nothing."""
        ...

    def access(self, path: str, mode: int) -> bool:
        """Return whether this process may read (4), write (2) or execute (1) ``path``."""
        ...

    def list_directory(self, path: str) -> Sequence[str]:
        """Return the names in a directory, sorted by their bytes; raises ``OSError``."""
        ...

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the paths that match a shell pattern, sorted as glob(3) sorts them."""
        ...

    def current_user(self) -> UserRecord | None:
        """Return the user this process runs as."""
        ...

    def user(self, name: str) -> UserRecord | None:
        """Return the record of a user, or None."""
        ...

    def run_command(self, arguments: Sequence[str] | str, *, timeout: float) -> CommandResult:
        """Run a command (a string goes to the shell) and return what it printed; raises ``OSError``."""
        ...

    def log(self, message: str) -> None:
        """Take a message meant for people, as of ``debug()``."""
        ...
