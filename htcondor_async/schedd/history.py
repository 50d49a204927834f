"""Finished jobs."""

from __future__ import annotations

from collections.abc import Iterable

from htcondor_async._core.history import open_history
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names
from htcondor_async._dialogues.history import HistoryQuery, Since, since_text
from htcondor_async.schedd.base import ScheddBase
from htcondor_async.streams import AdStream

__all__ = ["ScheddHistory"]


class ScheddHistory(ScheddBase):
    """The history, read."""

    def history(
        self,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        match: int = -1,
        since: Since = None,
        *,
        forwards: bool = False,
        scan_limit: int | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> AdStream:
        """Stream the ads of jobs that have left the queue, newest first.

        Parameters
        ----------
        constraint
            Which jobs: an expression, as text or ``ExprTree``; all by default.
        projection
            The attributes wanted; all by default.
        match
            The most ads to return; negative for all.
        since
            Stop before the first job for which this is true: a cluster, a job id as text, or an expression.
        forwards
            Oldest first.
        scan_limit
            The most ads that the daemon looks at; None leaves it to the daemon (HISTORY_HELPER_MAX_HISTORY).
        timeout, idle_timeout
            Seconds for all of it, and seconds to wait for the next bytes. A daemon that searches a large file for few
            matches is silent for long.

        Raises
        ------
        HTCondorValueError
            The constraint or ``since`` does not parse.
        DaemonError
            While reading: the daemon's own error, with its code and text.
        HTCondorIOError
            While reading: the daemon cannot be reached, or broke off.
        """
        query = HistoryQuery(
            constraint_text(constraint),
            projection_names(projection),
            match=match,
            since=since_text(since),
            forwards=forwards,
            scan_limit=scan_limit,
        )
        return self._history(query, timeout, idle_timeout)

    def job_epoch_history(
        self,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        match: int = -1,
        since: Since = None,
        ad_type: str | Iterable[str] | None = None,
        *,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> AdStream:
        """Stream the ads of single runs of jobs, newest first; see :meth:`history`.

        ``ad_type`` names kinds of records, as ``"EPOCH"``, ``"TRANSFER"``, ``"ALL"`` (daemons before 23.8 ignore it). A
        daemon whose configuration has no JOB_EPOCH_HISTORY answers with error 5.
        """
        query = HistoryQuery(
            constraint_text(constraint),
            projection_names(projection),
            match=match,
            since=since_text(since),
            source="JOB_EPOCH",
            ad_types=projection_names(ad_type),
        )
        return self._history(query, timeout, idle_timeout)

    def _history(self, query: HistoryQuery, timeout: float | None, idle_timeout: float | None) -> AdStream:
        async def opener() -> AdSource:
            context = self._client._context()
            deadline = context.deadline(timeout)
            idle = context.timeouts.idle if idle_timeout is None else idle_timeout
            return await open_history(context, await self._where(context, deadline), query, deadline, idle)

        return AdStream(opener, name=repr(self))
