"""Queries of the job queue."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable

from htcondor_async._core.query import open_job_query
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names
from htcondor_async._dialogues.jobs import JobQuery
from htcondor_async.classad import ClassAd
from htcondor_async.enums import QueryOpts
from htcondor_async.schedd.base import ScheddBase
from htcondor_async.streams import AdStream

__all__ = ["ScheddQueries"]


class ScheddQueries(ScheddBase):
    """The queue, read."""

    def xquery(
        self,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        *,
        limit: int | None = None,
        opts: QueryOpts = QueryOpts.Default,
        name: str | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> AdStream:
        """Stream job ads out of the queue; nothing is held back, nothing read ahead.

        Parameters
        ----------
        constraint
            Which jobs: an expression, as text or ``ExprTree``; all by default.
        projection
            The attributes wanted; all by default.
        limit
            The most ads to return; None or a negative number for no limit.
        opts
            What to return beside, or instead of, ads of jobs.
        name
            What the stream is called, for those who read several.
        timeout, idle_timeout
            Seconds for all of it, and seconds to wait for the next bytes.

        Raises
        ------
        HTCondorValueError
            The constraint does not parse.
        HTCondorIOError
            While reading: the schedd cannot be reached, or broke off.
        DaemonError
            While reading: the schedd's own error, with its code and text.
        """
        query = self._query(constraint, projection, limit, opts, server_time=False)
        return self._stream(query, name, timeout, idle_timeout)

    async def query(
        self,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        callback: Callable[[ClassAd], ClassAd | Awaitable[ClassAd | None] | None] | None = None,
        *,
        limit: int | None = None,
        opts: QueryOpts = QueryOpts.Default,
        timeout: float | None = None,
    ) -> list[ClassAd]:
        """Return job ads as a list; see :meth:`xquery` for the parameters and errors.

        Each ad also has ``ServerTime``, the schedd's clock in seconds since 1970.

        Parameters
        ----------
        callback
            Called with each ad as it arrives; what it returns goes into the list, nothing for None. May be a coroutine
            function. What it raises ends the query.
        """
        query = self._query(constraint, projection, limit, opts, server_time=True)
        stream = self._stream(query, None, timeout, None)
        if callback is None:
            return await stream.collect()
        kept: list[ClassAd] = []
        async with stream:
            async for ad in stream:
                result = callback(ad)
                if inspect.isawaitable(result):
                    result = await result
                if result is not None:
                    kept.append(result)
        return kept

    def _query(
        self,
        constraint: Constraint,
        projection: Iterable[str] | None,
        limit: int | None,
        opts: QueryOpts,
        *,
        server_time: bool,
    ) -> JobQuery:
        context = self._client._context()
        query = JobQuery(
            constraint_text(constraint),
            projection_names(projection),
            limit=limit if limit is not None and limit >= 0 else None,
            options=QueryOpts(opts),
            me=context.runtime.user().name if opts & QueryOpts.DefaultMyJobsOnly else "",
            server_time=server_time,
        )
        query.ad()  # contradictions show now, not at the first ad
        return query

    def _stream(self, query: JobQuery, name: str | None, timeout: float | None, idle_timeout: float | None) -> AdStream:
        async def opener() -> AdSource:
            context = self._client._context()
            deadline = context.deadline(timeout)
            idle = context.timeouts.idle if idle_timeout is None else idle_timeout
            target = await self._where(context, deadline)
            return await open_job_query(context, target, query, deadline, idle)

        return AdStream(opener, name=name if name is not None else repr(self))
