"""v2's ``htcondor2``: where it differs from v1. Enumerations are Python's, lists take the place of iterators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.enums import JobStatus
from htcondor_async.errors import (
    HTCondorException,
    HTCondorIOError,
    HTCondorLocateError,
    HTCondorReplyError,
    HTCondorTypeError,
    HTCondorValueError,
)
from htcondor_sync import _collector, _daemons, _job_log, _logs, _param, _remote_param, _schedd, _secman, _submission
from htcondor_sync import _tokens as _tokens
from htcondor_sync._generated import credd as _credd
from htcondor_sync._generated import enums as _enums
from htcondor_sync._generated import negotiator as _negotiator
from htcondor_sync._generated import startd as _startd
from htcondor_sync._generated.enums_v2 import (
    AdType,
    CompletionType,
    CredType,
    DaemonCommand,
    DaemonType,
    DrainType,
    JobAction,
    JobEventType,
    LogLevel,
    QueryOpt,
    SubsystemType,
    TransactionFlag,
    VacateType,
)
from htcondor_sync._unserved import not_served
from htcondor_sync.classad import ClassAd as V1Ad
from htcondor_sync.v2 import classad2

AdTypes, DaemonTypes, QueryOpts, DaemonCommands = AdType, DaemonType, QueryOpt, DaemonCommand
TransactionFlags, DrainTypes, CredTypes, VacateTypes = TransactionFlag, DrainType, CredType, VacateType
Token, TokenRequest = _tokens.Token, _tokens.TokenRequest
enable_debug, enable_log, log = _logs.enable_debug, _logs.enable_log, _logs.log
platform, version = _logs.platform, _logs.version
param, reload_config, set_subsystem = _param.param, _param.reload_config, _param.set_subsystem
send_alive, set_ready_state = _daemons.send_alive, _daemons.set_ready_state
SubmitResult = _submission.SubmitResult

__version__ = "24.0.24"

_UNSERVED = frozenset(("DAGMan", "Placementd", "SecurityContext", "load_a_config_usermap_file"))


def __getattr__(name: str) -> Any:
    if name in _UNSERVED:
        raise not_served(f"htcondor2.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _out(value: Any) -> Any:
    """Return what v1 returned with v2's ads in it."""
    if isinstance(value, V1Ad):
        return classad2.ClassAd._of(value._unwrap())
    return [_out(item) for item in value] if isinstance(value, list) else value


def _in(value: Any) -> Any:
    """Return an argument with v1's ads in it."""
    if isinstance(value, CoreAd):
        return V1Ad._wrap(value)
    return [_in(item) for item in value] if isinstance(value, (list, tuple)) else value


def _of(kind: Any, value: int) -> Any:
    """Return v1's member for one of v2's."""
    return kind.values.get(int(value), kind(int(value)))


class Collector(_collector.Collector):
    """A handle on the collectors of a pool."""

    def __init__(self, pool: Any = None) -> None:
        super().__init__(_in(pool) if isinstance(pool, CoreAd) else pool)

    def query(
        self, ad_type: int = AdType.Any, constraint: Any = None, projection: Any = None, statistics: Any = None
    ) -> Any:
        """Return the ads of one kind."""
        kind = _of(_enums.AdTypes, ad_type)
        return _out(super().query(kind, constraint, list(projection or []), statistics or ""))

    def locate(self, daemon_type: int, name: str | None = None) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the location of a daemon."""
        kind = _of(_enums.DaemonTypes, daemon_type)
        return _out(super().locate(kind) if name is None else super().locate(kind, name))

    def locateAll(self, daemon_type: int) -> Any:
        """Return the locations of all daemons of a kind."""
        return _out(super().locateAll(_of(_enums.DaemonTypes, daemon_type)))

    def directQuery(self, daemon_type: int, name: Any = None, projection: Any = None, statistics: Any = None) -> Any:
        """Return what a daemon says of itself."""
        kind = _of(_enums.DaemonTypes, daemon_type)
        return _out(super().directQuery(kind, name or "", list(projection or []), statistics or ""))

    def advertise(self, ad_list: list[Any], command: str = "UPDATE_AD_GENERIC", use_tcp: bool = True) -> None:
        """Send ads to the collectors."""
        super().advertise(_in(ad_list), command, use_tcp)


class Schedd(_schedd.Schedd):
    """A handle on a schedd."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_in(location))

    def query(
        self,
        constraint: Any = "True",
        projection: Any = (),
        callback: Callable[[Any], Any] | None = None,
        limit: int = -1,
        opts: int = QueryOpt.Default,
    ) -> Any:
        """Return the ads of jobs, or what the callback makes of them."""
        found = _out(super().query(constraint, list(projection), None, limit, _of(_enums.QueryOpts, opts)))
        if callback is None:
            return found
        return [kept for kept in map(callback, found) if kept is not None]

    def history(self, constraint: Any = None, projection: Any = (), match: int = -1, since: Any = None) -> Any:
        """Return the ads of jobs that have left the queue."""
        return _out(list(super().history(constraint, list(projection), match, since)))

    def jobEpochHistory(
        self, constraint: Any = None, projection: Any = (), match: int = -1, since: Any = None, ad_type: Any = None
    ) -> Any:
        """Return the ads of single runs of jobs."""
        return _out(list(super().jobEpochHistory(constraint, list(projection), match, since, ad_type)))

    def act(self, action: int, job_spec: Any, reason: Any = None) -> Any:
        """Act on jobs."""
        spec = str(job_spec) if isinstance(job_spec, int) and not isinstance(job_spec, bool) else job_spec
        return _out(super().act(_of(_enums.JobAction, action), spec, reason))

    def edit(self, job_spec: Any, attr: str, value: Any, flags: int = 0) -> Any:  # type: ignore[override]  # the signature is v2's
        """Change an attribute of jobs; return how many were changed."""
        spec = str(job_spec) if isinstance(job_spec, int) and not isinstance(job_spec, bool) else job_spec
        ids = isinstance(spec, str) and spec.replace(".", "", 1).isdigit()
        return int(super().edit([spec] if ids else spec, attr, value, int(flags)))

    def submit(  # type: ignore[override]  # the signature is v2's
        self, description: Any, count: int = 0, spool: bool = False, itemdata: Any = None, queue: str | None = None
    ) -> Any:
        """Submit jobs; a QUEUE statement of the description counts, unless there are ``count`` or ``itemdata``."""
        if not isinstance(description, Submit):
            raise TypeError(f"description must be a Submit, not {type(description).__name__}")
        arguments = description.getQArgs() if queue is None else queue
        if itemdata is None and not count and arguments:
            items = list(description.itemdata(arguments))
            words = arguments.split()
            count = int(words[0]) if words and words[0].isdigit() else 1
            itemdata = iter(items) if items else None
        return super().submit(description, count or 1, spool, None, None if itemdata is None else iter(itemdata))

    def spool(self, result: Any) -> None:
        """Send the input files of jobs that were submitted with ``spool=True``."""
        super().spool(_in(result))

    def queryUserAds(self, constraint: Any = "", projection: Any = (), callback: Any = None, limit: int = -1) -> Any:
        """Return the records of users."""
        found = _out(super().query_users(constraint or "true", list(projection), limit))
        return found if callback is None else [kept for kept in map(callback, found) if kept is not None]

    def addUserRec(self, user_spec: Any) -> Any:
        """Make records of users."""
        return _out(super().enable_users([user_spec] if isinstance(user_spec, str) else list(user_spec), True))

    def enableUserRec(self, user_spec: Any) -> Any:
        """Let users submit again: a list of names, or a constraint."""
        return _out(
            super().enable_users(user_spec) if isinstance(user_spec, list) else super().enable_users_matching(user_spec)
        )

    def disableUserRec(self, user_spec: Any, reason: Any = None) -> Any:
        """Let users submit no more: a list of names, or a constraint."""
        if isinstance(user_spec, list):
            return _out(super().disable_users(user_spec, reason))
        return _out(super().disable_users_matching(user_spec, reason))


class Submit(_schedd.Submit):
    """A submit description."""

    def __init__(self, input: Any = None, queue: str | None = None, **kwargs: Any) -> None:
        super().__init__(*([] if input is None else [input]), **kwargs)
        if queue is not None:
            self.setQArgs(queue)

    def get(self, attr: str, default: Any = None) -> Any:
        """Return the value of a command, or ``default``."""
        return self._core.get(attr, default)

    def jobs(self, *args: Any, **kwargs: Any) -> Any:
        """Return an iterator over complete job ads."""
        return map(_out, super().jobs(*args, **kwargs))

    def procs(self, *args: Any, **kwargs: Any) -> Any:
        """Return an iterator over a complete first ad and what the other jobs have of their own."""
        return map(_out, super().procs(*args, **kwargs))


class Negotiator(_negotiator.Negotiator):
    """A handle on a negotiator."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_in(location))

    def getPriorities(self, rollup: bool = False) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the accounting records."""
        return _out(super().getPriorities(rollup))

    def getResourceUsage(self, user: str) -> Any:
        """Return the resources of a user."""
        return _out(super().getResourceUsage(user))


class Startd(_startd.Startd):
    """A handle on a startd."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_in(location))

    def history(self, constraint: Any = None, projection: Any = (), match: int = -1, since: Any = None) -> Any:
        """Return the ads of jobs that ran there."""
        return _out(list(super().history(constraint, list(projection), match, since)))


class Credd(_credd.Credd):
    """A handle on a credd."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_in(location))


class RemoteParam(_remote_param.RemoteParam):
    """The configuration of a daemon as a mapping."""

    def __init__(self, location: Any) -> None:
        super().__init__(_in(location))


class JobEventLog(_job_log.JobEventLog):
    """A job event log."""

    def events(self, stop_after: Any = None) -> JobEventLog:
        """Return itself, to be iterated over for so many seconds."""
        super().events(stop_after)
        return self


def ping(location: Any, authz: str | None = None) -> Any:
    """Ask a daemon whether it would let this client give a command."""
    return _out(_secman.SecMan().ping(_in(location), "DC_NOP" if authz is None else authz))


def send_command(ad: Any, dc: int, target: str | None = None) -> None:
    """Send a command to a daemon."""
    command = _of(_enums.DaemonCommands, dc)
    _daemons.send_command(_in(ad), command, *([] if target is None else [target]))


__all__ = [
    "AdType",
    "AdTypes",
    "Collector",
    "CompletionType",
    "CredType",
    "CredTypes",
    "Credd",
    "DaemonCommand",
    "DaemonCommands",
    "DaemonType",
    "DaemonTypes",
    "DrainType",
    "DrainTypes",
    "HTCondorException",
    "HTCondorIOError",
    "HTCondorLocateError",
    "HTCondorReplyError",
    "HTCondorTypeError",
    "HTCondorValueError",
    "JobAction",
    "JobEventLog",
    "JobEventType",
    "JobStatus",
    "LogLevel",
    "Negotiator",
    "QueryOpt",
    "QueryOpts",
    "RemoteParam",
    "Schedd",
    "Startd",
    "Submit",
    "SubmitResult",
    "SubsystemType",
    "Token",
    "TokenRequest",
    "TransactionFlag",
    "TransactionFlags",
    "VacateType",
    "VacateTypes",
    "enable_debug",
    "enable_log",
    "log",
    "param",
    "ping",
    "platform",
    "reload_config",
    "send_alive",
    "send_command",
    "set_ready_state",
    "set_subsystem",
    "version",
]
