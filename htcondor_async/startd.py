"""The startd: the slots of one machine."""

from __future__ import annotations

from collections.abc import Iterable

from htcondor_async._cedar.commands import Command
from htcondor_async._core.history import open_history
from htcondor_async._core.source import AdSource
from htcondor_async._core.tell import change
from htcondor_async._dialogues.drain import cancel_answer, cancel_request, drain_answer, drain_request
from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names
from htcondor_async._dialogues.history import HistoryQuery, Since, since_text
from htcondor_async._handle import DaemonHandle
from htcondor_async.enums import CompletionTypes, DaemonTypes, DrainTypes
from htcondor_async.streams import AdStream

__all__ = ["Startd"]

DEFAULT_REASON = "by command"


class Startd(DaemonHandle):
    """A handle on one startd. It holds no connection and may be shared.

    Parameters
    ----------
    location
        The startd's ad, or its address in angle brackets; None means this machine's own, looked up at the first use.
    client
        Who asks; by default the client of the current context.
    """

    _kind = DaemonTypes.Startd
    _word = "startd"

    def history(
        self,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        match: int = -1,
        since: Since = None,
        *,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> AdStream:
        """Stream the ads of jobs that have run on this machine, newest first.

        Parameters
        ----------
        constraint, projection, match, since, timeout, idle_timeout
            As for :meth:`Schedd.history <htcondor_async.Schedd.history>`, with the same errors. A startd whose
            configuration has no STARTD_HISTORY answers with error 5.
        """
        query = HistoryQuery(
            constraint_text(constraint),
            projection_names(projection),
            match=match,
            since=since_text(since),
            source="STARTD",
        )

        async def opener() -> AdSource:
            context = self._client._context()
            deadline = context.deadline(timeout)
            idle = context.timeouts.idle if idle_timeout is None else idle_timeout
            target = await self._where(context, deadline)
            return await open_history(context, target, query, deadline, idle, of_startd=True)

        return AdStream(opener, name=repr(self))

    async def drain_jobs(
        self,
        drain_type: DrainTypes = DrainTypes.Graceful,
        on_completion: CompletionTypes | int = CompletionTypes.Nothing,
        check_expr: Constraint = "true",
        start_expr: Constraint = "false",
        reason: str | None = DEFAULT_REASON,
        *,
        timeout: float | None = None,
    ) -> str:
        """Have the startd get rid of its jobs and take no others.

        Parameters
        ----------
        drain_type
            ``Graceful`` lets jobs run out MaxJobRetirementTime, ``Quick`` only lets them vacate, ``Fast`` kills them.
        on_completion
            What the startd does once it is drained.
        check_expr
            Must be true of every slot, else nothing is done.
        start_expr
            The START expression while it drains.
        reason
            What the slots show as ``DrainReason``; None names the user of this process.
        timeout
            Seconds for all of it.

        Returns
        -------
        str
            The id of the request, for :meth:`cancel_drain_jobs`.

        Raises
        ------
        DaemonError
            The startd refused: 10001 it drains already, 10003 ``check_expr`` is false of a slot.
        HTCondorValueError
            An expression does not parse.
        AuthorizationError
            This client is not an administrator there.
        OutcomeUnknownError
            The connection broke before the answer.
        """
        context = self._client._context()
        why = reason if reason is not None else f"by {context.runtime.user().name}"
        request = drain_request(drain_type, on_completion, check_expr, start_expr, why).ad()
        deadline = context.deadline(timeout)
        target = await self._where(context, deadline)
        answer = await change(
            context, target, Command.DRAIN_JOBS, lambda writer: writer.ad(request), lambda reader: reader.ad(), deadline
        )
        return drain_answer(answer)

    async def cancel_drain_jobs(self, request_id: str | None = None, *, timeout: float | None = None) -> None:
        """End a drain, so that the startd takes jobs again.

        Parameters
        ----------
        request_id
            What :meth:`drain_jobs` returned; without it whatever goes on is ended, and nothing is not an error.
        timeout
            Seconds for all of it.

        Raises
        ------
        DaemonError
            The startd refused: 10002 there is no such request.
        OutcomeUnknownError
            The connection broke before the answer.
        """
        request = cancel_request(request_id)
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, deadline)
        answer = await change(
            context,
            target,
            Command.CANCEL_DRAIN_JOBS,
            lambda writer: writer.ad(request),
            lambda reader: reader.ad(),
            deadline,
        )
        cancel_answer(answer)
