"""The blocking HTCondor v1 API on the core of :mod:`htcondor_async`.

Use it under its own name (``import htcondor_sync as htcondor``), under the old names after :func:`install`, or run an
old script unchanged: ``python -m htcondor_sync SCRIPT``. Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from htcondor_async import errors as _errors
from htcondor_async.errors import (
    HTCondorEnumError as HTCondorEnumError,
)
from htcondor_async.errors import (
    HTCondorException as HTCondorException,
)
from htcondor_async.errors import (
    HTCondorInternalError as HTCondorInternalError,
)
from htcondor_async.errors import (
    HTCondorIOError as HTCondorIOError,
)
from htcondor_async.errors import (
    HTCondorLocateError as HTCondorLocateError,
)
from htcondor_async.errors import (
    HTCondorReplyError as HTCondorReplyError,
)
from htcondor_async.errors import (
    HTCondorTypeError as HTCondorTypeError,
)
from htcondor_async.errors import (
    HTCondorValueError as HTCondorValueError,
)
from htcondor_sync._install import install as install
from htcondor_sync._snapshot import VARIABLES as _VARIABLES  # noqa: F401 - of now, not of the first use

__version__ = "24.0.24"

_HOMES = {
    "_collector": ("Collector",),
    "_credentials": ("CredCheck", "CredStatus"),
    "_daemons": ("send_alive", "send_command", "set_ready_state"),
    "_generated.credd": ("Credd",),
    "_generated.enums": (
        "AdTypes",
        "BlockingMode",
        "CredTypes",
        "DaemonCommands",
        "DaemonTypes",
        "DrainTypes",
        "EntryType",
        "FileTransferEventType",
        "JobAction",
        "JobEventType",
        "LockType",
        "LogLevel",
        "ProvisionerState",
        "QueryOpts",
        "SubsystemType",
        "TransactionFlags",
        "VacateTypes",
    ),
    "_generated.negotiator": ("Negotiator",),
    "_generated.startd": ("Startd",),
    "_iterators": ("BulkQueryIterator", "HistoryIterator", "QueryIterator", "poll"),
    "_job_log": ("EventIterator", "JobEvent", "JobEventLog", "read_events"),
    "_job_status": ("JobStatus",),
    "_leftovers": ("Claim", "ResourceRequestIterator", "enable_classad_extensions"),
    "_locks": ("FileLock", "lock"),
    "_log_reader": ("LogReader",),
    "_logs": ("enable_debug", "enable_log", "log", "platform", "version"),
    "_param": ("_Param", "param", "reload_config", "set_subsystem"),
    "_remote_param": ("RemoteParam",),
    "_schedd": ("EditResult", "QueueItemsIterator", "Schedd", "ScheddNegotiate", "Submit", "Transaction"),
    "_secman": ("SecMan",),
    "_submission": ("SubmitJobsIterator", "SubmitResult"),
    "_tokens": ("Token", "TokenRequest"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_ERRORS = tuple(name for name in _errors.__all__ if name.startswith("HTCondor"))

__all__ = [*_ERRORS, *sorted(name for name in _HOME_OF if not name.startswith("_"))]


def __getattr__(name: str) -> Any:
    if name in ("classad", "htcondor"):  # v1's module has them too
        return importlib.import_module(f"htcondor_sync.{name}")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"htcondor_sync.{home}"), name)
    setattr(sys.modules["htcondor_sync"], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "classad", "htcondor", "install", *(name for name in globals() if name.startswith("__"))})
