"""The jobs of the embedded pool's schedd: in its queue, and those that have left it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from htcondor_async.classad import ClassAd

if TYPE_CHECKING:
    from htcondor_async.testing._factory import Factory

__all__ = ["JobId", "JobQueue"]

JobId = tuple[int, int]


class JobQueue:
    """Cluster ads and the job ads that hang on them. A job has what its cluster has, unless it says otherwise.

    ``factories`` make further jobs of their clusters. ``history`` holds the ads of jobs that have left, oldest first,
    ``epochs`` those of single runs. ``watchers`` are called with the id of a job whose state has changed, after the
    change.
    """

    def __init__(self) -> None:
        self.clusters: dict[int, ClassAd] = {}
        self.procs: dict[JobId, ClassAd] = {}
        self.factories: dict[int, Factory] = {}
        self.history: list[ClassAd] = []
        self.epochs: list[ClassAd] = []
        self.watchers: list[Callable[[JobId], None]] = []
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
            return own.copy()
        whole = shared.copy()
        whole.update(own)
        return whole

    def jobs(self) -> Iterator[ClassAd]:
        """Give the whole ads of all jobs."""
        for cluster, proc in list(self.procs):
            job = self.job(cluster, proc)
            if job is not None:
                yield job

    def add(self, attributes: Mapping[str, object] | ClassAd) -> JobId:
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

    def change(self, job: JobId, attributes: Mapping[str, object]) -> None:
        """Set attributes of a job in the queue, and tell the watchers."""
        self.procs[job].update(attributes)
        self.tell(job)

    def tell(self, job: JobId) -> None:
        """Tell the watchers that the state of a job has changed, or that it has left."""
        for watcher in list(self.watchers):
            watcher(job)

    def leave(self, job: JobId, now: int) -> None:
        """Move a job from the queue to the history, and its cluster's ad away with the last of its jobs."""
        ad = self.job(*job)
        if ad is None:
            return
        ad["CompletionDate"] = ad.get("CompletionDate") or now
        self.history.append(ad)
        del self.procs[job]
        self.tell(job)
        self.tidy(job[0])

    def tidy(self, cluster: int) -> None:
        """Take a cluster's ad away if it has no jobs and will have none."""
        factory = self.factories.get(cluster)
        if (factory is None or factory.ended) and not any(number == cluster for number, _ in self.procs):
            self.clusters.pop(cluster, None)
            self.factories.pop(cluster, None)
