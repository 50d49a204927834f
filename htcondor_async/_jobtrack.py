"""What is known of jobs that are followed, and what is news about them: from the queue, the history, and their log.

The queue and the history are the truth, seen from time to time; the log tells each change at once, but may be late,
cut, or gone. What keeps a change from being told twice:

* A change that the queue told first is owed by the log: what the log says up to that moment is known already.
* Where the queue differs from what the log told before, but is not newer by its own ``EnteredCurrentStatus``, the
  answer may be older than the log's line. It counts if it says so again in the next round.
* Log lines from before the job was queued are of another job that had its number.
"""

from __future__ import annotations

import enum
from typing import Any

import attrs

from htcondor_async._runtime.clock import LocalClock
from htcondor_async.classad import ClassAd
from htcondor_async.enums import JobEventType, JobStatus
from htcondor_async.eventlog import EventDecoder, JobEvent

__all__ = ["Followed", "Job", "JobChange", "JobNews", "event_text", "events_of", "id_of", "selecting", "text_of"]

Job = tuple[int, int]

_LOOKS = 3
"""Rounds in which a job is in neither queue nor history before it counts as gone."""
_BEFORE = 60
"""Seconds by which a job's first line may seem older than the job: QDate is by the submitter's clock."""
_UNKNOWN = 1 << 40
_LATE = 10
"""Seconds between a hold in the queue and its line in the log, either of which may be first."""


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
_QUEUED = {
    JobStatus.IDLE: JobChange.IDLE,
    JobStatus.RUNNING: JobChange.STARTED,
    JobStatus.REMOVED: JobChange.REMOVED,
    JobStatus.COMPLETED: JobChange.COMPLETED,
    JobStatus.HELD: JobChange.HELD,
    JobStatus.TRANSFERRING_OUTPUT: JobChange.STARTED,
    JobStatus.SUSPENDED: JobChange.SUSPENDED,
}
_STATUS = {change: status for status, change in reversed(_QUEUED.items())}
_LOGGED = {
    JobEventType.SUBMIT: JobChange.IDLE,
    JobEventType.EXECUTE: JobChange.STARTED,
    JobEventType.JOB_EVICTED: JobChange.IDLE,
    JobEventType.JOB_TERMINATED: JobChange.COMPLETED,
    JobEventType.SHADOW_EXCEPTION: JobChange.IDLE,
    JobEventType.JOB_ABORTED: JobChange.REMOVED,
    JobEventType.JOB_SUSPENDED: JobChange.SUSPENDED,
    JobEventType.JOB_UNSUSPENDED: JobChange.STARTED,
    JobEventType.JOB_HELD: JobChange.HELD,
    JobEventType.JOB_RELEASED: JobChange.IDLE,
    JobEventType.JOB_RECONNECT_FAILED: JobChange.IDLE,
}
# The run is over: the job is idle again, unless it was put on hold or removed while it ran. Then it has such a line
# too, before the other one or after it.
_STOPPED = frozenset({JobEventType.JOB_EVICTED, JobEventType.SHADOW_EXCEPTION, JobEventType.JOB_RECONNECT_FAILED})
_RUNNING = (JobChange.STARTED, JobChange.SUSPENDED)
# From the attributes of an event to those of a job.
_DETAILS = {
    JobEventType.JOB_HELD: {
        "HoldReason": "HoldReason",
        "HoldReasonCode": "HoldReasonCode",
        "HoldReasonSubCode": "HoldReasonSubCode",
    },
    JobEventType.JOB_ABORTED: {"Reason": "RemoveReason"},
    JobEventType.JOB_TERMINATED: {"ReturnValue": "ExitCode", "TerminatedBySignal": "ExitSignal"},
}


@attrs.frozen
class JobNews:
    """Something that happened to a job.

    ``GONE``: it is in neither queue nor history; somebody rotated it away, or it never was. ``ad`` has the attributes
    that tell about it, under the same names whether the queue, the history or the log told it, and is empty then.
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
class Followed:
    """One job: what was told of it last, and by whom.

    Attributes
    ----------
    job
        Its numbers.
    change, entered
        The last change that was told, and when it was, in seconds since 1970.
    holds
        How often it had been on hold then; None if the log told, which does not count.
    missing
        In how many rounds it was in neither queue nor history.
    owed
        Whether the queue told the last change, and the log has not yet.
    doubted
        What the queue says against the log, until it says so again.
    logged
        Whether the log told the last change, or confirmed it.
    born
        When it was queued; None until that is known. ``early`` are lines of the log from before that.
    log
        The name of its log as its ad has it, if that one is followed.
    newborn
        Whether the log told the last change, and it was the submission: no answer of the queue is older.
    stopped
        The line that says that its run is over, until it is known what for.
    unsure
        Something was found that only another look at the queue can settle.
    """

    job: Job
    change: JobChange | None = None
    entered: int = 0
    holds: int | None = 0
    missing: int = 0
    owed: bool = False
    doubted: JobChange | None = None
    logged: bool = False
    born: int | None = None
    early: list[JobEvent] = attrs.field(factory=list)
    log: str | None = None
    newborn: bool = False
    stopped: JobEvent | None = None
    unsure: bool = False

    @property
    def ended(self) -> bool:
        """Whether it has come to an end."""
        return self.change is not None and self.change.final

    def _tell(self, change: JobChange, entered: int, holds: int | None, ad: ClassAd) -> JobNews:
        self.change, self.entered, self.holds = change, entered, holds
        self.doubted, self.stopped, self.newborn = None, None, False
        return JobNews(text_of(self.job), change, ad)

    # -- the queue and the history

    def queued(self, ad: ClassAd) -> JobNews | None:
        """Take what the queue says; returns the news in it."""
        status = ad.get("JobStatus")
        if self.ended or type(status) is not int:
            return None
        self.missing = 0
        change = _QUEUED.get(JobStatus(status)) if status in list(JobStatus) else None
        if change is None:
            return None
        entered, holds = ad.get_int("EnteredCurrentStatus", 0), ad.get_int("NumHolds", 0)
        if self.stopped is not None:
            return self._after_stop(self.stopped, change, entered, holds, ad)
        if change is self.change:
            self.doubted = None
            # of a hold that the log told the number is not known, and is learnt here
            again = entered > self.entered + _LATE if self.holds is None else holds != self.holds
            if change is not JobChange.HELD or not again:
                self.holds = holds
                if self.owed:
                    self.entered = entered
                return None
        elif (
            self.logged
            and not self.owed
            and not self.newborn
            and entered <= self.entered
            and self.doubted is not change
        ):
            self.doubted = change
            self.unsure = True
            return None
        self.owed, self.logged = True, False
        return self._tell(change, entered, holds, ad)

    def _after_stop(
        self, stopped: JobEvent, change: JobChange, entered: int, holds: int, ad: ClassAd
    ) -> JobNews | None:
        """Take what the queue says of a job whose run is over by the log."""
        if change in _RUNNING:
            # an older answer, or the next run; the log will say, or the queue later
            self.unsure = self.doubted is not change and entered <= stopped.timestamp
            self.doubted, self.stopped = (change, stopped) if self.unsure else (None, None)
            return None
        self.owed, self.logged = change is not JobChange.IDLE, change is JobChange.IDLE
        return self._tell(change, max(entered, stopped.timestamp) if self.logged else entered, holds, ad)

    def in_history(self, ad: ClassAd) -> JobNews:
        """Take what the history says of a job that has come to an end."""
        removed = ad.get("JobStatus") == JobStatus.REMOVED
        change = JobChange.REMOVED if removed else JobChange.COMPLETED
        self.logged = False
        return self._tell(change, ad.get_int("EnteredCurrentStatus", 0), self.holds, ad)

    def nowhere(self) -> JobNews | None:
        """Note that it is in neither; returns the news once that has been so often enough."""
        self.missing += 1
        return self._tell(JobChange.GONE, 0, None, ClassAd()) if self.missing >= _LOOKS else None

    @property
    def forgotten(self) -> bool:
        """Whether it has been nowhere so often that the log is the only one to tell of it."""
        return self.missing + 1 >= _LOOKS

    # -- the log

    def in_log(self, event: JobEvent) -> list[JobNews]:
        """Take a line of the log; returns the news in it."""
        change = _LOGGED.get(event.type)
        if change is None or self.ended:
            return []
        if self.born is None:
            if event.type is JobEventType.SUBMIT:
                self.early.clear()
            self.early.append(event)
            return []
        when = event.timestamp
        if when < self.born - _BEFORE:
            return []
        self.logged = True
        if event.type in _STOPPED:
            if self.change in _RUNNING and self._is_news(change, when):
                self.stopped, self.unsure = event, True
            return []
        told = []
        if self.stopped is not None and change is JobChange.STARTED:
            # so it had been idle in between
            told.append(self._told_by(self.stopped, JobChange.IDLE))
        if change.final or self._is_news(change, when):
            told.append(self._told_by(event, change))
            self.newborn = event.type is JobEventType.SUBMIT
        return told

    def _told_by(self, event: JobEvent, change: JobChange) -> JobNews:
        self.owed = False
        holds = None if change is JobChange.HELD else self.holds
        return self._tell(change, event.timestamp, holds, self._ad_of(event, change))

    def _is_news(self, change: JobChange, when: int) -> bool:
        if change is self.change:
            new_hold = change is JobChange.HELD and when > self.entered + (_LATE if self.owed else 0)
            if new_hold:
                return True
            # of what else is of the second in which the queue told it, nobody knows which was first
            self.owed = self.owed and when <= self.entered
            return False
        if when < self.entered or (self.owed and when == self.entered):
            # older than what is known, or the clock was set back: the queue decides
            self.unsure = True
            return False
        return True

    def _ad_of(self, event: JobEvent, change: JobChange) -> ClassAd:
        ad = ClassAd({"ClusterId": self.job[0], "ProcId": self.job[1], "EnteredCurrentStatus": event.timestamp})
        ad["JobStatus"] = int(_STATUS[change])
        for name, attribute in _DETAILS.get(event.type, {}).items():
            value = event.get(name)
            if value is not None:
                ad[attribute] = value
        if event.type is JobEventType.JOB_TERMINATED:
            ad["ExitBySignal"] = not event.get("TerminatedNormally")
        return ad

    def came_to_light(self, born: int) -> list[JobNews]:
        """Learn when it was queued; returns the news in the lines of the log that waited for that."""
        if self.born is not None:
            return []
        self.born = born
        early, self.early = self.early, []
        return [news for event in early for news in self.in_log(event)]

    # -- to go on later

    def state(self) -> list[Any] | None:
        """Return what :meth:`of_state` needs, as plain values; None if nothing is known."""
        if self.change is None and self.born is None and self.log is None:
            return None
        change = None if self.change is None else self.change.value
        stopped = "" if self.stopped is None else event_text(self.stopped)
        return [change, self.holds, self.entered, self.owed, self.logged, self.born, self.log, self.newborn, stopped]

    @classmethod
    def of_state(cls, job: Job, state: Any) -> Followed:
        """Return the job with such a state; raises ``ValueError``, ``TypeError``, ``IndexError`` for anything else."""
        if state is None:
            return cls(job)
        # a watch without logs kept two of these; its log counts from where the queue is found next
        defaults = (_UNKNOWN, True, False, None, None, False, "")
        change, holds, entered, owed, logged, born, log, newborn, stopped = [*state, *defaults][:9]
        return cls(
            job,
            None if change is None else JobChange(change),
            int(entered),
            None if holds is None else int(holds),
            owed=bool(owed),
            logged=bool(logged),
            born=None if born is None else int(born),
            log=None if log is None else str(log),
            newborn=bool(newborn),
            stopped=next(iter(events_of(stopped)), None),
        )


def event_text(event: JobEvent) -> str:
    """Return what :func:`events_of` makes the event of again."""
    return f"{event}...\n"


def events_of(text: str) -> list[JobEvent]:
    """Return the events of a text that was made of such."""
    decoder = EventDecoder(LocalClock())
    decoder.feed(text.encode("utf-8", "surrogateescape"))
    found = []
    while (event := decoder.next(True)) is not None:
        if isinstance(event, JobEvent):
            found.append(event)
    return found


def text_of(job: Job) -> str:
    """Return ``CLUSTER.PROC``."""
    return f"{job[0]}.{job[1]}"


def id_of(ad: ClassAd) -> Job:
    """Return which job an ad is of."""
    return ad.get_int("ClusterId", 0), ad.get_int("ProcId", -1)


def selecting(jobs: list[Job]) -> str:
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
