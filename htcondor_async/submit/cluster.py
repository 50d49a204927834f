"""All jobs of one submission: the cluster ad, and what each job has of its own.

The first job is made in full and becomes the cluster ad. The second is made in full too, while each step of the work
records what it looks at. From then on only those steps are done again that look at something that changes: a loop
variable, the process number, or an attribute that another such step changed. A job for which that does not suffice (a
step changes what it did not change before, and another step depends on it) is made in full again, and its record added.

The order of the steps decides which command wins where two write one attribute
[src/condor_utils/submit_utils.cpp, SubmitHash::make_job_ad].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import attrs

from htcondor_async.classad._ad import ClassAd
from htcondor_async.classad._nodes import Node

from . import expressions
from .commands import attributes, credentials, evict, grid, policy, program, resources, streams, table, transfer, vm
from .items import RowSource
from .job import JobBuilder, Step, Universe
from .problems import SubmitError
from .requirements import set_requirements

__all__ = ["ClusterBuilder", "JobDelta"]


def _set_id(job: JobBuilder) -> None:
    job.set("ProcId", job.proc)


def plan_steps(job: JobBuilder) -> list[Step]:
    """Return the steps that make a job of this description, in order."""
    return [
        program.check_skip_filechecks,
        program.set_directory,
        program.set_executable,
        streams.set_arguments,
        grid.set_grid,
        vm.set_virtual_machine,
        streams.set_java_arguments,
        program.set_parallel,
        streams.set_environment,
        policy.set_status,
        streams.set_tool_daemon,
        *streams.stream_steps(job),
        credentials.set_x509_proxy,
        credentials.set_scitokens,
        policy.set_notification,
        policy.set_rank,
        *policy.periodic_steps(job),
        policy.set_leave_in_queue,
        policy.set_retries,
        evict.set_checks,
        policy.set_kill_signals,
        credentials.set_container_services,
        *resources.request_steps(job),
        policy.set_concurrency_limits,
        policy.set_accounting,
        credentials.set_oauth,
        *table.simple_steps(job),
        *table.extended_steps(job),
        policy.set_deferral,
        transfer.set_image_size,
        *transfer.TRANSFER_STEPS,
        attributes.set_automatic,
        attributes.report_mistakes,
        attributes.set_forced_by_configuration,
        *attributes.forced_steps(job),
        _set_id,
        attributes.set_jobset,
        resources.complete_gpu_requirements,
        transfer.note_schemes,
        set_requirements,
        transfer.fix_input_files,
    ]


class JobDelta(NamedTuple):
    """One job: its number, whether it is the first, and what it has beside the cluster ad, by lower-case name."""

    proc: int
    first: bool
    own: dict[str, Node]


@attrs.define
class _Record:
    """What a step looked at: names that change, attributes it read, attributes it assigned."""

    touched: set[str] = attrs.field(factory=set)
    reads: set[str] = attrs.field(factory=set)
    writes: set[str] = attrs.field(factory=set)


class ClusterBuilder:
    """Makes the jobs of one cluster, one after another.

    Parameters
    ----------
    job
        The builder of single jobs.
    rows
        Loop variables.
    count
        Jobs for each row.
    cluster_id
        The number of the cluster; may be set until the first job is made.
    first_proc
        The number of the first job.
    on_described
        Called once the description has been used in full, for warnings about it.
    cluster_ad
        The cluster ad where it is there already: the description is then its digest, and lacks what is the same for
        all jobs.
    """

    def __init__(
        self,
        job: JobBuilder,
        rows: RowSource,
        count: int,
        cluster_id: int,
        first_proc: int = 0,
        on_described: Callable[[], None] | None = None,
        cluster_ad: ClassAd | None = None,
    ) -> None:
        self.job = job
        self._given = job.adopt(cluster_ad) if cluster_ad is not None else None
        self._rows = rows
        self._count = max(1, count)
        self.cluster_id = cluster_id
        self._next_proc = first_proc
        self._on_described = on_described
        self._steps: list[Step] = []
        self._records: list[_Record] = []
        self._repeated: list[Step] | None = None
        self._may_change: set[str] = set()
        self._fixed: set[str] = set()
        self._cluster_table: dict[str, Any] = {}
        self._params: dict[tuple[str, str | None], str | None] = {}

    def __iter__(self) -> Iterator[JobDelta]:
        job, macros = self.job, self.job.macros
        changing = {"process": "0", "procid": "0", "row": "0", "itemindex": "0", "step": "0"}
        macros.set_built_in(cluster=str(self.cluster_id), clusterid=str(self.cluster_id), node="")
        built_in, rows, count = macros.built_in, self._rows, self._count
        first = True
        for index in rows:
            row = str(index)
            macros.set_loop(rows.variables, rows.values)
            for step in range(count):
                proc = self._next_proc
                self._next_proc += 1
                changing["process"] = changing["procid"] = str(proc)
                changing["row"] = changing["itemindex"] = row
                changing["step"] = str(step)
                built_in.update(changing)
                if first:
                    self._first(proc)
                elif self._repeated is None or not self._again(proc):
                    self._full(proc)
                yield JobDelta(proc, first, job.own)
                first = False

    # -- making jobs

    def _first(self, proc: int) -> None:
        """Make the first job and the cluster ad; the cluster ad is that of job 0 also where numbers start later."""
        job, built_in = self.job, self.job.macros.built_in
        job.cluster_id, job.proc = self.cluster_id, 0
        job.own, job.cluster = {}, self._given
        job.macros.touched = set()
        number = built_in["process"]
        built_in["process"] = built_in["procid"] = "0"
        if self._given is None:
            attributes.base_attributes(job)
        program.set_universe(job)
        if job.universe == Universe.PARALLEL:
            built_in["node"] = "#pArAlLeLnOdE#"
        elif job.universe == Universe.MPI:
            built_in["node"] = "#MpInOdE#"
        self._steps = plan_steps(job)
        for step in self._steps:
            step(job)
        cluster = job.own
        own = {"procid": cluster.pop("procid"), "jobstatus": cluster["jobstatus"]}
        job.own = {}
        job.set("ClusterId", self.cluster_id)
        cluster.update(job.own)
        if self._given is not None:
            # What a digest lacks takes its default here. Jobs have of their own only what differs from this first one:
            # elsewhere the cluster ad is right.
            cluster = self._given | cluster
        job.cluster = cluster
        spelling = job.spelling
        self._cluster_table = {lower: (spelling[lower], node) for lower, node in cluster.items() if lower[0] != "#"}
        job.own = own
        built_in["process"] = built_in["procid"] = number
        if proc > 0:
            self._full(proc)
        job.macros.touched = None
        if self._on_described is not None:
            self._on_described()

    def _full(self, proc: int) -> None:
        """Make a job from scratch, recording what each step looks at."""
        job, macros = self.job, self.job.macros
        job.proc = proc
        job.own = {}
        known = self._records or [_Record() for _ in self._steps]
        last_writer: dict[str, int] = {}
        try:
            for number, step in enumerate(self._steps):
                touched: set[str] = set()
                reads: set[str] = set()
                writes: set[str] = set()
                macros.touched = touched
                macros.cwd_used = False
                job.reads, job.writes = reads, writes
                step(job)
                record = known[number]
                if macros.cwd_used:
                    reads.add("#iwd")
                record.touched |= touched
                record.reads |= reads
                record.writes |= writes
                last_writer.update(dict.fromkeys(writes, number))
        finally:
            macros.touched = job.reads = job.writes = None
        self._records = known
        self._decide(last_writer)
        job.own.setdefault("jobstatus", job.cluster["jobstatus"])  # type: ignore[index]  # the cluster ad exists by now

    def _decide(self, last_writer: dict[str, int]) -> None:
        """Decide which steps must be repeated for each job from now on."""
        own = set(self.job.own)
        self._may_change |= own
        repeated: set[int] = set()
        changed = {"procid"}
        shared = self._shared_attributes()
        while True:
            more = {
                number
                for number, record in enumerate(self._records)
                if number not in repeated
                and (
                    record.touched
                    or not record.reads.isdisjoint(changed)
                    or not record.writes.isdisjoint(changed)
                    or ("*" in record.reads and changed)
                )
            }
            if not more:
                break
            repeated |= more
            for number in more:
                record = self._records[number]
                changed |= record.writes & self._may_change
                # Of several steps that write what this one uses, the later ones hide what the earlier ones wrote.
                changed |= (record.reads | record.writes) & shared
        self._fixed = set()
        for number, record in enumerate(self._records):
            if number not in repeated:
                self._fixed |= record.reads | record.writes
        self._fixed -= changed | own
        # What steps that are not repeated leave behind, later jobs begin with; that is wrong for a repeated step that
        # comes before the one that left it.
        left = {name: last_writer[name] for name in own if last_writer.get(name, -1) not in repeated | {-1}}
        early = any(
            number < left[name]
            for number in repeated
            for name in (self._records[number].reads | self._records[number].writes) & left.keys()
        )
        self._begin = {name: self.job.own[name] for name in left}
        self._repeated = None if early else [self._steps[number] for number in sorted(repeated)]
        self._any = "*" in self._fixed
        self._requests = "requestcpus" in self._fixed

    _any = False
    _requests = False
    _begin: dict[str, Node]

    def _shared_attributes(self) -> set[str]:
        """Return the attributes that more than one step assigns."""
        seen: set[str] = set()
        shared: set[str] = set()
        for record in self._records:
            shared |= record.writes & seen
            seen |= record.writes
        return shared

    def _again(self, proc: int) -> bool:
        """Make a job by repeating only what changes; returns whether that was enough."""
        job = self.job
        job.proc = proc
        job.own = own = self._begin.copy()
        job.fixed_params = self._params
        before, good = job.begin_warnings(), False
        try:
            for step in self._repeated or ():
                step(job)
            good = self._suffices(own)
        except SubmitError:
            good = True
            raise
        finally:
            job.fixed_params = None
            job.end_warnings(before, good)
        own["jobstatus"] = own.get("jobstatus") or job.cluster["jobstatus"]  # type: ignore[index]  # it exists by now
        return good

    def _suffices(self, own: dict[str, Node]) -> bool:
        """Return whether no step that was not repeated depends on what the repeated ones have changed now."""
        if not self._fixed.isdisjoint(own):
            return False
        if not (self._any or self._requests):
            return True
        return all(name in self._may_change or not (self._any or name.startswith("request")) for name in own)

    # -- ads

    def cluster_ad(self) -> ClassAd:
        """Return the cluster ad.

        Raises
        ------
        SubmitError
            No job has been made yet.
        """
        if not self._cluster_table:
            raise SubmitError("there is no cluster ad before the first job has been made")
        return expressions.table_ad(dict(self._cluster_table))

    def job_ad(self, delta: JobDelta) -> ClassAd:
        """Return a whole job."""
        result = dict(self._cluster_table)
        spelling = self.job.spelling
        for lower, node in delta.own.items():
            if lower[0] != "#":
                result[lower] = (spelling[lower], node)
        return expressions.table_ad(result)

    def proc_ad(self, delta: JobDelta) -> ClassAd:
        """Return what a job has beside the cluster ad."""
        spelling = self.job.spelling
        return expressions.table_ad(
            {lower: (spelling[lower], node) for lower, node in delta.own.items() if lower[0] != "#"}
        )
