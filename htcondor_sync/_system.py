"""This machine, as v1 sees it: it also writes files (of DAGs), and what it has to say goes to standard error."""

from __future__ import annotations

import sys
from pathlib import Path

from htcondor_async import _system

__all__ = ["SystemEnvironment"]


class SystemEnvironment(_system.SystemEnvironment):
    """The files, the clock and the users of this machine, with environment variables of some moment."""

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, replacing what is there; raises ``OSError``."""
        Path(path).write_bytes(data)

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what is there; raises ``OSError``."""
        Path(old).replace(new)

    def remove(self, path: str) -> None:
        """Remove a file; raises ``OSError``."""
        Path(path).unlink()

    def log(self, message: str) -> None:
        """Print a message meant for people."""
        print(message, file=sys.stderr)
