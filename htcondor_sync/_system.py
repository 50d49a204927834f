"""This machine, as v1 sees it: what it has to say goes to standard error."""

from __future__ import annotations

import sys

from htcondor_async import _system

__all__ = ["SystemEnvironment"]


class SystemEnvironment(_system.SystemEnvironment):
    """The files, the clock and the users of this machine, with environment variables of some moment."""

    def log(self, message: str) -> None:
        """Print a message meant for people."""
        print(message, file=sys.stderr)
