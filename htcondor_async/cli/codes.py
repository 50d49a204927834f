"""Exit codes of the command line."""

from __future__ import annotations

import enum

from htcondor_async.errors import (
    HTCondorIOError,
    HTCondorLocateError,
    HTCondorReplyError,
    SecurityError,
)

__all__ = ["Exit", "code_of"]


class Exit(enum.IntEnum):
    """What a command ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    INTERRUPTED = 130
    NO_READER = 141


def code_of(error: BaseException) -> Exit:
    """Return the exit code of an error."""
    if isinstance(error, SecurityError):
        return Exit.REFUSED
    if isinstance(error, HTCondorLocateError):
        return Exit.NOT_FOUND
    if isinstance(error, (HTCondorReplyError, HTCondorIOError)):
        return Exit.FAILED
    if isinstance(error, OSError):
        return Exit.FAILED
    if isinstance(error, (ValueError, TypeError)):
        return Exit.USAGE
    return Exit.FAILED
