"""HTCondor's logging on top of :mod:`logging`: its categories, its line format, its parameters.

The package logs to loggers below ``htcondor_async`` and configures none of them; :func:`log` does the same under
``htcondor_async.log``. :func:`enable_debug` and :func:`enable_log` add one handler that chooses and writes lines as
HTCondor's tools do, by TOOL_DEBUG (``condor_utils/dprintf.cpp``, ``dprintf_common.cpp``).
"""

from __future__ import annotations

import hashlib
import logging
import logging.handlers
import os
import re
import sys
import threading
import time
import traceback
from typing import TextIO

import attrs

from htcondor_async.client import Client, default_client
from htcondor_async.config import Config
from htcondor_async.enums import LogLevel
from htcondor_async.errors import HTCondorTypeError, HTCondorValueError

__all__ = ["CondorFormatter", "DebugSettings", "disable_logging", "enable_debug", "enable_log", "log", "set_logging"]

_root = logging.getLogger("htcondor_async")
_root.addHandler(logging.NullHandler())  # without a handler, Python would print errors by itself
_log = logging.getLogger("htcondor_async.log")

CATEGORIES = [
    "D_ALWAYS",
    "D_ERROR",
    "D_STATUS",
    "D_ZKM",
    "D_JOB",
    "D_MACHINE",
    "D_CONFIG",
    "D_PROTOCOL",
    "D_PRIV",
    "D_DAEMONCORE",
    "D_FULLDEBUG",
    "D_SECURITY",
    "D_COMMAND",
    "D_MATCH",
    "D_NETWORK",
    "D_KEYBOARD",
    "D_PROCFAMILY",
    "D_IDLE",
    "D_THREADS",
    "D_ACCOUNTANT",
    "D_SYSCALLS",
    "D_CRON",
    "D_HOSTNAME",
    "D_PERF_TRACE",
    "D_LOAD",
    "D_PROC",
    "D_NFS",
    "D_AUDIT",
    "D_TEST",
    "D_STATS",
    "D_MATERIALIZE",
    "D_DYE",
]
"""The categories, by number."""

_CATEGORY_MASK = 0x1F
_DETAIL = 0x300  # how verbose within the category
_BACKTRACE, _IDENT, _SUB_SECOND, _TIMESTAMP, _PID, _FDS, _CAT, _NO_HEADER = (1 << bit for bit in range(24, 32))
_HEADER_MASK = 0xFF000000
_EVERYTHING = (1 << len(CATEGORIES)) - 1
_STATUS = 2
_HEADER_WORDS = {
    "D_PID": _PID,
    "D_FDS": _FDS,
    "D_IDENT": _IDENT,
    "D_LEVEL": _CAT,
    "D_CATEGORY": _CAT,
    "D_CAT": _CAT,
    "D_SUB_SECOND": _SUB_SECOND,
    "D_TIMESTAMP": _TIMESTAMP,
    "D_BACKTRACE": _BACKTRACE,
}
_CATEGORY_OF_LOGGER = {
    "security": LogLevel.Security,
    "network": LogLevel.Network,
    "config": LogLevel.Config,
    "daemons": LogLevel.DaemonCore,
}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"\s*(\d{1,15})\s*([KMGT]?)B?\s*\Z", re.IGNORECASE)
_DEFAULT_TIME_FORMAT = "%m/%d/%y %H:%M:%S"
_DEFAULT_MAX_LOG = 10 << 20


@attrs.frozen
class DebugSettings:
    """Which messages are shown, and what stands in front of them.

    Parameters
    ----------
    basic, verbose
        A bit for each category: whether its messages, and its verbose messages, are shown.
    header
        Parts of the header, as the flags in the upper byte of a level.
    """

    basic: int = 0b111
    verbose: int = 0
    header: int = 0

    @classmethod
    def parse(cls, *texts: str) -> DebugSettings:
        """Read values of parameters such as TOOL_DEBUG, one after another: ``"D_SECURITY:2 D_CAT -D_NETWORK"``.

        Words that are not known are ignored, as HTCondor does.
        """
        basic, verbose, header = 0b111, 0, 0
        for text in texts:
            for word in re.split(r"[|, ]+", text):
                bits, flags, detail = _word(word)
                if detail:
                    header |= flags
                    basic |= bits
                    verbose |= bits if detail > 1 else 0
                else:
                    header &= ~flags
                    verbose &= ~bits
            if verbose & 1:
                basic |= 1 << CATEGORIES.index("D_FULLDEBUG")
        return cls(basic, verbose, header)

    @classmethod
    def from_config(cls, config: Config) -> DebugSettings:
        """Read ALL_DEBUG, ``<SUBSYSTEM>_DEBUG`` (else DEFAULT_DEBUG) and LOGS_USE_TIMESTAMP."""
        own = config.get_str(f"{config.subsystem}_DEBUG", "") or config.get_str("DEFAULT_DEBUG", "")
        found = cls.parse(config.get_str("ALL_DEBUG", ""), own)
        if config.get_bool("LOGS_USE_TIMESTAMP", False):
            found = attrs.evolve(found, header=found.header | _TIMESTAMP)
        return found

    def shows(self, level: int) -> bool:
        """Return whether a message of this level is shown."""
        bit = 1 << (level & _CATEGORY_MASK)
        if self.verbose & bit:
            return True
        if level & (_DETAIL | LogLevel.FullDebug):
            return False
        return bool(self.basic & bit) or level & _CATEGORY_MASK == LogLevel.Always


def _word(word: str) -> tuple[int, int, int]:
    """Return the categories, the header flags and the detail (0: off) that one word stands for."""
    detail = 0 if word.startswith("-") else 1
    name, colon, number = word.lstrip("+-").upper().partition(":")
    if colon and number[:1].isdigit():
        detail = int(number[0])
    if name == "D_ALL":
        return _EVERYTHING, _PID | _FDS | _CAT, detail
    if name == "D_ANY":
        return _EVERYTHING, 0, detail
    if name == "D_FULLDEBUG":
        return 1, 0, 2 * detail
    if name == "D_FAILURE":
        return 1 << LogLevel.Error, 0, detail
    if name in _HEADER_WORDS:
        return 0, _HEADER_WORDS[name], detail
    return (1 << CATEGORIES.index(name) if name in CATEGORIES else 0), 0, detail


def level_of(record: logging.LogRecord) -> int:
    """Return HTCondor's level of a record: that given to :func:`log`, else one for its logger and Python's level."""
    level = getattr(record, "condor_level", None)
    if isinstance(level, int):
        return level & 0xFFFFFFFF
    if record.levelno >= logging.ERROR:
        return int(LogLevel.Error)
    if record.levelno >= logging.INFO:
        return int(LogLevel.Always)
    part = record.name.removeprefix("htcondor_async.").partition(".")[0]
    return int(_CATEGORY_OF_LOGGER.get(part, LogLevel.FullDebug))


class CondorFormatter(logging.Formatter):
    """Writes records as lines of an HTCondor log.

    Parameters
    ----------
    settings
        What stands in front of each line; what is shown is decided by :class:`DebugSettings` alone.
    time_format
        As DEBUG_TIME_FORMAT, for ``strftime``; local time.
    """

    def __init__(self, settings: DebugSettings, time_format: str = _DEFAULT_TIME_FORMAT) -> None:
        super().__init__("%(message)s")
        self._settings = settings
        self._time_format = time_format
        self._stacks: set[str] = set()

    def format(self, record: logging.LogRecord) -> str:
        """Return the header and the message."""
        level = level_of(record)
        flags = self._settings.header | (level & _HEADER_MASK)
        text = super().format(record)
        if flags & _NO_HEADER:
            return text
        parts = [self._time(record, flags)]
        if flags & _FDS:
            parts.append(f"(fd:{_lowest_descriptor()})")
        if flags & _PID:
            parts.append(f"(pid:{record.process})")
        if flags & _IDENT:
            parts.append("(cid:0)")
        stack = ""
        if flags & _BACKTRACE:
            name, stack = self._backtrace()
            parts.append(f"({name})")
        if flags & _CAT:
            parts.append(f"({_category(level)})")
        return " ".join([*parts, text]) + stack

    def _time(self, record: logging.LogRecord, flags: int) -> str:
        if flags & _SUB_SECOND:
            milliseconds = int(record.created * 1000 + 0.5)
            seconds, fraction = milliseconds // 1000, f".{milliseconds % 1000:03d}"
        else:
            seconds, fraction = int(record.created), ""
        shown = str(seconds) if flags & _TIMESTAMP else time.strftime(self._time_format, time.localtime(seconds))
        return shown + fraction

    def _backtrace(self) -> tuple[str, str]:
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_stack(limit=50)
            if not frame.filename.endswith(("logging/__init__.py", "htcondor_async/logs.py"))
        ]
        digest = hashlib.sha256("\n".join(frames).encode("utf-8", "replace")).hexdigest()[:4]
        name = f"bt:{digest}:{len(frames)}"
        if name in self._stacks:
            return name, ""
        self._stacks.add(name)
        return name, "\n" + "\n".join(["\tBacktrace " + name + " is", *(f"\t{frame}" for frame in reversed(frames))])


def _category(level: int) -> str:
    number = level & _CATEGORY_MASK
    detail = 2 if level & LogLevel.FullDebug else 1 + ((level & _DETAIL) >> 8)
    shown = f":{detail}" if level & (_DETAIL | LogLevel.FullDebug) else ""
    return CATEGORIES[0 if number == _STATUS else number] + shown


def _lowest_descriptor() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


# -- switching it on


class _Switch:
    """The one handler of the process, and the logger's level from before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handler: logging.Handler | None = None
        self._level = logging.NOTSET

    def install(self, handler: logging.Handler | None) -> None:
        with self._lock:
            old, self._handler = self._handler, handler
            if old is not None:
                _root.removeHandler(old)
                old.close()
                if handler is None:
                    _root.setLevel(self._level)
            if handler is not None:
                if old is None:
                    self._level = _root.level
                _root.setLevel(logging.DEBUG)
                _root.addHandler(handler)


_switch = _Switch()


def set_logging(handler: logging.Handler, config: Config) -> None:
    """Give ``handler`` HTCondor's format and choice of messages, and make it the package's only one of this kind."""
    settings = DebugSettings.from_config(config)
    time_format = config.get_str("DEBUG_TIME_FORMAT", "")
    if time_format.startswith('"'):
        time_format = time_format[1:].partition('"')[0]
    handler.setFormatter(CondorFormatter(settings, time_format or _DEFAULT_TIME_FORMAT))
    handler.setLevel(logging.NOTSET)
    handler.addFilter(lambda record: settings.shows(level_of(record)))
    _switch.install(handler)


def _config(client: Client | None) -> Config:
    return (client if client is not None else default_client()).config


def enable_debug(*, client: Client | None = None, stream: TextIO | None = None) -> None:
    """Write what is logged to standard error, as much of it as TOOL_DEBUG says at this moment.

    Parameters
    ----------
    client
        Whose configuration holds; by default that of the current context.
    stream
        In place of standard error.
    """
    set_logging(logging.StreamHandler(stream if stream is not None else sys.stderr), _config(client))


def enable_log(*, client: Client | None = None) -> None:
    """Append what is logged to the file TOOL_LOG, which becomes ``TOOL_LOG.old`` when it is larger than MAX_TOOL_LOG.

    Parameters
    ----------
    client
        Whose configuration holds; by default that of the current context.

    Raises
    ------
    HTCondorValueError
        The configuration names no file, or a size that is none.
    OSError
        The file cannot be opened.
    """
    config = _config(client)
    path = config.get_str(f"{config.subsystem}_LOG")
    if not path:
        raise HTCondorValueError(f"{config.subsystem}_LOG is not set", hint="it names the file to log to")
    limit = config.get_str(f"MAX_{config.subsystem}_LOG") or config.get_str("MAX_DEFAULT_LOG") or str(_DEFAULT_MAX_LOG)
    size = _SIZE.match(limit)
    if size is None:
        raise HTCondorValueError(f"MAX_{config.subsystem}_LOG is not a size: {limit!r}", hint="as in 10 Mb")
    most = int(size[1]) * _UNITS[size[2].upper()]
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=most, backupCount=1 if most else 0, encoding="utf-8", errors="surrogateescape"
    )
    handler.namer = lambda name: name.removesuffix(".1") + ".old"
    set_logging(handler, config)


def disable_logging() -> None:
    """Undo :func:`enable_debug` and :func:`enable_log`."""
    _switch.install(None)


def log(level: int, message: str) -> None:
    """Log a message under ``htcondor_async.log``.

    Parameters
    ----------
    level
        A category of :class:`LogLevel`, or-ed with ``Verbose`` or ``FullDebug``, and with ``SubSecond``, ``Timestamp``,
        ``PID`` and ``NoHeader`` for this line alone. For :mod:`logging`, ``Error`` is an error, ``Always`` and
        ``Status`` are information, all else is for debugging.
    message
        The text.
    """
    if isinstance(level, bool) or not isinstance(level, int):
        raise HTCondorTypeError(f"a level is a number, not {type(level).__name__}")
    if not isinstance(message, str):
        raise HTCondorTypeError(f"a message is text, not {type(message).__name__}")
    category = level & _CATEGORY_MASK
    if level & (_DETAIL | LogLevel.FullDebug):
        python = logging.DEBUG
    elif category == LogLevel.Error:
        python = logging.ERROR
    else:
        python = logging.INFO if category in (LogLevel.Always, LogLevel.Status) else logging.DEBUG
    _log.log(python, "%s", message, extra={"condor_level": int(level)})
