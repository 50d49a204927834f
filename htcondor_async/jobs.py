"""Following jobs: what becomes of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from htcondor_async._dialogues.expressions import Constraint, constraint_text
from htcondor_async._jobtrack import JobChange, JobNews
from htcondor_async._jobwatch import JobWatch, Pace, numbers_of
from htcondor_async.classad import ExprTree
from htcondor_async.errors import HTCondorValueError
from htcondor_async.schedd import Schedd, SubmitResult

__all__ = ["JobChange", "JobNews", "JobWatch", "wait_for_jobs", "watch"]

Logs = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def watch(
    schedd: Schedd,
    jobs: SubmitResult | Constraint | Iterable[str | tuple[int, int]] = None,
    *,
    state: Mapping[str, Any] | None = None,
    logs: Logs = (),
    find_logs: bool = False,
    interval: float = 2.0,
    longest: float = 60.0,
    relaxed: float = 600.0,
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
    logs
        Job event logs of the jobs that are, or will be, files on this machine: what they say is told at once. Queue and
        history are asked all the same, and have the last word.
    find_logs
        Look into the ads of the jobs for the names of their logs (``UserLog``), and use those that are files which can
        be read here, about the jobs that name them.
    interval, longest
        Seconds between two rounds while something happens, and at most.
    relaxed
        Seconds between two rounds at most while logs have told the last change of every job and have only grown since.
        Every ``longest`` seconds they are looked at for that.
    patience
        Seconds for which the schedd may be out of reach.

    Raises
    ------
    HTCondorValueError
        The constraint does not parse, an id is none, both jobs and state are given, or the seconds make no sense.
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
    named = [logs] if isinstance(logs, (str, os.PathLike)) else logs
    pace = Pace(interval, longest, relaxed, patience)
    paths = [str(Path(path).absolute()) for path in named]
    made = JobWatch(schedd, map(numbers_of, ids), constraint, pace, paths, find_logs)
    if state is not None:
        made.restore(state)
    return made


async def wait_for_jobs(
    schedd: Schedd,
    jobs: SubmitResult | Constraint | Iterable[str | tuple[int, int]],
    *,
    until_held: bool = True,
    timeout: float | None = None,
    logs: Logs = (),
    find_logs: bool = False,
    interval: float = 2.0,
    longest: float = 60.0,
    relaxed: float = 600.0,
    patience: float = 600.0,
) -> dict[str, JobNews]:
    """Wait until each of several jobs has completed, was removed, is on hold, or is gone.

    Parameters
    ----------
    schedd, jobs, logs, find_logs, interval, longest, relaxed, patience
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
    following = watch(
        schedd,
        jobs,
        logs=logs,
        find_logs=find_logs,
        interval=interval,
        longest=longest,
        relaxed=relaxed,
        patience=patience,
    )
    clock = schedd._client._context().runtime.clock
    deadline = math.inf if timeout is None else clock() + timeout
    outcome: dict[str, JobNews] = {}
    async with following:
        while events := await following.next_events(timeout=None if timeout is None else max(deadline - clock(), 0.0)):
            for event in events:
                if event.change.final or event.change is JobChange.HELD:
                    outcome[event.job] = event
                else:
                    outcome.pop(event.job, None)
            if until_held and outcome.keys() >= set(following.waiting):
                break
    return outcome
