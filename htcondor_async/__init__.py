"""Asyncio-native client for HTCondor, in pure Python.

The public names are loaded when they are first used: importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from htcondor_async import _world
from htcondor_async import errors as errors
from htcondor_async._version import __version__

if TYPE_CHECKING:
    from htcondor_async._environment import Environment
    from htcondor_async.classad import ClassAd, ExprTree
    from htcondor_async.client import (
        Client,
        ConfigurationWarning,
        RetryPolicy,
        ServerCertificate,
        Timeouts,
        default_client,
        load_config,
        platform,
        use_client,
        version,
    )
    from htcondor_async.collector import Collector
    from htcondor_async.config import Config
    from htcondor_async.credd import CredCheck, Credd, CredStatus
    from htcondor_async.daemons import query_instance, send_alive, send_command, set_ready_state
    from htcondor_async.enums import (
        AdTypes,
        BlockingMode,
        CompletionTypes,
        CredTypes,
        DaemonCommands,
        DaemonTypes,
        DrainTypes,
        FileTransferEventType,
        JobAction,
        JobEventType,
        JobStatus,
        LogLevel,
        ProvisionerState,
        QueryOpts,
        SubsystemType,
        TransactionFlags,
        VacateTypes,
    )
    from htcondor_async.errors import *  # noqa: F403 - the whole tree of errors is public
    from htcondor_async.explain import Explanation, explain_permission
    from htcondor_async.fanout import QueryAll, ScheddResult, query_all
    from htcondor_async.history_cursor import HistoryCursor
    from htcondor_async.joblog import JobEvent, JobEventLog
    from htcondor_async.joblogs import JobEventLogs
    from htcondor_async.jobs import JobChange, JobNews, JobWatch, wait_for_jobs, watch
    from htcondor_async.logs import disable_logging, enable_debug, enable_log, log
    from htcondor_async.negotiator import Negotiator
    from htcondor_async.polling import Arrival, Arrivals, poll
    from htcondor_async.remote_param import ParameterInfo, RemoteParam
    from htcondor_async.schedd import EditResult, Schedd, SubmitResult, Transaction
    from htcondor_async.secman import SecMan
    from htcondor_async.startd import Startd
    from htcondor_async.streams import AdStream
    from htcondor_async.submit import Submit, SubmitContext, SubmitError, SubmitTypoWarning, SubmitWarning
    from htcondor_async.tokens import (
        PendingRequest,
        Token,
        TokenExpiryWarning,
        TokenList,
        TokenRequest,
        approve_token_request,
        auto_approve_token_requests,
        create_token,
        exchange_scitoken,
        list_token_requests,
        list_tokens,
        session_token,
    )

_HOMES = {
    "classad": ("ClassAd", "ExprTree"),
    "client": (
        "Client",
        "ConfigurationWarning",
        "RetryPolicy",
        "ServerCertificate",
        "Timeouts",
        "default_client",
        "load_config",
        "platform",
        "use_client",
        "version",
    ),
    "collector": ("Collector",),
    "config": ("Config",),
    "credd": ("CredCheck", "CredStatus", "Credd"),
    "daemons": ("query_instance", "send_alive", "send_command", "set_ready_state"),
    "explain": ("Explanation", "explain_permission"),
    "fanout": ("QueryAll", "ScheddResult", "query_all"),
    "history_cursor": ("HistoryCursor",),
    "joblog": (
        "JobEvent",
        "JobEventLog",
    ),
    "joblogs": ("JobEventLogs",),
    "jobs": ("JobChange", "JobNews", "JobWatch", "wait_for_jobs", "watch"),
    "logs": ("disable_logging", "enable_debug", "enable_log", "log"),
    "negotiator": ("Negotiator",),
    "remote_param": ("ParameterInfo", "RemoteParam"),
    "startd": ("Startd",),
    "polling": ("Arrival", "Arrivals", "poll"),
    "enums": (
        "AdTypes",
        "BlockingMode",
        "CompletionTypes",
        "CredTypes",
        "DaemonCommands",
        "DaemonTypes",
        "DrainTypes",
        "FileTransferEventType",
        "JobAction",
        "JobEventType",
        "JobStatus",
        "LogLevel",
        "ProvisionerState",
        "QueryOpts",
        "SubsystemType",
        "TransactionFlags",
        "VacateTypes",
    ),
    "errors": tuple(errors.__all__),
    "schedd": ("EditResult", "Schedd", "SubmitResult", "Transaction"),
    "secman": ("SecMan",),
    "streams": ("AdStream",),
    "submit": ("Submit", "SubmitContext", "SubmitError", "SubmitTypoWarning", "SubmitWarning"),
    "tokens": (
        "PendingRequest",
        "Token",
        "TokenExpiryWarning",
        "TokenList",
        "TokenRequest",
        "approve_token_request",
        "auto_approve_token_requests",
        "create_token",
        "exchange_scitoken",
        "list_token_requests",
        "list_tokens",
        "session_token",
    ),
}
# What a handle's first command would load: better now than inside an event loop, which would stand still meanwhile.
_HANDLES = ("client", "collector", "credd", "daemons", "negotiator", "remote_param", "schedd", "startd")
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def _machine() -> Environment:
    """Make the environment of expressions that are given none: this machine, configured as the current client is."""
    from htcondor_async._system import SystemEnvironment

    def param(name: str) -> str | None:
        from htcondor_async.client import default_client

        return default_client().config.get_str(name)

    return SystemEnvironment(param=param)


_world.provide(_machine)


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    if home in _HANDLES:
        importlib.import_module(f"{__name__}._preload").preload()
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
