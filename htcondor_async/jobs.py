"""Following jobs: what becomes of them, over queue and history.

A schedd announces nothing; following is asking again and again, with small projections, one query a round for all jobs
of a watch, and rounds that become rarer while nothing happens. Jobs that have left the queue are looked up in the
history. Each round is an ordinary query: no connection is held in between.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import attrs

from htcondor_async._core.retry import may_pass
from htcondor_async._dialogues.expressions import Constraint, constraint_text
from htcondor_async._dialogues.jobids import job_id
from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.enums import JobStatus
from htcondor_async.errors import (
    ConcurrencyError,
    DaemonTimeoutError,
    HTCondorException,
    HTCondorTypeError,
    HTCondorValueError,
)
from htcondor_async.schedd import Schedd, SubmitResult

__all__ = ["JobChange", "JobNews", "JobWatch", "wait_for_jobs", "watch"]

_PROJECTION = (
    "ClusterId",
    "ProcId",
    "JobStatus",
    "NumHolds",
    "HoldReason",
    "HoldReasonCode",
    "HoldReasonSubCode",
    "RemoveReason",
    "ExitCode",
    "ExitBySignal",
    "ExitSignal",
    "EnteredCurrentStatus",
)
_LOOKS = 3  # rounds in which a job is in neither queue nor history before it counts as gone
_GROWTH = 1.5


class JobChange(enum.Enum):
    """What has become of a job."""

    STARTED = "started"
    IDLE = "idle"
    HELD = "held"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    REMOVED = "removed"
    GONE = "gone"

    @property
    def final(self) -> bool:
        """Whether nothing follows it."""
        return self in _FINAL


_FINAL = frozenset({JobChange.COMPLETED, JobChange.REMOVED, JobChange.GONE})
_CHANGES = {
    JobStatus.IDLE: JobChange.IDLE,
    JobStatus.RUNNING: JobChange.STARTED,
    JobStatus.REMOVED: JobChange.REMOVED,
    JobStatus.COMPLETED: JobChange.COMPLETED,
    JobStatus.HELD: JobChange.HELD,
    JobStatus.TRANSFERRING_OUTPUT: JobChange.STARTED,
    JobStatus.SUSPENDED: JobChange.SUSPENDED,
}


@attrs.frozen
class JobNews:
    """Something that happened to a job.

    ``GONE``: it is in neither queue nor history; somebody rotated it away, or it never was. ``ad`` has the attributes
    that tell about it, and is empty then.
    """

    job: str
    change: JobChange
    ad: ClassAd = attrs.field(factory=ClassAd, repr=False)

    @property
    def reason(self) -> str:
        """Why it is on hold, or was removed."""
        name = {JobChange.HELD: "HoldReason", JobChange.REMOVED: "RemoveReason"}.get(self.change, "")
        return self.ad.get_str(name, "") if name else ""

    @property
    def exit_code(self) -> int | None:
        """What a completed job exited with; None if it was killed by a signal, or has not completed."""
        return self.ad.get_int("ExitCode") if self.change is JobChange.COMPLETED else None


@attrs.define
class _Followed:
    """What is known of one job: its last change, how often it was held, in how many rounds it was missing."""

    change: JobChange | None = None
    holds: int = 0
    missing: int = 0


class JobWatch:
    """Follows jobs until each has come to an end; made by :func:`watch`.

    Iterate over it for single events, or await :meth:`next_events` for those of one round. It belongs to one task.
    :attr:`state` is all it knows, as plain values that JSON can carry: a watch made with it goes on where this one was,
    in another process if need be.
    """

    def __init__(
        self,
        schedd: Schedd,
        jobs: Iterable[str | tuple[int, int]],
        constraint: str | None,
        interval: float,
        longest: float,
        patience: float,
    ) -> None:
        if not 0 < interval <= longest:
            raise HTCondorValueError("interval is more than 0 and not more than longest")
        self._schedd = schedd
        self._constraint = constraint
        self._interval = interval
        self._longest = longest
        self._patience = patience
        self._pause = 0.0
        self._followed: dict[tuple[int, int], _Followed] = {}
        self._events: deque[JobNews] = deque()
        self._busy = False
        for job in jobs:
            self._followed[_numbers(job)] = _Followed()

    @property
    def waiting(self) -> list[str]:
        """The jobs that have not come to an end."""
        return [_text(job) for job, known in self._followed.items() if known.change is None or not known.change.final]

    @property
    def done(self) -> bool:
        """Whether all jobs have come to an end and all events have been taken."""
        return self._constraint is None and not self._events and not self.waiting

    @property
    def state(self) -> dict[str, Any]:
        """What :func:`watch` needs to go on from here; events not yet taken are not in it, they will be found again."""
        untaken = {event.job for event in self._events}
        jobs = {
            _text(job): None if _text(job) in untaken or known.change is None else [known.change.value, known.holds]
            for job, known in self._followed.items()
        }
        return {"version": 1, "constraint": self._constraint, "jobs": jobs}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what another watch knew.

        Raises
        ------
        HTCondorValueError
            It is not the state of a watch.
        """
        try:
            if state["version"] != 1:
                raise HTCondorValueError(f"version {state['version']!r} of a watch's state is not known")
            constraint, jobs = state["constraint"], dict(state["jobs"])
            followed = {
                _numbers(job): _Followed() if known is None else _Followed(JobChange(known[0]), int(known[1]))
                for job, known in jobs.items()
            }
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise HTCondorValueError("this is not the state of a watch") from error
        self._constraint = None if constraint is None else constraint_text(str(constraint))
        self._followed = followed

    def __aiter__(self) -> AsyncIterator[JobNews]:
        return self

    async def __anext__(self) -> JobNews:
        while not self._events:
            found = await self.next_events()
            if not found:
                raise StopAsyncIteration
            self._events.extend(found)
        return self._events.popleft()

    async def next_events(self, *, timeout: float | None = None) -> list[JobNews]:
        """Wait until something happens and return it; the empty list means that all jobs have come to an end.

        Raises
        ------
        DaemonTimeoutError
            Nothing has happened for ``timeout`` seconds.
        HTCondorException
            The schedd has been out of reach for longer than the watch's patience, or refuses the queries.
        """
        if self._busy:
            raise ConcurrencyError("this watch is in use by another task")
        self._busy = True
        try:
            clock = self._schedd._client._context().runtime.clock
            return await self._rounds(math.inf if timeout is None else clock() + timeout)
        finally:
            self._busy = False

    async def _rounds(self, deadline: float) -> list[JobNews]:
        if self._events:
            events, self._events = list(self._events), deque()
            return events
        runtime = self._schedd._client._context().runtime
        out_of_reach: float | None = None
        while self._constraint is not None or self.waiting:
            await runtime.sleep(max(min(self._pause, deadline - runtime.clock()), 0.0))
            if runtime.clock() >= deadline:
                raise DaemonTimeoutError(
                    f"{len(self.waiting)} of the jobs have not come to an end", daemon=repr(self._schedd).strip("<>")
                )
            try:
                events = await self._round()
            except HTCondorException as error:
                now = runtime.clock()
                out_of_reach = now if out_of_reach is None else out_of_reach
                passing = may_pass(error) or isinstance(error, DaemonTimeoutError)
                if not passing or now - out_of_reach >= self._patience:
                    raise
                events = []
            else:
                out_of_reach = None
            self._pause = self._interval if events or not self._pause else min(self._pause * _GROWTH, self._longest)
            if events:
                return events
        return []

    async def _round(self) -> list[JobNews]:
        """Ask once; return what is new."""
        if self._constraint is not None:
            found = await self._query(self._constraint)
            for job in found:
                self._followed.setdefault(job, _Followed())
            self._constraint = None
        else:
            found = await self._query(_selecting(self._open()))
        events = [event for job, ad in found.items() if (event := self._seen(job, ad)) is not None]
        lost = [job for job in self._open() if job not in found]
        if lost:
            events += await self._look_up(lost)
        return events

    def _open(self) -> list[tuple[int, int]]:
        return [job for job, known in self._followed.items() if known.change is None or not known.change.final]

    async def _query(self, constraint: str) -> dict[tuple[int, int], ClassAd]:
        found: dict[tuple[int, int], ClassAd] = {}
        async with self._schedd.xquery(constraint, _PROJECTION) as stream:
            async for batch in stream.batches():
                found.update((_id_of(ad), ad) for ad in batch)
        return found

    async def _look_up(self, lost: list[tuple[int, int]]) -> list[JobNews]:
        """Find in the history what became of jobs that are not in the queue."""
        events = []
        found: dict[tuple[int, int], ClassAd] = {}
        async with self._schedd.history(_selecting(lost), _PROJECTION, match=len(lost)) as stream:
            async for ad in stream:
                found.setdefault(_id_of(ad), ad)
        for job in lost:
            last = found.get(job)
            known = self._followed[job]
            if last is None:
                known.missing += 1
                if known.missing >= _LOOKS:
                    known.change = JobChange.GONE
                    events.append(JobNews(_text(job), JobChange.GONE))
                continue
            change = JobChange.REMOVED if last.get("JobStatus") == JobStatus.REMOVED else JobChange.COMPLETED
            known.change = change
            events.append(JobNews(_text(job), change, last))
        return events

    def _seen(self, job: tuple[int, int], ad: ClassAd) -> JobNews | None:
        known = self._followed.get(job)
        status = ad.get("JobStatus")
        if known is None or (known.change is not None and known.change.final) or type(status) is not int:
            return None
        known.missing = 0
        change = _CHANGES.get(JobStatus(status)) if status in list(JobStatus) else None
        holds = ad.get_int("NumHolds", 0)
        held_again = change is JobChange.HELD and known.change is JobChange.HELD and holds != known.holds
        if change is None or (change is known.change and not held_again):
            return None
        known.change, known.holds = change, holds
        return JobNews(_text(job), change, ad)


def watch(
    schedd: Schedd,
    jobs: SubmitResult | Constraint | Iterable[str | tuple[int, int]] = None,
    *,
    state: Mapping[str, Any] | None = None,
    interval: float = 2.0,
    longest: float = 60.0,
    patience: float = 600.0,
) -> JobWatch:
    """Follow jobs::

        async for event in watch(schedd, result):
            if event.change is JobChange.HELD:
                print(event.job, event.reason)

    Parameters
    ----------
    schedd
        Where they are.
    jobs
        The result of a submission, ids, or a constraint (text or ``ExprTree``) that chooses among the jobs in the queue
        at the first round.
    state
        Go on where another watch was, see :attr:`JobWatch.state`; instead of ``jobs``.
    interval, longest
        Seconds between two rounds while something happens, and at most.
    patience
        Seconds for which the schedd may be out of reach.

    Raises
    ------
    HTCondorValueError
        The constraint does not parse, an id is none, or both jobs and state are given.
    """
    if (jobs is None) == (state is None):
        raise HTCondorValueError("a watch needs jobs, or else a state to go on from")
    constraint: str | None = None
    ids: Iterable[str | tuple[int, int]] = ()
    if isinstance(jobs, SubmitResult):
        first = jobs.first_proc()
        ids = [(jobs.cluster(), proc) for proc in range(first, first + jobs.num_procs())]
    elif isinstance(jobs, (str, bool, ExprTree)):
        constraint = constraint_text(jobs)
    elif jobs is not None:
        ids = jobs
    made = JobWatch(schedd, ids, constraint, interval, longest, patience)
    if state is not None:
        made.restore(state)
    return made


async def wait_for_jobs(
    schedd: Schedd,
    jobs: SubmitResult | Constraint | Iterable[str | tuple[int, int]],
    *,
    until_held: bool = True,
    timeout: float | None = None,
    interval: float = 2.0,
    longest: float = 60.0,
    patience: float = 600.0,
) -> dict[str, JobNews]:
    """Wait until each of several jobs has completed, was removed, is on hold, or is gone.

    Parameters
    ----------
    schedd, jobs, interval, longest, patience
        See :func:`watch`.
    until_held
        Whether a hold ends the wait for a job: somebody has to do something about it. Otherwise it goes on.
    timeout
        Seconds for all of it.

    Returns
    -------
    dict
        The last event of each job by its id.

    Raises
    ------
    DaemonTimeoutError
        The time is up.
    """
    following = watch(schedd, jobs, interval=interval, longest=longest, patience=patience)
    clock = schedd._client._context().runtime.clock
    deadline = math.inf if timeout is None else clock() + timeout
    outcome: dict[str, JobNews] = {}
    while events := await following.next_events(timeout=None if timeout is None else max(deadline - clock(), 0.0)):
        for event in events:
            if event.change.final or event.change is JobChange.HELD:
                outcome[event.job] = event
            else:
                outcome.pop(event.job, None)
        if until_held and outcome.keys() >= set(following.waiting):
            break
    return outcome


def _numbers(job: object) -> tuple[int, int]:
    if isinstance(job, Mapping):
        raise HTCondorTypeError("a job to follow is given by its id, as '5.0'")
    cluster, _, proc = job_id(job).partition(".")
    if not proc:
        raise HTCondorValueError(f"{cluster} is a cluster, not a job", hint="write CLUSTER.PROC, or a constraint")
    return int(cluster), int(proc)


def _text(job: tuple[int, int]) -> str:
    return f"{job[0]}.{job[1]}"


def _id_of(ad: ClassAd) -> tuple[int, int]:
    return ad.get_int("ClusterId", 0), ad.get_int("ProcId", -1)


def _selecting(jobs: Iterable[tuple[int, int]]) -> str:
    """Return a constraint for jobs, as short as their numbers allow: runs of procs become ranges."""
    clusters: dict[int, list[int]] = {}
    for cluster, proc in jobs:
        clusters.setdefault(cluster, []).append(proc)
    groups: dict[str, list[int]] = {}
    for cluster, procs in clusters.items():
        groups.setdefault(_procs(sorted(procs)), []).append(cluster)
    parts = [f"(member(ClusterId,{{{','.join(map(str, numbers))}}}) && {procs})" for procs, numbers in groups.items()]
    return " || ".join(parts)


def _procs(procs: list[int]) -> str:
    if procs[-1] - procs[0] + 1 == len(procs):
        return f"ProcId >= {procs[0]} && ProcId <= {procs[-1]}"
    return f"member(ProcId,{{{','.join(map(str, procs))}}})"
