"""Changes to jobs: actions, edits, transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from htcondor_async._core.act import act_on_jobs, reschedule
from htcondor_async._core.queue import QueueConnection
from htcondor_async._dialogues.act import ActRequest, totals
from htcondor_async._dialogues.expressions import attribute_name
from htcondor_async._dialogues.jobids import JobSpec, job_numbers, select_jobs
from htcondor_async._dialogues.set_requests import Edits, edit_value
from htcondor_async.classad import ClassAd
from htcondor_async.enums import JobAction, TransactionFlags
from htcondor_async.errors import HTCondorEnumError, HTCondorTypeError, HTCondorValueError
from htcondor_async.schedd.base import ScheddBase
from htcondor_async.schedd.transaction import Transaction

__all__ = ["EditResult", "ScheddActions"]

DEFAULT_REASON = "Python-initiated action."


@attrs.frozen
class EditResult:
    """What an edit did: ``count`` jobs were changed."""

    count: int

    def __int__(self) -> int:
        return self.count


class ScheddActions(ScheddBase):
    """The queue, changed."""

    async def act(
        self,
        action: JobAction,
        job_spec: JobSpec,
        reason: str | tuple[str, int] | None = None,
        *,
        timeout: float | None = None,
    ) -> ClassAd:
        """Hold, release, remove, suspend, continue or vacate jobs.

        Parameters
        ----------
        action
            What to do.
        job_spec
            Ids (``["5.0", "5.1"]``, ``(5, 0)``), one id as text, or a constraint (text, ``ExprTree``, ``True`` for
            all). Of jobs that a constraint selects, those in a state that does not suit are passed over; with ids they
            are counted.
        reason
            What the job's owner reads; for a hold also ``(text, subcode)``.
        timeout
            Seconds for all of it.

        Returns
        -------
        ClassAd
            ``TotalSuccess``, ``TotalNotFound``, ``TotalBadStatus``, ``TotalAlreadyDone``, ``TotalPermissionDenied``,
            ``TotalError``, ``TotalJobAds``, and ``TotalChangedAds``: 1 if any job was changed. That none was is not an
            error, as in the v1 API.

        Raises
        ------
        HTCondorEnumError
            ``action`` is not a ``JobAction``.
        HTCondorValueError
            ``job_spec`` is neither ids nor a constraint that parses.
        OutcomeUnknownError
            The connection broke after the action was confirmed.
        """
        try:
            action = JobAction(action)
        except ValueError as error:
            raise HTCondorEnumError(f"{action!r} is not an action on jobs") from error
        jobs = select_jobs(job_spec)
        text, code = reason if isinstance(reason, tuple) else (reason, None)
        if code is not None and action is not JobAction.Hold:
            raise HTCondorValueError("only a hold takes a subcode with its reason")
        text = DEFAULT_REASON if text is None else text
        request = ActRequest(action, ids=jobs.ids, constraint=jobs.constraint, reason=text, reason_code=code)
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, deadline)
        return totals(await act_on_jobs(context, target, request, deadline))

    def transaction(
        self, flags: TransactionFlags = TransactionFlags.None_, *, timeout: float | None = None
    ) -> Transaction:
        """Return a transaction on the queue, to be entered with ``async with``.

        Parameters
        ----------
        flags
            ``NonDurable``: the schedd need not write it to disk before it answers; ``SetDirty``, ``ShouldLog``.
        timeout
            Seconds for all of it, the commit included.
        """

        async def connect(deadline: float) -> QueueConnection:
            context = self._client._context()
            return QueueConnection(context, await self._where(context, deadline))

        return Transaction(connect, lambda seconds: self._client._context().deadline(seconds), flags, timeout)

    async def edit(
        self,
        job_spec: JobSpec,
        attr: str | Mapping[str, Any],
        value: Any = None,
        flags: TransactionFlags = TransactionFlags.None_,
        *,
        timeout: float | None = None,
    ) -> EditResult:
        """Change attributes of jobs, in one transaction.

        Parameters
        ----------
        job_spec
            Ids or a constraint, as in :meth:`act`.
        attr, value
            A name and its new value, or a mapping of several. A value given as text is an expression; in a mapping,
            with ids, None removes the attribute.
        flags
            See :meth:`transaction`.
        timeout
            Seconds for all of it.

        Raises
        ------
        HTCondorValueError
            A name, value or job id is malformed.
        QueueError
            The schedd refused: no such job, somebody else's, an attribute that may not be changed, or no job matches
            the constraint. Nothing was changed.
        """
        where = job_numbers(job_spec)
        constraint = select_jobs(job_spec).constraint if where is None else None
        changes = dict(attr) if isinstance(attr, Mapping) else {attr: value}
        if not isinstance(attr, Mapping) and value is None:
            raise HTCondorTypeError("a value is missing")
        prepared = [(attribute_name(name), edit_value(new)) for name, new in changes.items()]
        if where is None and any(new is None for _, new in prepared):
            raise HTCondorValueError("attributes cannot be removed by constraint", hint="give the jobs' ids")
        async with self.transaction(flags, timeout=timeout) as txn:
            if where is None:
                counts = [await txn.set_attribute_by_constraint(constraint, name, new) for name, new in prepared]
                return EditResult(max(counts, default=0))
            edits = Edits()
            for name, new in prepared:
                edits.add(where, name, new)
            await txn._post_edits(edits)
            return EditResult(len(where) // 2)

    async def edit_multiple(
        self,
        edits: Iterable[tuple[JobSpec, Mapping[str, Any]]],
        flags: TransactionFlags = TransactionFlags.None_,
        *,
        timeout: float | None = None,
    ) -> EditResult:
        """Make several edits, each ``(ids, {name: value})``, in one transaction; see :meth:`edit`."""
        prepared = Edits()
        prepared.add_each(edits)
        async with self.transaction(flags, timeout=timeout) as txn:
            await txn._post_edits(prepared)
        return EditResult(prepared.jobs)

    async def reschedule(self, *, timeout: float | None = None) -> None:
        """Ask the schedd to seek matches for its idle jobs soon. It gives no answer."""
        context = self._client._context()
        deadline = context.deadline(timeout)
        await reschedule(context, await self._where(context, deadline), deadline)
