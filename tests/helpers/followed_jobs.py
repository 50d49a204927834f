"""Jobs that live in the queue of a pool in memory and leave lines in logs, at virtual times."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from htcondor_async import JobChange, JobEventType, JobNews
from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.clock import LocalClock
from htcondor_async._runtime.memory import MemoryRuntime
from htcondor_async.eventlog import format_event
from tests.harness.memory_pool import Handles, PoolNetwork

Job = tuple[int, int]
_ENDED = {"TerminatedNormally": True, "ReturnValue": 3}
EVENTS: dict[str, tuple[JobChange, int, JobEventType, dict[str, Any]]] = {
    "submit": (JobChange.IDLE, 1, JobEventType.SUBMIT, {"SubmitHost": "<127.0.0.1:9618>"}),
    "execute": (JobChange.STARTED, 2, JobEventType.EXECUTE, {"ExecuteHost": "<127.0.0.1:9618>"}),
    "evict": (JobChange.IDLE, 1, JobEventType.JOB_EVICTED, {"Checkpointed": False, "TerminatedAndRequeued": False}),
    "suspend": (JobChange.SUSPENDED, 7, JobEventType.JOB_SUSPENDED, {"NumberOfPIDs": 1}),
    "resume": (JobChange.STARTED, 2, JobEventType.JOB_UNSUSPENDED, {}),
    "hold": (
        JobChange.HELD,
        5,
        JobEventType.JOB_HELD,
        {"HoldReason": "disk full", "HoldReasonCode": 26, "HoldReasonSubCode": 5},
    ),
    "release": (JobChange.IDLE, 1, JobEventType.JOB_RELEASED, {"Reason": "again"}),
    "terminate": (JobChange.COMPLETED, 4, JobEventType.JOB_TERMINATED, _ENDED),
    "abort": (JobChange.REMOVED, 3, JobEventType.JOB_ABORTED, {"Reason": "enough"}),
}
NEXT = {
    "submit": ("execute", "execute", "hold", "abort"),
    "execute": ("terminate", "terminate", "evict", "suspend", "hold", "abort"),
    "evict": ("execute", "execute", "hold", "abort"),
    "suspend": ("resume", "hold", "abort"),
    "resume": ("terminate", "evict", "suspend", "hold"),
    "hold": ("release", "release", "abort"),
    "release": ("execute", "hold", "execute"),
}


def line(kind: str, job: Job, when: float) -> bytes:
    """Return the line of a log."""
    _change, _status, number, attributes = EVENTS[kind]
    return format_event(number, *job, when, attributes, LocalClock())


@attrs.define
class World:
    """A pool in memory, its client, and what really happened to each job."""

    network: PoolNetwork = attrs.field(factory=lambda: PoolNetwork(jobs=0))
    truth: dict[Job, list[JobChange]] = attrs.field(factory=dict)
    written: dict[Job, float] = attrs.field(factory=dict)

    @property
    def schedd(self) -> Any:
        return Handles(MemoryRuntime(self.network, blocking=True)).schedd

    def happen(
        self, kind: str, job: Job, log: Path | None = None, *, lag: float = 0.0, ads: dict[str, Any] | None = None
    ) -> None:
        """Let something happen to a job now: in the queue at once, in its log after ``lag`` seconds."""
        change, status, _number, attributes = EVENTS[kind]
        queue, now = self.network.schedd.queue, self.network.started + self.network.time
        if kind == "submit":
            queue.add({"ClusterId": job[0], "ProcId": job[1], "Owner": "alice", "QDate": int(now), **(ads or {})})
        changes = {"JobStatus": status, "EnteredCurrentStatus": int(now)}
        if kind == "hold":
            held = queue.procs[job].get("NumHolds", 0)
            changes |= {**attributes, "NumHolds": held + 1}
        if kind == "abort":
            changes["RemoveReason"] = "enough"
        if kind == "terminate":
            changes |= {"ExitCode": 3, "ExitBySignal": False}
        queue.change(job, changes)
        if change.final:
            queue.leave(job, int(now))
        self.truth.setdefault(job, []).append(change)
        if log is not None:
            text = line(kind, job, now)
            # late, but a log is written in order
            due = self.written[job] = max(self.network.time + lag, self.written.get(job, 0.0))
            self.later(due - self.network.time, lambda: append(log, text))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after virtual seconds; at once for none."""
        if seconds <= 0:
            action()
        else:
            self.network.at(self.network.time + seconds, action)

    def live(self, job: Job, log: Path | None, chance: random.Random, lag: Callable[[], float]) -> None:
        """Let a job live, from its submission now to its end."""

        def step(kind: str) -> None:
            self.happen(kind, job, log, lag=lag())
            after = NEXT.get(kind)
            if after:
                self.later(chance.choice((0.3, 1.0, 4.0, 40.0)), lambda: step(chance.choice(after)))

        step("submit")

    def run(self, body: Callable[[], Any]) -> Any:
        """Run a coroutine function on the virtual clock."""
        return drive(body())


def append(log: Path, text: bytes) -> None:
    """Add to a log."""
    with log.open("ab") as file:
        file.write(text)


def changes(news: list[JobNews]) -> dict[str, list[JobChange]]:
    """Return what was told of each job, in order."""
    found: dict[str, list[JobChange]] = {}
    for each in news:
        found.setdefault(each.job, []).append(each.change)
    return found


def is_part(told: list[JobChange], truth: list[JobChange]) -> bool:
    """Return whether what was told happened, each once and in this order."""
    rest = iter(truth)
    return all(change in rest for change in told)
