"""v1's logging: ``log``, ``enable_debug``, ``enable_log``; and who this client says it is."""

from __future__ import annotations

import logging
import sys

from htcondor_async._cedar.identity import VERSION_STRING
from htcondor_async._runtime.host import os_name
from htcondor_async.errors import HTCondorValueError
from htcondor_sync._arguments import expect
from htcondor_sync._generated.enums import LogLevel
from htcondor_sync._state import STATE

__all__ = ["enable_debug", "enable_log", "log", "platform", "version"]

_log = logging.getLogger("htcondor_async")
_FORMAT = logging.Formatter("%(asctime)s %(message)s", "%m/%d/%y %H:%M:%S")
_LEVELS = {0: logging.INFO, 1: logging.ERROR, 2: logging.INFO}
_CATEGORY = 0x1F
_installed: list[logging.Handler] = []


def _install(handler: logging.Handler) -> None:
    handler.setFormatter(_FORMAT)
    for old in _installed:
        _log.removeHandler(old)
        old.close()
    _installed[:] = [handler]
    _log.addHandler(handler)
    debug = STATE.config.get_str("TOOL_DEBUG", "") or ""
    verbose = any(
        word.strip(" ,").upper() in ("D_FULLDEBUG", "D_ALL", "D_NETWORK", "D_SECURITY") for word in debug.split()
    )
    _log.setLevel(logging.DEBUG if verbose else logging.INFO)


def enable_debug() -> None:
    """Print what this client logs on standard error; TOOL_DEBUG says how much."""
    _install(logging.StreamHandler(sys.stderr))


def enable_log() -> None:
    """Append what this client logs to the file TOOL_LOG; TOOL_DEBUG says how much."""
    path = STATE.config.get_str("TOOL_LOG", "")
    if not path:
        raise HTCondorValueError("TOOL_LOG is not set")
    _install(logging.FileHandler(path))


def log(level: int, msg: str) -> None:
    """Log a message, in the category that the level names."""
    expect("log", ("level", level, int), ("msg", msg, str))
    category = int(level) & _CATEGORY
    _log.log(logging.DEBUG if int(level) & int(LogLevel.FullDebug) else _LEVELS.get(category, logging.DEBUG), "%s", msg)


def version() -> str:
    """Return the version of HTCondor whose protocol and API this is."""
    return VERSION_STRING


def platform() -> str:
    """Return the platform, as HTCondor writes it."""
    machine, system = os_name()
    return f"$CondorPlatform: {machine.upper() if machine == 'x86_64' else machine}-{system} $"
