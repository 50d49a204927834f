"""v2's ``htcondor2``: where it differs from v1. Enumerations are Python's, lists take the place of iterators."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from htcondor_async import logs as _core_logs
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
from htcondor_sync._calls import call
from htcondor_sync._coercions import job_spec_in
from htcondor_sync._credentials import CredCheck
from htcondor_sync._generated import enums as _enums
from htcondor_sync._generated import negotiator as _negotiator
from htcondor_sync._generated import startd as _startd
from htcondor_sync._generated.enums_v2 import (
    AdType,
    CommonFilesEventType,
    CompletionType,
    CredType,
    DaemonCommand,
    DaemonType,
    DrainType,
    FileTransferEventType,
    HistorySrc,
    JobAction,
    JobEventType,
    LogLevel,
    QueryOpt,
    SubmitMethod,
    SubsystemType,
    TransactionFlag,
    VacateType,
)
from htcondor_sync._state import STATE
from htcondor_sync._unserved import not_served, unserved
from htcondor_sync.v2._credd import Credd
from htcondor_sync.v2._security import SecurityContext, secured
from htcondor_sync.v2._submit import Submit
from htcondor_sync.v2._values import ads_in as _in
from htcondor_sync.v2._values import is_id as _is_id
from htcondor_sync.v2._values import location_in as _location
from htcondor_sync.v2._values import member as _of
from htcondor_sync.v2._values import out as _out

AdTypes, DaemonTypes, QueryOpts, DaemonCommands = AdType, DaemonType, QueryOpt, DaemonCommand
TransactionFlags, DrainTypes, CredTypes, VacateTypes = TransactionFlag, DrainType, CredType, VacateType
Token, TokenRequest = _tokens.Token, _tokens.TokenRequest
enable_log, log = _logs.enable_log, _logs.log
disable_debug = _core_logs.disable_logging
platform, version = _logs.platform, _logs.version
param, set_subsystem = _param.param, _param.set_subsystem
send_alive, set_ready_state = _daemons.send_alive, _daemons.set_ready_state
__version__ = "24.0.24"

_UNSERVED = frozenset(("DAGMan", "Placementd", "load_a_config_usermap_file", "reload_config_usermaps"))


def __getattr__(name: str) -> Any:
    if name in _UNSERVED:
        raise not_served(f"htcondor2.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class SubmitResult(_submission.SubmitResult):
    """What was submitted."""

    def clusterad(self) -> Any:
        """Return what the jobs have in common."""
        return _out(super().clusterad())


class Collector(_collector.Collector):
    """A handle on the collectors of a pool."""

    def __init__(self, pool: Any = None, security: SecurityContext | None = None) -> None:
        if isinstance(pool, tuple) and all(isinstance(host, str) for host in pool):
            pool = list(pool)
        super().__init__(_in(pool) if isinstance(pool, CoreAd) else pool)
        self._security = security

    def query(
        self, ad_type: int = AdType.Any, constraint: Any = None, projection: Any = None, statistics: Any = None
    ) -> Any:
        """Return the ads of one kind."""
        kind = _of(_enums.AdTypes, ad_type)
        with secured(self._security):
            return _out(super().query(kind, constraint, list(projection or []), statistics or ""))

    def locate(self, daemon_type: int, name: str | None = None) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the location of a daemon; None if there is none of that name."""
        kind = _of(_enums.DaemonTypes, daemon_type)
        located = super(_collector.Collector, self).locate  # v1's cuts the ad of a daemon without a name short
        with secured(self._security):
            try:
                return _out(located(kind)) if name is None else _out(located(kind, name)) if name else None
            except HTCondorLocateError:
                if name is None:
                    raise
                return None

    def locateAll(self, daemon_type: int) -> Any:
        """Return the locations of all daemons of a kind."""
        with secured(self._security):
            return _out(super().locateAll(_of(_enums.DaemonTypes, daemon_type)))

    def directQuery(self, daemon_type: int, name: Any = None, projection: Any = None, statistics: Any = None) -> Any:
        """Return what a daemon says of itself."""
        kind = _of(_enums.DaemonTypes, daemon_type)
        with secured(self._security):
            return _out(super().directQuery(kind, name or "", list(projection or []), statistics or ""))

    def advertise(self, ad_list: list[Any], command: str = "UPDATE_AD_GENERIC", use_tcp: bool = True) -> None:
        """Send ads to the collectors."""
        with secured(self._security):
            super().advertise(_in(ad_list), command, use_tcp)


class Schedd(_schedd.Schedd):
    """A handle on a schedd."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_location(location))

    def query(
        self,
        constraint: Any = "True",
        projection: Any = (),
        callback: Callable[[Any], Any] | None = None,
        limit: int = -1,
        opts: int = QueryOpt.Default,
    ) -> Any:
        """Return the ads of jobs, or what the callback makes of them."""
        found: list[Any] = _out(super().query(constraint, list(projection), None, limit, _of(_enums.QueryOpts, opts)))
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
        spec = [str(job_spec)] if _is_id(job_spec) else job_spec
        return _out(super().act(_of(_enums.JobAction, action), spec, reason))

    def edit(self, job_spec: Any, attr: str, value: Any, flags: int = 0) -> Any:  # type: ignore[override]  # the signature is v2's
        """Change an attribute of jobs; return how many were changed."""
        spec = [str(job_spec)] if _is_id(job_spec) else job_spec
        return int(super().edit(spec, attr, value, int(flags)))

    def submit(  # type: ignore[override]  # the signature is v2's
        self, description: Any, count: int = 0, spool: bool = False, itemdata: Any = None, queue: str | None = None
    ) -> Any:
        """Submit jobs; a QUEUE statement of the description counts, unless there are ``count`` or ``itemdata``."""
        if not isinstance(description, Submit):
            raise TypeError(f"description must be a Submit, not {type(description).__name__}")
        arguments = description.getQArgs() if queue is None else queue
        if itemdata is None and not count and arguments:
            items = list(description.itemdata(arguments) or ())  # None for a count alone
            words = arguments.split()
            count = int(words[0]) if words and words[0].isdigit() else 1
            itemdata = iter(items) if items else None
        rows = None if itemdata is None else iter(itemdata)
        return SubmitResult._make(super().submit(description, count or 1, spool, None, rows)._result)

    def spool(self, result: Any) -> None:
        """Send the input files of jobs that were submitted with ``spool=True``."""
        super().spool(_in(result))

    def retrieve(self, job_spec: Any) -> None:
        """Fetch the files that jobs have made: ids, or a constraint."""
        core = self._core
        call(core.retrieve(job_spec_in([job_spec] if _is_id(job_spec) else job_spec)), HTCondorIOError)

    def export_jobs(self, job_spec: Any, export_dir: str, new_spool_dir: str) -> Any:
        """Write jobs to a job queue log that another schedd can be run on."""
        return _out(super().export_jobs(job_spec, export_dir, new_spool_dir))

    def import_exported_job_results(self, import_dir: str) -> Any:
        """Take over what has become of exported jobs."""
        return _out(super().import_exported_job_results(import_dir))

    def unexport_jobs(self, job_spec: Any) -> Any:
        """Manage exported jobs here again."""
        return _out(super().unexport_jobs(job_spec))

    def refreshGSIProxy(self, cluster: int, proc: int, proxy_filename: str, lifetime: int = -1) -> int:
        """Give a job a new X.509 proxy."""
        return super().refreshGSIProxy(cluster, proc, proxy_filename, max(lifetime, 0))

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

    queryProjectAds = unserved("Schedd.queryProjectAds")
    removeUserRec, updateUserRec = unserved("Schedd.removeUserRec"), unserved("Schedd.updateUserRec")
    addProjectRec, removeProjectRec = unserved("Schedd.addProjectRec"), unserved("Schedd.removeProjectRec")
    updateProjectRec, enableProjectRec = unserved("Schedd.updateProjectRec"), unserved("Schedd.enableProjectRec")
    disableProjectRec, daemonHistory = unserved("Schedd.disableProjectRec"), unserved("Schedd.daemonHistory")
    get_claims, create_ocu = unserved("Schedd.get_claims"), unserved("Schedd.create_ocu")
    remove_ocu, query_ocu = unserved("Schedd.remove_ocu"), unserved("Schedd.query_ocu")


class Negotiator(_negotiator.Negotiator):
    """A handle on a negotiator."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_location(location))

    def getPriorities(self, rollup: bool = False) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the accounting records."""
        return _out(super().getPriorities(rollup))

    def setPriority(self, user: str, priority: float) -> None:
        """Set a submitter's real priority."""
        super().setPriority(user, priority)

    def setBeginUsage(self, user: str, when: int) -> None:
        """Set when a submitter first used the pool."""
        super().setBeginUsage(user, when)

    def setLastUsage(self, user: str, when: int) -> None:
        """Set when a submitter last used the pool."""
        super().setLastUsage(user, when)

    def getResourceUsage(self, user: str) -> Any:
        """Return the resources of a user."""
        return _out(super().getResourceUsage(user))


class Startd(_startd.Startd):
    """A handle on a startd."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(_location(location))

    def history(self, constraint: Any = None, projection: Any = (), match: int = -1, since: Any = None) -> Any:
        """Return the ads of jobs that ran there."""
        return _out(list(super().history(constraint, list(projection), match, since)))

    def drainJobs(
        self,
        drain_type: int = DrainType.Graceful,
        on_completion: int = CompletionType.Nothing,
        check_expr: Any = None,
        start_expr: Any = None,
        reason: Any = None,
    ) -> str:
        """Have the startd get rid of its jobs and take no others."""
        check, start = "true" if check_expr is None else check_expr, "false" if start_expr is None else start_expr
        return super().drainJobs(int(drain_type), int(on_completion), check, start, reason)

    vacate, vacateSlot, rehome = unserved("Startd.vacate"), unserved("Startd.vacateSlot"), unserved("Startd.rehome")


class RemoteParam(_remote_param.RemoteParam):
    """The configuration of a daemon as a mapping."""

    def __init__(self, location: Any) -> None:
        super().__init__(_location(location))

    def values(self) -> list[Any]:
        """Return the values of those names that have one."""
        return [value for _, value in self.items()]

    pop, popitem, clear = MutableMapping.pop, MutableMapping.popitem, MutableMapping.clear


class JobEvent(_job_log.JobEvent):
    """One event of a job: a mapping of its attributes."""

    @property
    def type(self) -> Any:
        """The kind of event; a number where this client knows no name for it."""
        number = int(super().type)
        return JobEventType(number) if number in list(JobEventType) else number

    def __getitem__(self, key: str, /) -> Any:
        """Return an attribute; raises KeyError."""
        return _out(super().__getitem__(key))


class JobEventLog(_job_log.JobEventLog):
    """A job event log."""

    def __next__(self) -> JobEvent:
        """Return the next event, waiting for it until the time given to :meth:`events`."""
        return JobEvent._make(super().__next__()._core)

    def events(self, stop_after: Any = None) -> JobEventLog:
        """Return itself, to be iterated over for so many seconds."""
        super().events(stop_after)
        return self


def ping(location: Any, authz: str | None = None, security: SecurityContext | None = None) -> Any:
    """Ask a daemon whether it would let this client give a command."""
    with secured(security):
        return _out(_secman.SecMan().ping(_in(location), "DC_NOP" if authz is None else authz))


def enable_debug(flags: str | None = None) -> None:
    """Print what this client logs on standard error: as much as TOOL_DEBUG says, or ``flags`` in its place."""
    if flags is not None:
        param["TOOL_DEBUG"] = flags
    _logs.enable_debug()


def reload_config(root_config_file: str | None = None) -> None:
    """Read the configuration again, perhaps from another main file; what was written to ``param`` is lost."""
    if root_config_file is None:
        _param.reload_config()
    else:
        STATE.use_file(root_config_file)


def send_command(ad: Any, dc: int, target: str | None = None) -> None:
    """Send a command to a daemon."""
    command = _of(_enums.DaemonCommands, dc)
    _daemons.send_command(_in(ad), command, *([] if target is None else [target]))


__all__ = [
    "AdType",
    "AdTypes",
    "Collector",
    "CommonFilesEventType",
    "CompletionType",
    "CredCheck",
    "CredType",
    "CredTypes",
    "Credd",
    "DaemonCommand",
    "DaemonCommands",
    "DaemonType",
    "DaemonTypes",
    "DrainType",
    "DrainTypes",
    "FileTransferEventType",
    "HTCondorException",
    "HTCondorIOError",
    "HTCondorLocateError",
    "HTCondorReplyError",
    "HTCondorTypeError",
    "HTCondorValueError",
    "HistorySrc",
    "JobAction",
    "JobEvent",
    "JobEventLog",
    "JobEventType",
    "JobStatus",
    "LogLevel",
    "Negotiator",
    "QueryOpt",
    "QueryOpts",
    "RemoteParam",
    "Schedd",
    "SecurityContext",
    "Startd",
    "Submit",
    "SubmitMethod",
    "SubmitResult",
    "SubsystemType",
    "Token",
    "TokenRequest",
    "TransactionFlag",
    "TransactionFlags",
    "VacateType",
    "VacateTypes",
    "disable_debug",
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
