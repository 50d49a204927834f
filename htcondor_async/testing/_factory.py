"""Factories of jobs: clusters whose jobs the embedded pool's schedd makes itself, as others leave.

The client sends a digest of its description and rows of items; from these jobs are made while there are fewer than
``JobMaterializeLimit``, fewer than ``JobMaterializeMaxIdle`` that do not run, and the factory is not paused
(``condor_schedd.V6/qmgmt.cpp``, JobMaterializeTimerCallback; ``qmgmt_factory.cpp``).
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Iterator

import attrs

from htcondor_async._submit_world import configured
from htcondor_async._system import SystemEnvironment
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.enums import JobStatus
from htcondor_async.submit import Identity, Submit, SubmitContext, SubmitError, Version
from htcondor_async.testing._job_queue import JobId, JobQueue

__all__ = ["Factory", "FactoryPlan"]

_RUNNING, _HELD, _DONE, _STOPPED = 0, 1, 2, 3
_CLUSTER_ALONE = frozenset({"clusterid", "jobuniverse", "owner", "user", "ntdomain", "jobsetid", "jobsetname"})
_NOT_RUNNING = (JobStatus.IDLE, JobStatus.HELD)


class _NoFiles(SystemEnvironment):
    """The world of a factory: it looks at no files, the client has done that."""

    def access(self, path: str, mode: int) -> bool:
        return True

    def stat(self, path: str) -> None:
        return None

    def detected(self) -> dict[str, str]:
        return {}

    def cwd(self) -> str:
        return "/"

    def read_file(self, path: str) -> bytes:
        raise PermissionError(errno.EPERM, "a factory of jobs reads no files", path)


@attrs.define
class FactoryPlan:
    """What a client has sent of a factory whose cluster is not committed."""

    rows: list[str] = attrs.field(factory=list)
    digest: Submit | None = None

    def read(self, text: str, config: Config, version: str) -> None:
        """Take the digest; raises ``SubmitError``."""
        world = _NoFiles(param=config.get_str)
        context = SubmitContext(
            environment=world,
            param=functools.partial(configured, config, world.detected),
            identity=Identity(version, "$CondorPlatform: embedded_Python $"),
            schedd_version=Version.parse(version),
        )
        digest = Submit(text, context)
        digest.job_count(0)
        self.digest = digest


class Factory:
    """Makes the jobs of one cluster.

    Parameters
    ----------
    queue
        Where the jobs go.
    cluster
        Number of the cluster, whose ad is there.
    digest, rows
        What the client sent.
    """

    def __init__(self, queue: JobQueue, cluster: int, digest: Submit, rows: list[str]) -> None:
        self._queue = queue
        self._cluster = cluster
        self.total = digest.job_count(len(rows))
        ad = queue.clusters[cluster]
        qdate = ad.get("QDate")
        builder = digest.from_digest(rows, ad, cluster, qdate if type(qdate) is int else 0)
        self._builder = builder
        self._made: Iterator[ClassAd] = (builder.proc_ad(delta) for delta in builder)
        self._ready: list[ClassAd] = []
        self._problem = ""
        self._next = 0
        self._done = False
        self._stopped = False

    @property
    def ended(self) -> bool:
        """Whether there will be no further jobs."""
        return self._done or self._stopped

    def stop(self) -> None:
        """Make no further jobs: the cluster is removed."""
        self._stopped = True

    def make(self, schedd: str, now: int, at_most: int) -> list[JobId]:
        """Make as many jobs as there may be now, ``at_most`` so many in the cluster; return them."""
        made: list[ClassAd] = []
        ad = self._queue.clusters.get(self._cluster)
        if ad is None or self.ended or ad.get("JobMaterializePaused", _RUNNING) != _RUNNING:
            return []
        states = [job.get("JobStatus") for number, job in self._queue.procs.items() if number[0] == self._cluster]
        limit, idle = ad.get("JobMaterializeLimit"), ad.get("JobMaterializeMaxIdle")
        most = min(at_most, limit) if type(limit) is int and limit > 0 else at_most
        waiting = sum(state in _NOT_RUNNING for state in states)
        while len(states) + len(made) < most:
            if type(idle) is int and 0 <= idle <= waiting:
                break
            own = self._another(len(made))
            if own is None:
                break
            waiting += own.get("JobStatus") in _NOT_RUNNING
            made.append(own)
        if self._problem:  # then those made before it are not kept either; released, it fails again
            ad["JobMaterializePaused"], ad["JobMaterializePauseReason"] = _HELD, self._problem
            self._ready = made
            return []
        return [self._put(own, ad, schedd, now) for own in made]

    def _another(self, ahead: int) -> ClassAd | None:
        """Return what the next job has of its own; None if there is none, or it cannot be made."""
        if self._ready:
            return self._ready.pop(0)
        if self._problem:
            return None
        try:
            own = next(self._made, None)
        except SubmitError as error:
            self._problem = f"failed to create ClassAd for Job {self._cluster}.{self._next + ahead} : {error}"
            return None
        self._done = own is None
        return own

    def _put(self, own: ClassAd, cluster_ad: ClassAd, schedd: str, now: int) -> JobId:
        job = self._cluster, self._next
        edited = cluster_ad.get("EditedClusterAttrs")
        kept = _CLUSTER_ALONE | set(edited.lower().replace(",", " ").split() if isinstance(edited, str) else ())
        ad = ClassAd({"GlobalJobId": f"{schedd}#{job[0]}.{job[1]}#{now}"})
        for name in own:
            if name.lower() not in kept:
                ad[name] = own.lookup(name)
        ad["EnteredCurrentStatus"] = ad["JobMaterializeDate"] = now
        self._queue.procs[job] = ad
        self._next += 1
        cluster_ad["JobMaterializeNextProcId"] = self._next
        return job

    def information(self) -> dict[str, object]:
        """Return what a query for clusters shows of this one beside its ad."""
        states = [job.get("JobStatus") for number, job in self._queue.procs.items() if number[0] == self._cluster]
        ad = self._queue.clusters[self._cluster]
        paused = _STOPPED if self._stopped else _DONE if self._done else ad.get("JobMaterializePaused", _RUNNING)
        return {
            "JobsPresent": len(states),
            "JobsIdle": states.count(JobStatus.IDLE),
            "JobsRunning": sum(state in (2, 6, 7) for state in states),
            "JobsHeld": states.count(JobStatus.HELD),
            "ClusterSize": len(states),
            "JobFactoryId": self._cluster,
            "JobFactoryPaused": paused,
            "JobFactoryTotalProcs": self.total,
        }
