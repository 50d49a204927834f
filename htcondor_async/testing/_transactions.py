"""What one client may change in the queue, and the changes it has made and not yet committed.

The rules are those of a schedd (``condor_schedd.V6/qmgmt.cpp``: SetAttribute, ModifyAttrCheck,
CommitTransactionInternal).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator

from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.testing._ads import matches
from htcondor_async.testing._factory import Factory, FactoryPlan
from htcondor_async.testing._job_queue import JobId, JobQueue

__all__ = ["JobTransaction", "Owner", "RefusedError"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECURE = frozenset(
    {
        "x509userproxysubject", "x509userproxyemail", "x509userproxyvoname", "x509userproxyfirstfqan",
        "x509userproxyfqan", "totalsubmitprocs", "authtokensubject", "authtokenissuer", "authtokengroups",
        "authtokenscopes", "authtokenid", "osuser",
    }
)  # fmt: skip
_IMMUTABLE = frozenset(
    {"owner", "clusterid", "jobuniverse", "procid", "mytype", "targettype", "user", "osuser", "ntdomain"}
)
_CLUSTER_ONLY = frozenset({"clusterid", "jobuniverse", "owner", "user"})
_PRIVATE = frozenset({"claimid", "capability", "claimids", "claimidlist", "transferkey", "childclaimids"})


class RefusedError(Exception):
    """An operation is refused: ``number`` is its errno, the text what a commit would tell."""

    def __init__(self, number: int, text: str = "", rval: int = -1) -> None:
        super().__init__(text)
        self.number = number
        self.rval = rval


class Owner:
    """Who changes the queue: ``user`` as ``name@domain``, and whether the queue obeys it in everything."""

    def __init__(self, user: str, superuser: bool) -> None:
        self.user = user
        self.name = user.partition("@")[0]
        self.superuser = superuser

    def owns(self, job: ClassAd) -> bool:
        """Return whether a job is this user's, or anybody's to a superuser."""
        return self.superuser or job.get("Owner") == self.name


class JobTransaction:
    """Changes on top of the queue; nobody else sees them before :meth:`apply`."""

    def __init__(self, queue: JobQueue, owner: Owner) -> None:
        self.queue = queue
        self.owner = owner
        self.new_cluster: int | None = None
        #: In order; the values mean nothing.
        self.new_procs: dict[JobId, None] = {}
        self._next_proc = 0
        self.removed: list[JobId] = []
        self.factory: FactoryPlan | None = None
        #: Attributes of clusters that were changed as changes after the submission.
        self.edited: dict[int, list[str]] = {}
        self._changes: dict[JobId, dict[str, tuple[str, ExprTree | None]]] = {}

    # -- reading

    def ad(self, cluster: int, proc: int) -> ClassAd | None:
        """Return a job's whole ad, or that of a cluster for -1, changes included; None if there is none."""
        if (cluster, proc) in self.removed:
            return None
        if proc < 0:
            shared = self.queue.clusters.get(cluster)
            if shared is None and cluster != self.new_cluster:
                return None
            base = ClassAd() if shared is None else shared.copy()
        else:
            whole = self.queue.job(cluster, proc)
            if whole is None and (cluster, proc) not in self.new_procs:
                return None
            base = ClassAd() if whole is None else whole
            self._lay_over(base, (cluster, -1))
        self._lay_over(base, (cluster, proc))
        return base

    def _lay_over(self, ad: ClassAd, job: JobId) -> None:
        for name, value in self._changes.get(job, {}).values():
            if value is not None:
                ad[name] = value
            elif name in ad:
                del ad[name]

    def ids(self) -> Iterator[JobId]:
        """Give the ids of all jobs, those of this transaction included."""
        yield from (job for job in [*self.queue.procs, *self.new_procs] if job not in self.removed)

    def select(self, constraint: str) -> list[JobId]:
        """Return the jobs that match; one that does not parse is refused."""
        try:
            expression = ExprTree(constraint) if constraint.strip() else None
        except ClassAdException as error:
            raise RefusedError(errno.EINVAL, f"invalid constraint {constraint}") from error
        return [job for job in self.ids() if matches(self.ad(*job) or ClassAd(), expression)]

    # -- changing

    def open_cluster(self) -> int:
        """Open a new cluster."""
        self.new_cluster = self.queue.new_cluster()
        self._next_proc = 0
        return self.new_cluster

    def open_proc(self, cluster: int) -> int:
        """Add a job to the open cluster."""
        if cluster != self.new_cluster:
            raise RefusedError(errno.EACCES)
        proc = self._next_proc
        self._next_proc += 1
        self.new_procs[cluster, proc] = None
        return proc

    def assign(self, cluster: int, proc: int, name: str, text: str) -> None:
        """Set an attribute to an expression; one that does not parse becomes ``undefined``."""
        if not _NAME.match(name):
            raise RefusedError(errno.EINVAL, f"Received invalid attribute name {name}")
        if "\n" in text or "\r" in text:
            raise RefusedError(errno.EINVAL, f"Received invalid attribute value for {name}")
        folded = name.lower()
        self._check(cluster, proc, name)
        if folded in _SECURE:
            return
        try:
            value = ExprTree(text)
        except ClassAdException:
            value = ExprTree("undefined")
        if folded in ("owner", "user"):
            value = self._checked_owner(value, folded)
        where = (cluster, -1) if folded in _CLUSTER_ONLY and self.is_new(cluster) else (cluster, proc)
        self._changes.setdefault(where, {})[folded] = (name, value)

    def delete(self, cluster: int, proc: int, name: str) -> None:
        """Delete an attribute; that there is none is fine in a job of the queue, but not in one that is made here."""
        self._check(cluster, proc, name)
        known = self.queue.clusters if proc < 0 else self.queue.procs
        there = (cluster if proc < 0 else (cluster, proc)) in known
        if not there and self._changes.get((cluster, proc), {}).get(name.lower(), ("", None))[1] is None:
            raise RefusedError(errno.ENOENT)
        self._changes.setdefault((cluster, proc), {})[name.lower()] = (name, None)

    def is_new(self, cluster: int) -> bool:
        """Return whether the cluster is the one this transaction makes."""
        return cluster == self.new_cluster

    def _check(self, cluster: int, proc: int, name: str) -> None:
        if (cluster, proc) in ((0, 0), (0, -1)):
            raise RefusedError(errno.EACCES, f"Modifying attribute {name} of job {cluster}.{proc} is not allowed")
        known = (cluster, proc) in self.queue.procs if proc >= 0 else cluster in self.queue.clusters
        if not known:
            if not self.is_new(cluster) or (proc >= 0 and (cluster, proc) not in self.new_procs):
                text = f"Modifying attribute {name} in nonexistent job {cluster}.{proc}"
                if self.new_cluster is not None:
                    text = f"Modifying attribute {name} in non-active cluster {cluster}"
                    text += f" (current active cluster is {self.new_cluster})"
                raise RefusedError(errno.ENOENT, text)
            return
        job = self.ad(cluster, proc) or ClassAd()
        if not self.owner.owns(job):
            text = f"User {self.owner.user} may not change attributes for jobs they do not own (job {cluster}.{proc})"
            raise RefusedError(errno.EACCES, text)
        if name.lower() in _IMMUTABLE:
            text = f"Attempt to edit immutable attribute {name} in job {cluster}.{proc}"
            raise RefusedError(errno.EACCES, text)

    def _checked_owner(self, value: ExprTree, folded: str) -> ExprTree:
        mine = self.owner.name if folded == "owner" else self.owner.user
        said = value.eval()
        if not isinstance(said, str):
            said = mine
        if said != mine and not self.owner.superuser:
            text = f"Setting owner to {said} when active owner is {mine} is not permitted"
            raise RefusedError(errno.EACCES, text)
        return ExprTree('"' + said.replace("\\", "\\\\").replace('"', '\\"') + '"')

    @staticmethod
    def readable(name: str) -> bool:
        """Return whether an attribute may be read."""
        return name.lower() not in _PRIVATE

    # -- committing

    def submitted(self) -> list[tuple[JobId, ClassAd]]:
        """Return the new jobs with their whole ads; of a factory its cluster, which stands for its jobs."""
        if self.is_factory and self.new_cluster is not None:
            return [((self.new_cluster, -1), self.ad(self.new_cluster, -1) or ClassAd())]
        return self.new_jobs()

    @property
    def is_factory(self) -> bool:
        """Whether the new cluster makes its jobs later."""
        return self.factory is not None and self.factory.digest is not None

    def new_jobs(self) -> list[tuple[JobId, ClassAd]]:
        """Return the new jobs with their whole ads."""
        return [(job, ad) for job in self.new_procs if (ad := self.ad(*job)) is not None]

    def put(self, job: JobId, name: str, value: object) -> None:
        """Set an attribute as the schedd itself does, past all rules."""
        self._changes.setdefault(job, {})[name.lower()] = (name, _expression(value))

    def apply(self) -> set[JobId]:
        """Make all changes in the queue; return the jobs that were touched."""
        for cluster, proc in self.new_procs:
            self.queue.clusters.setdefault(cluster, ClassAd())
            self.queue.procs[cluster, proc] = ClassAd()
        if self.new_cluster is not None and self.is_factory:
            self.queue.clusters.setdefault(self.new_cluster, ClassAd())
        touched: set[JobId] = set(self.new_procs)
        for (cluster, proc), changes in self._changes.items():
            ad = self.queue.clusters.get(cluster) if proc < 0 else self.queue.procs.get((cluster, proc))
            if ad is None:
                continue  # a cluster without jobs leaves nothing behind
            if proc < 0 and cluster in self.queue.factories:
                _note_edits(ad, self.edited.get(cluster, ()))
            for name, value in changes.values():
                if value is not None:
                    ad[name] = value
                elif name in ad:
                    del ad[name]
            if proc >= 0:
                touched.add((cluster, proc))
        for job in self.removed:
            self.queue.procs.pop(job, None)
        if self.new_cluster is not None and self.factory is not None and self.factory.digest is not None:
            made = Factory(self.queue, self.new_cluster, self.factory.digest, self.factory.rows)
            self.queue.factories[self.new_cluster] = made
        return touched

    def woken(self) -> set[int]:
        """Return the clusters whose factories are looked at after the commit (qmgmt.cpp, DoSetAttributeCallbacks)."""
        found = {cluster for cluster, _ in self.removed}
        if self.is_factory and self.new_cluster is not None:
            found.add(self.new_cluster)
        for (cluster, _), changes in self._changes.items():
            ad = self.queue.clusters.get(cluster)
            if ad is not None and ("jobmaterializepaused" in changes or "JobMaterializeMaxIdle" in ad):
                found.add(cluster)
        return found


def _note_edits(ad: ClassAd, names: Iterable[str]) -> None:
    """Keep which attributes of a factory's cluster were edited: its further jobs do not override these."""
    known = ad.get("EditedClusterAttrs")
    every = dict.fromkeys([*(known.split(",") if isinstance(known, str) and known else ()), *names])
    if every:
        ad["EditedClusterAttrs"] = ",".join(every)


def _expression(value: object) -> ExprTree:
    return value if isinstance(value, ExprTree) else ClassAd({"x": value}).lookup("x")
