"""v1's logging: ``log``, ``enable_debug``, ``enable_log``; and who this client says it is."""

from __future__ import annotations

from htcondor_async import logs as _logs
from htcondor_async._cedar.identity import VERSION_STRING
from htcondor_async._runtime.host import os_name
from htcondor_sync._arguments import expect
from htcondor_sync._state import STATE

__all__ = ["enable_debug", "enable_log", "log", "platform", "version"]


def enable_debug() -> None:
    """Print what this client logs on standard error; TOOL_DEBUG says how much."""
    _logs.enable_debug(client=STATE.client)


def enable_log() -> None:
    """Append what this client logs to the file TOOL_LOG; TOOL_DEBUG says how much."""
    _logs.enable_log(client=STATE.client)


def log(level: int, msg: str) -> None:
    """Log a message, in the category that the level names."""
    expect("log", ("level", level, int), ("msg", msg, str))
    _logs.log(int(level), msg)


def version() -> str:
    """Return the version of HTCondor whose protocol and API this is."""
    return VERSION_STRING


def platform() -> str:
    """Return the platform, as HTCondor writes it."""
    machine, system = os_name()
    return f"$CondorPlatform: {machine.upper() if machine == 'x86_64' else machine}-{system} $"
