"""Following jobs over queue, history and job event logs.

A schedd announces nothing; following is asking again and again, with small projections, one query a round for all jobs
of a watch, and rounds that become rarer while nothing happens. Jobs that have left the queue are looked up in the
history. Each round is an ordinary query: no connection is held in between. Between the rounds the jobs' event logs, if
there are any to read, tell what happens as it happens; :mod:`htcondor_async._jobtrack` puts both together.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import attrs

from htcondor_async._core.retry import may_pass
from htcondor_async._dialogues.expressions import constraint_text
from htcondor_async._dialogues.jobids import job_id
from htcondor_async._jobtrack import Followed, Job, JobChange, JobNews, event_text, events_of, id_of, selecting, text_of
from htcondor_async._runtime.base import Runtime
from htcondor_async._watchlogs import WatchedLogs, log_of
from htcondor_async.classad import ClassAd
from htcondor_async.errors import (
    ConcurrencyError,
    DaemonTimeoutError,
    HTCondorException,
    HTCondorTypeError,
    HTCondorValueError,
)
from htcondor_async.eventlog import JobEvent
from htcondor_async.schedd import Schedd

__all__ = ["JobWatch", "Pace", "numbers_of"]

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
_WITH_LOGS = (*_PROJECTION, "QDate", "UserLog", "Iwd")
_GROWTH = 1.5


@attrs.frozen
class Pace:
    """How often the queue is looked at, in seconds; see :func:`watch`."""

    interval: float
    longest: float
    relaxed: float
    patience: float

    def __attrs_post_init__(self) -> None:
        if not 0 < self.interval <= self.longest:
            raise HTCondorValueError("interval is more than 0 and not more than longest")


class JobWatch:
    """Follows jobs until each has come to an end; made by :func:`watch`.

    Iterate over it for single events, or await :meth:`next_events` for those of one round. It belongs to one task.
    :attr:`state` is all it knows, as plain values that JSON can carry: a watch made with it goes on where this one was,
    in another process if need be.
    """

    def __init__(
        self, schedd: Schedd, jobs: Iterable[Job], constraint: str | None, pace: Pace, logs: list[str], find_logs: bool
    ) -> None:
        self._schedd = schedd
        self._constraint = constraint
        self._pace = pace
        self._find_logs = find_logs
        self._logs = WatchedLogs(logs, self._runtime) if logs or find_logs else None
        self._pause = 0.0
        self._next_round = self._next_check = -math.inf
        self._intact = False
        self._out_of_reach: float | None = None
        self._followed: dict[Job, Followed] = {}
        self._open: dict[Job, Followed] = {}
        """Those of the jobs that have not come to an end."""
        self._events: deque[JobNews] = deque()
        self._busy = False
        for job in jobs:
            self._follow(Followed(job))

    @property
    def _runtime(self) -> Runtime:
        return self._schedd._client._context().runtime

    def _follow(self, followed: Followed) -> None:
        self._followed[followed.job] = followed
        if not followed.ended:
            self._open[followed.job] = followed

    @property
    def waiting(self) -> list[str]:
        """The jobs that have not come to an end."""
        return [text_of(job) for job in self._open]

    @property
    def done(self) -> bool:
        """Whether all jobs have come to an end and all events have been taken."""
        return self._constraint is None and not self._events and not self._open

    @property
    def state(self) -> dict[str, Any]:
        """What :func:`watch` needs to go on from here, events not yet taken included."""
        state: dict[str, Any] = {
            "version": 1,
            "constraint": self._constraint,
            "jobs": {text_of(job): known.state() for job, known in self._followed.items()},
            "events": [[news.job, news.change.value, str(news.ad)] for news in self._events],
        }
        if self._logs is not None:
            state["logs"], state["given"] = self._logs.state(), list(self._logs.given)
            state["find_logs"] = self._find_logs
            state["early"] = [event_text(event) for known in self._open.values() for event in known.early]
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what another watch knew.

        Raises
        ------
        HTCondorValueError
            It is not the state of a watch.
        """
        early: list[JobEvent] = []
        try:
            if state["version"] != 1:
                raise HTCondorValueError(f"version {state['version']!r} of a watch's state is not known")
            constraint, jobs = state["constraint"], dict(state["jobs"])
            followed = [Followed.of_state(numbers_of(job), known) for job, known in jobs.items()]
            events = [JobNews(job, JobChange(change), ClassAd(ad)) for job, change, ad in state.get("events", ())]
            if "logs" in state:
                self._find_logs = self._find_logs or bool(state["find_logs"])
                self._logs = self._logs or WatchedLogs((), self._runtime)
                self._logs.given.update(dict.fromkeys(map(str, state["given"])))
                self._logs.restore(state["logs"])
                early = events_of("".join(state["early"]))
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise HTCondorValueError("this is not the state of a watch") from error
        self._constraint = None if constraint is None else constraint_text(str(constraint))
        self._events = deque(events)
        self._followed, self._open = {}, {}
        for known in followed:
            self._follow(known)
        for event in early:
            waiting = self._open.get((event.cluster, event.proc))
            if waiting is not None:
                waiting.early.append(event)

    def close(self) -> None:
        """Give back what following the logs holds: descriptors. Without logs a watch holds nothing."""
        if self._logs is not None:
            self._logs.close()

    async def __aenter__(self) -> JobWatch:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

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
            clock = self._runtime.clock
            await self._look_until(math.inf if timeout is None else clock() + timeout)
            # taken in the same step as it is found: a cancellation before this loses nothing
            events, self._events = list(self._events), deque()
            if self.done:
                self.close()
            return events
        finally:
            self._busy = False

    async def _look_until(self, deadline: float) -> None:
        """Look at queue and logs until there is news."""
        runtime = self._runtime
        while not self._events and (self._constraint is not None or self._open):
            wake = min(deadline, self._next_round)
            if self._logs is not None and not self._logs.closed and self._next_round > -math.inf:
                await self._listen(self._logs, min(wake, self._next_check))
            else:
                await runtime.sleep(max(wake - runtime.clock(), 0.0))
            now = runtime.clock()
            if self._events:
                return
            if now >= deadline:
                raise DaemonTimeoutError(
                    f"{len(self._open)} of the jobs have not come to an end", daemon=repr(self._schedd).strip("<>")
                )
            if now >= self._next_round and (self._open or self._constraint is not None):
                await self._round(runtime)

    # -- the logs

    async def _listen(self, logs: WatchedLogs, until: float) -> None:
        """Take what the logs tell, and see whether they are as they should be."""
        runtime = self._runtime
        self._take(await logs.wait(until))
        now = runtime.clock()
        if now >= self._next_check:
            before, self._intact = self._intact, await logs.intact()
            self._next_check = runtime.clock() + self._pace.longest
            if before and not self._intact:
                self._next_round = min(self._next_round, now)
        elif logs.gap:
            self._intact = logs.gap = False
            self._next_round = min(self._next_round, now + self._pace.interval)

    def _take(self, events: Iterable[tuple[str, JobEvent]]) -> None:
        for path, event in events:
            known = self._open.get((event.cluster, event.proc))
            if known is None or self._logs is None or not (path in self._logs.given or known.log == path):
                continue
            for news in known.in_log(event):
                self._tell(news, known)
            if known.unsure:
                # what a run has ended for is asked at once
                pause = 0.0 if known.stopped is event else self._pace.interval
                self._next_round = min(self._next_round, self._runtime.clock() + pause)

    def _tell(self, news: JobNews | None, known: Followed) -> None:
        if news is None:
            return
        self._events.append(news)
        if known.ended:
            self._open.pop(known.job, None)

    # -- the queue and the history

    async def _round(self, runtime: Runtime) -> None:
        """Ask once, and see when to ask again."""
        before = len(self._events)
        try:
            await self._ask()
        except HTCondorException as error:
            now = runtime.clock()
            self._out_of_reach = now if self._out_of_reach is None else self._out_of_reach
            passing = may_pass(error) or isinstance(error, DaemonTimeoutError)
            if not passing or now - self._out_of_reach >= self._pace.patience:
                raise
        else:
            self._out_of_reach = None
        unsure = [known for known in self._open.values() if known.unsure]
        for known in unsure:
            known.unsure = False
        if unsure or len(self._events) > before or not self._pause:
            self._pause = self._pace.interval
        else:
            relaxed = self._intact and all(known.logged for known in self._open.values())
            limit = max(self._pace.relaxed, self._pace.longest) if relaxed else self._pace.longest
            self._pause = min(self._pause * _GROWTH, limit)
        self._next_round = runtime.clock() + self._pause

    async def _ask(self) -> None:
        """Ask the queue; then what is in the logs by then is older than the answer, or about as old."""
        if self._constraint is not None:
            found = await self._query(self._constraint)
            for job in found.keys() - self._followed.keys():
                self._follow(Followed(job))
            self._constraint = None
        else:
            found = await self._query(selecting(list(self._open)))
        if self._logs is not None and not self._logs.closed:
            await self._read_logs(self._logs, found)
        for job, ad in found.items():
            known = self._open.get(job)
            if known is not None:
                self._tell(known.queued(ad), known)
        lost = [job for job in self._open if job not in found]
        if lost:
            await self._look_up(lost)

    async def _read_logs(self, logs: WatchedLogs, found: Mapping[Job, ClassAd]) -> None:
        names: set[str] = set()
        for job, ad in found.items():
            known = self._open.get(job)
            if known is None:
                continue
            if self._find_logs and known.log is None:
                known.log = log_of(ad)
            if known.log is not None:
                names.add(known.log)
            self._come_to_light(known, ad.get_int("QDate", 0))
        await logs.find(names)
        while events := await logs.rest():
            self._take(events)

    def _come_to_light(self, known: Followed, born: int) -> None:
        for news in known.came_to_light(born):
            self._tell(news, known)

    async def _query(self, constraint: str) -> dict[Job, ClassAd]:
        found: dict[Job, ClassAd] = {}
        async with self._schedd.xquery(constraint, self._projection) as stream:
            async for batch in stream.batches():
                found.update((id_of(ad), ad) for ad in batch)
        return found

    @property
    def _projection(self) -> tuple[str, ...]:
        return _PROJECTION if self._logs is None else _WITH_LOGS

    async def _look_up(self, lost: list[Job]) -> None:
        """Find in the history what became of jobs that are not in the queue."""
        found: dict[Job, ClassAd] = {}
        async with self._schedd.history(selecting(lost), self._projection, match=len(lost)) as stream:
            async for ad in stream:
                found.setdefault(id_of(ad), ad)
        for job in lost:
            known, last = self._open[job], found.get(job)
            if last is not None:
                self._come_to_light(known, last.get_int("QDate", 0))
                if not known.ended:
                    self._tell(known.in_history(last), known)
                continue
            if known.forgotten:
                # nobody but the log remembers it
                self._come_to_light(known, 0)
            if not known.ended:
                self._tell(known.nowhere(), known)


def numbers_of(job: object) -> Job:
    """Return the numbers of a job; raises ``HTCondorTypeError``, ``HTCondorValueError`` for what is no id of one."""
    if isinstance(job, Mapping):
        raise HTCondorTypeError("a job to follow is given by its id, as '5.0'")
    cluster, _, proc = job_id(job).partition(".")
    if not proc:
        raise HTCondorValueError(f"{cluster} is a cluster, not a job", hint="write CLUSTER.PROC, or a constraint")
    return int(cluster), int(proc)
