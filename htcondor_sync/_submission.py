"""Submit descriptions into the queue: what ``Schedd.submit`` and ``Submit.queue`` do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from htcondor_async._core.context import Context
from htcondor_async._core.queue import QueueConnection
from htcondor_async._core.submit import new_cluster, send_jobs
from htcondor_async._dialogues.expressions import attribute_pairs
from htcondor_async._dialogues.submit import Submitted
from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.errors import HTCondorInternalError, HTCondorValueError
from htcondor_async.schedd import Schedd as CoreSchedd
from htcondor_async.schedd.submission import SubmitResult as CoreResult
from htcondor_async.submit import ClusterBuilder, JobDelta, JobOptions, SubmitContext, SubmitError, Version
from htcondor_async.submit import Submit as CoreSubmit
from htcondor_sync import _ads
from htcondor_sync._arguments import uninstantiable
from htcondor_sync._state import STATE
from htcondor_sync._submit import Submit as _SubmitLanguage
from htcondor_sync._submit import SubmitJobsIterator as _JobsIterator

__all__ = ["SubmitJobsIterator", "SubmitResult", "process_context"]


_BINDINGS = Version(24, 0, 24)


def process_context(bindings: Version = _BINDINGS) -> SubmitContext:
    """Return the world of submit descriptions: this machine, and the configuration behind ``param``.

    ``bindings`` is the newest version whose ads are made.
    """
    return SubmitContext(
        environment=STATE.environment,
        param=STATE.config.get_str,
        schedd_version=bindings,
        v1=True,
        warns_of_unused=bindings is _BINDINGS,
    )


class SubmitResult(metaclass=uninstantiable):
    """What was submitted."""

    def __init__(self, core: CoreResult) -> None:
        self._result = core

    def cluster(self) -> int:
        """Return the number of the cluster."""
        return self._result.cluster()

    def first_proc(self) -> int:
        """Return the number of the first job."""
        return self._result.first_proc()

    def num_procs(self) -> int:
        """Return how many jobs there are."""
        return self._result.num_procs()

    def clusterad(self) -> _ads.ClassAd:
        """Return what the jobs share."""
        return _ads.ad_out(self._result.clusterad())

    def __int__(self) -> int:
        return self.cluster()

    def __str__(self) -> str:
        head = f"Submitted {self.num_procs()} jobs into cluster {self.cluster()},{self.first_proc()} :\n"
        lines = self._result.clusterad().print_old().splitlines(keepends=True)
        return head + "".join(sorted(lines, key=lambda line: line.partition(" = ")[0].lower()))


class SubmitJobsIterator(_JobsIterator, metaclass=uninstantiable):
    """An iterator over job ads, as ``Submit.jobs`` and ``Submit.procs`` return it."""

    def __next__(self) -> Any:
        """Return the next ad."""
        return _ads.ad_out(super().__next__())

    def clusterad(self) -> Any:
        """Return what the jobs have in common."""
        return _ads.ad_out(super().clusterad())


@attrs.define
class Plan:
    """A description made into the jobs of one cluster."""

    submit: CoreSubmit
    count: int
    items: Iterator[Any] | None
    spool: bool
    own_queue: bool
    first_proc: int = 0
    schedd_version: str | None = None
    builder: ClusterBuilder | None = None
    ads: list[CoreAd] = attrs.field(factory=list)
    shared: dict[str, str] | None = None
    """The cluster that the jobs are added to, as it was sent; the description may have changed since."""

    def build(self, cluster: int, keep: list[Any] | None) -> tuple[CoreAd, list[list[tuple[str, str]]]]:
        """Return the cluster ad and what each job has of its own; raises HTCondorInternalError."""
        try:
            options = JobOptions(
                cluster,
                self.first_proc,
                schedd_version=self._version(),
                spool=self.spool,
                method=self.submit.submit_method,
                own_queue=self.own_queue,
                submitting=True,
            )
            builder = self.builder = self.submit.cluster_builder(self.count, self.items, options)
            own = []
            for delta in builder:
                own.append(self._own(builder, delta))
                if keep is not None:
                    keep.append(_ads.ad_out(builder.job_ad(delta)))
                if self.spool:
                    self.ads.append(builder.job_ad(delta))
            return builder.cluster_ad(), own
        except SubmitError as error:
            raise HTCondorInternalError(str(error)) from error

    def _version(self) -> Version:
        """Return the version whose ads are made: the schedd's, but none that the bindings do not know yet."""
        newest = self.submit.context.schedd_version
        return newest if self.schedd_version is None else min(newest, Version.parse(self.schedd_version))

    def _own(self, builder: ClusterBuilder, delta: JobDelta) -> list[tuple[str, str]]:
        """Return what a job has of its own, beside its cluster."""
        if self.shared is None:
            return attribute_pairs(builder.proc_ad(delta))
        own = {name for name, _ in attribute_pairs(builder.proc_ad(delta))}
        whole = attribute_pairs(builder.job_ad(delta))
        return [(name, value) for name, value in whole if name in own or self.shared.get(name) != value]


async def submit_description(core: CoreSchedd, submit: CoreSubmit, count: int, spool: bool, items: Any) -> SubmitResult:
    """Submit in a transaction of its own; raises HTCondorInternalError for unusable commands."""
    copied = submit.copy()
    copied.queue_arguments = ""  # as in v1: the caller says how many
    try:
        return SubmitResult._make(await core.submit(copied, max(count, 1), spool, item_data=items))
    except SubmitError as error:
        raise HTCondorInternalError(str(error)) from error


async def queue_description(
    context: Context, connection: QueueConnection, plan: Plan, cluster: int | None, keep: list[Any] | None
) -> tuple[SubmitResult, int]:
    """Add jobs to an open transaction; return them and the number of the job after the last."""
    deadline = context.deadline(None)
    appended = cluster is not None
    plan.schedd_version = await connection.peer_version(deadline)
    if cluster is None:
        cluster = await new_cluster(connection, deadline)
    ad, own = plan.build(cluster, keep)
    shared = [] if appended else attribute_pairs(ad)
    jobs = await send_jobs(context, connection, cluster, shared, own, deadline, first_proc=plan.first_proc)
    made = CoreResult(Submitted(cluster, plan.first_proc, jobs), ad, lambda: iter(plan.ads))
    plan.shared = plan.shared or dict(shared)
    result = SubmitResult._make(made)
    return result, plan.first_proc + jobs


def language_of(submit: Any) -> CoreSubmit:
    """Return the description in a v1 ``Submit``; raises HTCondorValueError for anything else."""
    if not isinstance(submit, _SubmitLanguage):
        raise HTCondorValueError("Not a Submit object")
    return submit._core
