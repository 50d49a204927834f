"""The schedd of the embedded pool: a job queue, and the commands that read and change it."""

from __future__ import annotations

import errno
import functools
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import anyio

from htcondor_async._cedar.commands import Command
from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.config import Config
from htcondor_async.testing import _sandbox, _users
from htcondor_async.testing._actions import act_on_jobs
from htcondor_async.testing._ads import limited, matches, projected, projection_of, requirements_of, send_each
from htcondor_async.testing._credd import CredentialStore
from htcondor_async.testing._history import serve_history
from htcondor_async.testing._job_queue import JobId, JobQueue
from htcondor_async.testing._queue import QueueSession
from htcondor_async.testing._server import Connection, Daemon, Handler
from htcondor_async.testing._transactions import JobTransaction, Owner

__all__ = ["JobQueue", "ScheddDaemon"]

_COUNTERS = {1: "Idle", 2: "Running", 3: "Removed", 4: "Completed", 5: "Held", 6: "TransferringOutput", 7: "Suspended"}
_UNLIMITED = 1 << 31


class ScheddDaemon(Daemon):
    """Serves a :class:`JobQueue`."""

    kind = "schedd"

    def __init__(self, name: str, config: Config, *, legacy: bool = False) -> None:
        super().__init__(name, config, legacy=legacy)
        self.queue = JobQueue()
        self.queue.watchers.append(self._job_changed)
        self._materializing = False
        self.users: dict[str, ClassAd] = {}
        #: Held by whoever is in the middle of a transaction; everybody else waits.
        self.turn = anyio.Lock()
        self.spool_folder = Path(config.get_str("SPOOL", "") or tempfile.gettempdir())
        self.reschedules = 0
        #: Further job ads that exist only while they are asked for: for queues larger than memory.
        self.generated: Iterable[ClassAd] | None = None
        self.user_credentials = CredentialStore(self)
        self.commands[Command.QUERY_JOB_ADS] = Handler("READ", self._query_jobs)
        self.commands[Command.QUERY_JOB_ADS_WITH_AUTH] = Handler("READ", self._query_jobs, force_authentication=True)
        self.commands[Command.QUERY_SCHEDD_ADS] = Handler("READ", self._query_self)
        self.commands[Command.QMGMT_READ_CMD] = Handler("READ", self._read_queue)
        self.commands[Command.QMGMT_WRITE_CMD] = Handler("WRITE", self._change_queue, force_authentication=True)
        self.commands[Command.ACT_ON_JOBS] = Handler("WRITE", self._act, force_authentication=True)
        self.commands[Command.QUERY_SCHEDD_HISTORY] = Handler("READ", self._query_history)
        for command, serve in (
            (Command.SPOOL_JOB_FILES_WITH_PERMS, _sandbox.spool),
            (Command.TRANSFER_DATA_WITH_PERMS, _sandbox.retrieve),
            (Command.UPDATE_GSI_CRED, _sandbox.update_proxy),
            (Command.DELEGATE_GSI_CRED_SCHEDD, _sandbox.delegate_proxy),
            (Command.EXPORT_JOBS, _users.export_jobs),
            (Command.IMPORT_EXPORTED_JOB_RESULTS, _users.import_results),
            (Command.UNEXPORT_JOBS, _users.unexport_jobs),
            (Command.ENABLE_USERREC, _users.change_users),
            (Command.DISABLE_USERREC, _users.change_users),
            (Command.EDIT_USERREC, _users.change_users),
            (Command.RESET_USERREC, _users.change_users),
            (Command.DELETE_USERREC, _users.change_users),
        ):
            self.commands[command] = Handler("WRITE", functools.partial(serve, self), force_authentication=True)
        self.commands[Command.QUERY_USERREC_ADS] = Handler(
            "READ", functools.partial(_users.query_users, self), force_authentication=True
        )
        self.commands[Command.RESCHEDULE] = Handler("WRITE", self._reschedule)

    def ad(self) -> ClassAd:
        """Return the ad that this schedd advertises."""
        counts = Counter(job.get("JobStatus") for job in self.queue.jobs())
        return ClassAd(
            {
                "MyType": "Scheduler",
                "Name": self.name,
                "Machine": "localhost",
                "MyAddress": str(self.address),
                "ScheddIpAddr": str(self.address),
                "CondorVersion": self.version,
                "CondorPlatform": "$CondorPlatform: embedded_Python $",
                "TotalIdleJobs": counts[1],
                "TotalRunningJobs": counts[2],
                "TotalHeldJobs": counts[5],
                "TotalJobAds": len(self.queue.procs),
            }
        )

    async def _query_self(self, connection: Connection) -> None:
        query = (await connection.request(connection.runtime.clock() + 20)).ad()
        writer = connection.writer()
        ad = self.ad()
        if matches(ad, requirements_of(query)):
            writer.int(1).ad(ad)
        await connection.reply(writer.int(0))

    # -- changes

    def is_superuser(self, user: str) -> bool:
        """Return whether the queue obeys a user in everything."""
        names = self.config.get_str("QUEUE_SUPER_USERS", "condor root").replace(",", " ").split()
        return user.partition("@")[0] in names and not user.endswith("@unmapped")

    def refusal_of_cluster(self, owner: Owner) -> tuple[int, int, str] | None:
        """Return why a user may not submit, as (rval, errno, text), or None."""
        record = self.users.get(owner.user)
        if record is not None and record.get("Enabled") is False:
            why = record.get("DisableReason")
            return -5, errno.EACCES, f"User {owner.user} is disabled" + (f" : {why}" if isinstance(why, str) else "")
        if len(self.queue.procs) >= self.config.get_int("MAX_JOBS_SUBMITTED", 1 << 31):
            return -2, errno.EINVAL, "MAX_JOBS_SUBMITTED exceeded"
        return None

    def check_submission(self, transaction: JobTransaction) -> tuple[str, list[str]]:
        """Hold the new jobs against SUBMIT_REQUIREMENT_NAMES; return the refusal (or "") and the warnings."""
        warnings: list[str] = []
        names = self.config.get_str("SUBMIT_REQUIREMENT_NAMES", "").replace(",", " ").split()
        for name in names:
            demand = ExprTree(self.config.get_str(f"SUBMIT_REQUIREMENT_{name}", "true"))
            for _, ad in transaction.submitted():
                if matches(ad, demand):
                    continue
                reason = ExprTree(self.config.get_str(f"SUBMIT_REQUIREMENT_{name}_REASON", '""')).eval(ad)
                text = reason if isinstance(reason, str) and reason else f"Submit requirement {name} not met."
                if not self.config.get_bool(f"SUBMIT_REQUIREMENT_{name}_IS_WARNING", False):
                    return text, []
                if text not in warnings:
                    warnings.append(text)
        return "", warnings

    def complete(self, transaction: JobTransaction, now: int) -> None:
        """Add what the schedd itself knows of new jobs."""
        jobs = transaction.submitted()
        for cluster in {job[0] for job, _ in jobs}:
            self._complete(transaction, cluster, [(job, ad) for job, ad in jobs if job[0] == cluster], now)

    def _complete(self, transaction: JobTransaction, cluster: int, jobs: list[tuple[JobId, ClassAd]], now: int) -> None:
        first = jobs[0][1]
        owner = transaction.owner
        shared: dict[str, object] = {"Owner": owner.name, "User": owner.user, "QDate": now, "JobUniverse": 5}
        shared |= {"MyType": "Job", "TargetType": "Machine", "Cmd": "", "Iwd": "/"}
        for name, value in shared.items():
            if name not in first:
                transaction.put((cluster, -1), name, value)
        plan = transaction.factory
        total = plan.digest.job_count(len(plan.rows)) if plan is not None and plan.digest is not None else len(jobs)
        transaction.put((cluster, -1), "TotalSubmitProcs", total)
        for job, ad in transaction.new_jobs():
            transaction.put(job, "JobStatus", ad.get("JobStatus", 1))
            transaction.put(job, "GlobalJobId", f"{self.name}#{job[0]}.{job[1]}#{now}")
            if "EnteredCurrentStatus" not in ad:
                transaction.put(job, "EnteredCurrentStatus", now)

    def committed(self, transaction: JobTransaction) -> None:
        """Make the changes of a transaction, and tell who follows the jobs."""
        if transaction.new_procs or transaction.is_factory:
            self.users.setdefault(transaction.owner.user, _user_record(transaction.owner))
        for job in transaction.apply():
            self.queue.tell(job)
        for cluster in transaction.woken():
            self.materialize(cluster)

    def _job_changed(self, job: JobId) -> None:
        """Jobs that begin to run make room where idle ones are limited; those that leave always do."""
        if job[0] in self.queue.factories and (
            job not in self.queue.procs or "JobMaterializeMaxIdle" in self.queue.clusters[job[0]]
        ):
            self.materialize(job[0])

    def materialize(self, cluster: int) -> None:
        """Let a cluster's factory, if it has one, make the jobs that there may be now."""
        factory = self.queue.factories.get(cluster)
        if factory is None or self._materializing:  # it is what it does that is told of
            return
        names = ("MAX_MATERIALIZED_JOBS_PER_CLUSTER", "MAX_JOBS_PER_SUBMISSION", "MAX_JOBS_PER_OWNER")
        limits = {name: self.config.get_int(name, _UNLIMITED) for name in names}
        owners = {number: ad.get("Owner") for number, ad in self.queue.clusters.items()}
        others = Counter(owners.get(number) for number, _ in self.queue.procs if number != cluster)
        limits["MAX_JOBS_PER_OWNER"] -= others[owners[cluster]]
        most = min(limits.values())
        self._materializing = True
        try:
            for job in factory.make(self.name, int(time.time()), most):
                self.queue.tell(job)
        finally:
            self._materializing = False
        self.queue.tidy(cluster)

    def ended(self, job: JobId, *, forced: bool = False) -> None:
        """Take a job that has ended out of the queue, unless it says that it stays."""
        ad = self.queue.job(*job)
        if ad is None or (not forced and "LeaveJobInQueue" in ad and matches(ad, ad.lookup("LeaveJobInQueue"))):
            return
        self.queue.leave(job, int(time.time()))

    async def _read_queue(self, connection: Connection) -> None:
        await QueueSession(self, connection, write=False).serve()

    async def _change_queue(self, connection: Connection) -> None:
        await QueueSession(self, connection, write=True).serve()

    async def _act(self, connection: Connection) -> None:
        await act_on_jobs(self, connection)

    async def _reschedule(self, connection: Connection) -> None:
        self.reschedules += 1

    async def _query_history(self, connection: Connection) -> None:
        async with self.turn:
            sources = {"": list(self.queue.history)}
            if not self.legacy:
                sources["JOB_EPOCH"] = list(self.queue.epochs)
        await serve_history(connection, self.config, sources)

    # -- 516 and 519

    async def _query_jobs(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + 20)
        query = reader.ad()
        reader.expect_end()
        async with self.turn:  # a schedd in the middle of a transaction serves nobody else
            pass
        requirements = requirements_of(query)
        try:
            names = projection_of(query)
        except (ValueError, ClassAdException):
            await self._finish(connection, {"ErrorCode": 3, "ErrorString": "Unable to evaluate projection list"})
            return
        own = self._own_jobs(query, connection)
        ads = (ad for ad in self._candidates(query) if matches(ad, requirements) and (own is None or matches(ad, own)))
        aggregate = query.get("ProjectionIsGroupBy") is True or query.get("QueryDefaultAutocluster") is True
        if aggregate:
            groups = _grouped(ads, names or ["Owner"], query)
            # the constraint holds for the groups too (condor_schedd.V6/autocluster.cpp)
            await self._send_ads(connection, (ad for ad in groups if matches(ad, requirements)), None, query)
            await self._finish(connection, {"ErrorCode": 0})
            return
        counts: Counter[object] = Counter()
        limit = query.get("LimitResults")
        chosen = _counted(limited(ads, limit), counts)
        if query.get("SummaryOnly") is True:
            for _ in chosen:
                continue
        else:
            await self._send_ads(connection, chosen, names, query)
        await self._finish(connection, self._summary(counts, own, query, connection))

    def _candidates(self, query: ClassAd) -> Iterator[ClassAd]:
        if query.get("IncludeClusterAd") is True:
            for cluster, ad in list(self.queue.clusters.items()):
                factory = self.queue.factories.get(cluster)
                yield ClassAd({**ad, **factory.information()}) if factory is not None else ad
        if query.get("NoProcAds") is not True:
            yield from self.queue.jobs()
            yield from self.generated or ()

    def _own_jobs(self, query: ClassAd, connection: Connection) -> ExprTree | None:
        if "MyJobs" not in query or query.get("MyJobs") is False:
            return None
        if connection.authenticated and not connection.user.endswith("@unmapped"):
            name = connection.user.partition("@")[0]
        else:
            me = query.get("Me")
            name = me if isinstance(me, str) else ""
        if not name or name in self.config.get_str("QUEUE_SUPER_USERS", "condor root").replace(",", " ").split():
            return None
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return ExprTree(f'Owner == "{quoted}"')

    async def _send_ads(
        self, connection: Connection, ads: Iterable[ClassAd], names: list[str] | None, query: ClassAd
    ) -> None:
        server_time = query.get("SendServerTime", True) is not False
        now = int(connection.runtime.now())

        def sent() -> Iterator[ClassAd]:
            for ad in ads:
                shown = projected(ad, names)
                if server_time:
                    stamped = ClassAd()
                    stamped.update(shown)
                    stamped["ServerTime"] = now
                    shown = stamped
                yield shown

        await send_each(connection, sent())

    async def _finish(self, connection: Connection, attributes: Mapping[str, object]) -> None:
        final = ClassAd({"Owner": 0, "ServerTime": int(connection.runtime.now())})
        final.update(attributes)
        await connection.reply(connection.writer().ad(final))

    def _summary(
        self, counts: Counter[object], own: ExprTree | None, query: ClassAd, connection: Connection
    ) -> dict[str, object]:
        summary: dict[str, object] = {"ErrorCode": 0, "MyType": "Summary"}
        everyone = Counter(job.get("JobStatus") for job in self.queue.jobs())
        summary |= _tally("", counts) | _tally("Allusers", everyone)
        if own is not None:
            mine = Counter(job.get("JobStatus") for job in self.queue.jobs() if matches(job, own))
            summary |= _tally("My", mine)
            summary["MyName"] = connection.user if connection.authenticated else query.get("Me", "")
        return summary


def _tally(prefix: str, counts: Counter[object]) -> dict[str, object]:
    tally: dict[str, object] = {f"{prefix}Jobs": sum(counts.values())}
    return tally | {f"{prefix}{name}": counts[status] for status, name in _COUNTERS.items()}


def _counted(ads: Iterable[ClassAd], counts: Counter[object]) -> Iterator[ClassAd]:
    for ad in ads:
        counts[ad.get("JobStatus")] += 1
        yield ad


def _grouped(ads: Iterable[ClassAd], names: list[str], query: ClassAd) -> Iterator[ClassAd]:
    """Give one ad for each combination of values, with how many jobs have it."""
    shown = query.get("MaxReturnedJobIds")
    shown = shown if type(shown) is int else 0
    groups: dict[tuple[str, ...], list[ClassAd]] = {}
    for ad in ads:
        key = tuple(str(ad.lookup(name)) if name in ad else "undefined" for name in names)
        groups.setdefault(key, []).append(ad)
    for number, members in zip(itertools.count(1), groups.values()):
        group = projected(members[0], names)
        group["AutoClusterId" if query.get("QueryDefaultAutocluster") is True else "Id"] = number
        group["JobCount"] = len(members)
        if shown > 0:
            ids = [f"{ad['ClusterId']}.{ad['ProcId']}" for ad in members]
            group["JobIds"] = " ".join(ids) if len(ids) <= shown else f"{ids[0]} ... {ids[-1]}"
        yield group


def _user_record(owner: Owner) -> ClassAd:
    return ClassAd({"MyType": "Owner", "User": owner.user, "Name": owner.name, "Enabled": True})
