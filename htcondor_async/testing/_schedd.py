"""The schedd of the embedded pool: a job queue that answers queries."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from htcondor_async._cedar.commands import Command
from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.config import Config
from htcondor_async.testing._ads import limited, matches, projected, projection_of, requirements_of
from htcondor_async.testing._server import Connection, Daemon, Handler

__all__ = ["JobQueue", "ScheddDaemon"]

_COUNTERS = {1: "Idle", 2: "Running", 3: "Removed", 4: "Completed", 5: "Held", 6: "TransferringOutput", 7: "Suspended"}
_BATCH = 64 * 1024  # bytes of answers that are sent at once


class JobQueue:
    """Cluster ads and the job ads that hang on them. A job has what its cluster has, unless it says otherwise."""

    def __init__(self) -> None:
        self.clusters: dict[int, ClassAd] = {}
        self.procs: dict[tuple[int, int], ClassAd] = {}
        self._next = 1

    def new_cluster(self) -> int:
        """Return the next free cluster number; numbers are not given out again."""
        number, self._next = self._next, self._next + 1
        return number

    def reserve(self, cluster: int) -> None:
        """Take note of a number in use."""
        self._next = max(self._next, cluster + 1)

    def job(self, cluster: int, proc: int) -> ClassAd | None:
        """Return the whole ad of a job, or None."""
        own = self.procs.get((cluster, proc))
        if own is None:
            return None
        shared = self.clusters.get(cluster)
        if shared is None:
            return own
        whole = ClassAd()
        whole.update(shared)
        whole.update(own)
        return whole

    def jobs(self) -> Iterator[ClassAd]:
        """Give the whole ads of all jobs."""
        for cluster, proc in list(self.procs):
            job = self.job(cluster, proc)
            if job is not None:
                yield job

    def add(self, attributes: Mapping[str, object] | ClassAd) -> tuple[int, int]:
        """Put a job into the queue as it is; ``ClusterId`` and ``ProcId`` are chosen where they are missing."""
        job = ClassAd()
        job.update(attributes)
        cluster = job.get("ClusterId")
        if type(cluster) is not int:
            cluster = job["ClusterId"] = self.new_cluster()
        self.reserve(cluster)
        proc = job.get("ProcId")
        if type(proc) is not int:
            taken = [number for owner, number in self.procs if owner == cluster]
            proc = job["ProcId"] = max(taken, default=-1) + 1
        for name, value in (("JobStatus", 1), ("Owner", "nobody"), ("MyType", "Job"), ("JobUniverse", 5)):
            if name not in job:
                job[name] = value
        self.procs[cluster, proc] = job
        return cluster, proc


class ScheddDaemon(Daemon):
    """Serves a :class:`JobQueue`."""

    kind = "schedd"

    def __init__(self, name: str, config: Config, *, legacy: bool = False) -> None:
        super().__init__(name, config, legacy=legacy)
        self.queue = JobQueue()
        #: Further job ads that exist only while they are asked for: for queues larger than memory.
        self.generated: Iterable[ClassAd] | None = None
        self.commands[Command.QUERY_JOB_ADS] = Handler("READ", self._query_jobs)
        self.commands[Command.QUERY_JOB_ADS_WITH_AUTH] = Handler("READ", self._query_jobs, force_authentication=True)
        self.commands[Command.QUERY_SCHEDD_ADS] = Handler("READ", self._query_self)

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

    # -- 516 and 519

    async def _query_jobs(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + 20)
        query = reader.ad()
        reader.expect_end()
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
            yield from list(self.queue.clusters.values())
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
        wire: list[bytes] = []
        size = 0
        for ad in ads:
            sent = projected(ad, names)
            if server_time:
                stamped = ClassAd()
                stamped.update(sent)
                stamped["ServerTime"] = now
                sent = stamped
            piece = connection.cedar.send_message(connection.writer().ad(sent).getvalue())
            wire.append(piece)
            size += len(piece)
            if size >= _BATCH:
                await connection.send_wire(b"".join(wire))
                wire, size = [], 0
        if wire:
            await connection.send_wire(b"".join(wire))

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
