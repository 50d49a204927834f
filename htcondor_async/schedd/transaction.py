"""Changes to the job queue that happen together or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._core.queue import Due, QueueConnection
from htcondor_async._dialogues import queue as dialogue
from htcondor_async._dialogues.expressions import Constraint, attribute_name, constraint_text, value_text
from htcondor_async._dialogues.queue import Op
from htcondor_async._dialogues.set_requests import EditRequests, Edits
from htcondor_async.classad import ClassAd
from htcondor_async.enums import TransactionFlags
from htcondor_async.errors import ConcurrencyError

__all__ = ["Transaction"]

_ANSWERED = 64  # edits that are answered one by one
_BATCH = 128  # requests; each may have an answer, and few enough of those may be on their way
_BATCH_UNANSWERED = 250


class Transaction:
    """One transaction on a schedd's queue; made by :meth:`Schedd.transaction <htcondor_async.Schedd.transaction>`.

    ::

        async with schedd.transaction() as txn:
            cluster = await txn.new_cluster()
            proc = await txn.new_proc(cluster)
            await txn.set_attributes(cluster, proc, {...})

    It commits at the end of the block; leaving by an exception or cancellation aborts, by closing the socket. The
    socket opens at the first operation: from then on the schedd serves nobody else, and after 20 s without an
    operation it gives the transaction up (``TransactionIdleError``). Prepare everything first.

    A transaction belongs to one task. Attribute values given as text are expressions, as in the v1 API: write
    ``'"text"'`` (or use :func:`htcondor_async.classad.quote`) for a string.
    """

    def __init__(
        self,
        connect: Callable[[float], Awaitable[QueueConnection]],
        deadline: Callable[[float | None], float],
        flags: TransactionFlags,
        timeout: float | None,
    ) -> None:
        self._connect = connect
        self._deadline_of = deadline
        self._flags = TransactionFlags(flags)
        self._timeout = timeout
        self._deadline = float("inf")
        self._connection: QueueConnection | None = None
        self._state = "new"
        self.warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Transaction ({self._state})>"

    async def __aenter__(self) -> Transaction:
        if self._state != "new":
            raise ConcurrencyError(f"this transaction is {self._state}")
        self._state = "open"
        self._deadline = self._deadline_of(self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._state != "open":
            return
        if kind is not None:
            self.abort()
        else:
            await self.commit()

    @property
    def open(self) -> bool:
        """Whether operations may follow."""
        return self._state == "open"

    # -- ending

    async def commit(self) -> tuple[str, ...]:
        """Make the changes take effect; return the schedd's warnings, which :attr:`warnings` keeps.

        Raises
        ------
        QueueError
            The schedd refused: an attribute it did not take, a submit requirement that was not met. Nothing of the
            transaction has taken effect.
        OutcomeUnknownError
            The answer was lost.
        """
        self._require_open()
        try:
            if self._connection is not None and self._connection.opened:
                flags = int(self._flags & TransactionFlags.NonDurable)
                self.warnings = await self._connection.commit(flags, self._deadline)
                self._state = "committed"
                await self._connection.close(self._deadline)
            self._state = "committed"
        finally:
            if self._state != "committed":
                self.abort()
        return self.warnings

    def abort(self) -> None:
        """Drop the changes, by closing the socket. Never waits; may be called again."""
        if self._state in ("new", "open"):
            self._state = "aborted"
        if self._connection is not None:
            self._connection.abort()

    # -- jobs and attributes

    async def new_cluster(self) -> int:
        """Open a new cluster of jobs and return its number, which is worth nothing before the commit.

        Raises
        ------
        QueueError
            The schedd takes no more jobs, or none of this user.
        """
        connection = await self._ready()
        return await connection.ask(
            lambda writer: writer.int(Op.NewCluster).getvalue(), "the schedd refused a new cluster", self._deadline
        )

    async def new_proc(self, cluster: int) -> int:
        """Add a job to the cluster opened last and return its number: 0, 1, 2 ..."""
        connection = await self._ready()
        return await connection.ask(
            lambda writer: writer.int(Op.NewProc).int(cluster).getvalue(),
            f"the schedd refused a new job in cluster {cluster}",
            self._deadline,
        )

    async def set_attribute(self, cluster: int, proc: int, name: str, value: Any) -> None:
        """Set one attribute of a job, or of a cluster with ``proc`` -1.

        It does not wait for the schedd: a refusal raises ``QueueError``, which names the attribute and the job, from a
        later operation or the commit.
        """
        text = value_text(value)
        await self._post_set(cluster, proc, attribute_name(name), text)

    async def set_attributes(self, cluster: int, proc: int, attributes: Mapping[str, Any]) -> None:
        """Set several attributes; see :meth:`set_attribute`. All values are checked before the first goes out."""
        prepared = [(attribute_name(name), value_text(value)) for name, value in attributes.items()]
        for name, text in prepared:
            await self._post_set(cluster, proc, name, text)

    async def _post_set(self, cluster: int, proc: int, name: str, text: str) -> None:
        connection = await self._ready()
        flags = self._set_flags()
        await connection.post(
            lambda writer: dialogue.set_attribute(writer, cluster, proc, name, text, flags),
            self._deadline,
            what=f"the schedd refused to set {name} of {_job(cluster, proc)}",
        )

    async def _post_edits(self, edits: Edits) -> None:
        """Set attributes of many jobs, or delete them where there is no expression.

        A few are answered one by one, so that a refusal names job and attribute; of many, the commit tells the first
        refusal in the schedd's own words.
        """
        if len(edits) <= _ANSWERED:
            for cluster, proc, name, value in edits.part(0, _ANSWERED):
                if value is None:
                    await self.delete_attribute(cluster, proc, name)
                else:
                    await self._post_set(cluster, proc, name, str(value))
            return
        connection = await self._ready()
        crypto = await connection.crypto(self._deadline)
        requests = EditRequests(crypto, self._set_flags() | dialogue.NO_ACK)
        deletes = edits.deletes
        start, stop = 0, _ANSWERED
        while start < len(edits):
            due: list[Due] = []
            if deletes:
                due = [
                    Due(f"the schedd refused to delete {name} of {_job(cluster, proc)}")
                    for cluster, proc, name, value in edits.part(start, stop)
                    if value is None
                ]
            await connection.post_all(requests.of(edits.part(start, stop)), due, self._deadline)
            if start == 0:
                await connection.flush(self._deadline)  # the schedd has work while the next ones are made
            start, stop = stop, stop + (_BATCH if deletes else _BATCH_UNANSWERED)

    async def delete_attribute(self, cluster: int, proc: int, name: str) -> None:
        """Remove one attribute of a job. Answered as :meth:`set_attribute`.

        One that a job does not have is no error, but for a job that this transaction makes: there it is refused.
        """
        connection = await self._ready()
        name = attribute_name(name)
        await connection.post(
            lambda writer: writer.int(Op.DeleteAttribute).int(cluster).int(proc).str(name).getvalue(),
            self._deadline,
            what=f"the schedd refused to delete {name} of {_job(cluster, proc)}",
        )

    async def set_attribute_by_constraint(
        self, constraint: Constraint, name: str, value: Any, *, only_my_jobs: bool = True
    ) -> int:
        """Set one attribute of all jobs that match and return how many there were.

        Raises
        ------
        QueueError
            No job matched, or a matching one is somebody else's and ``only_my_jobs`` is off.
        """
        connection = await self._ready()
        where, text, name = constraint_text(constraint), value_text(value), attribute_name(name)
        flags = self._set_flags() | dialogue.NO_ACK | (dialogue.ONLY_MY_JOBS if only_my_jobs else 0)
        return await connection.ask(
            lambda writer: dialogue.set_by_constraint(writer, where, name, text, flags),
            f"the schedd set {name} of no job that matches {where}",
            self._deadline,
        )

    async def get_attribute(self, cluster: int, proc: int, name: str) -> str:
        """Return the expression of one attribute as text, changes of this transaction included."""
        connection = await self._ready()

        def read(reader: Reader) -> str:
            rval = reader.int()
            if rval < 0:
                number = 0 if reader.at_end else reader.int()
                raise dialogue.QueueError(
                    f"the schedd has no {name} of {_job(cluster, proc)}", code=rval, number=number
                )
            return reader.str()

        return await connection.call(
            lambda writer: writer.int(Op.GetAttributeExpr).int(cluster).int(proc).str(name).getvalue(),
            read,
            self._deadline,
        )

    async def get_job(self, cluster: int, proc: int = -1) -> ClassAd | None:
        """Return the ad of a job, or of a cluster, as this transaction sees it; None if there is none."""
        connection = await self._ready()
        return await connection.call(
            lambda writer: writer.int(Op.GetJobAd).int(cluster).int(proc).getvalue(),
            dialogue.read_ad_or_end,
            self._deadline,
        )

    # -- the queue

    async def capabilities(self) -> ClassAd:
        """Return what this schedd can do: ``LateMaterialize``, ``LateMaterializeVersion``, ``UseJobsets`` ..."""
        connection = await self._ready()

        def read(reader: Reader) -> ClassAd:
            ad = reader.ad()
            reader.expect_end()
            return ad

        return await connection.call(
            lambda writer: writer.int(Op.GetCapabilities).int(0).getvalue(), read, self._deadline
        )

    async def set_effective_owner(self, user: str) -> None:
        """Act as ``user`` from here on (queue superusers only); the empty string ends it."""
        connection = await self._ready()
        await connection.ask(
            lambda writer: writer.int(Op.SetEffectiveOwner).str(user).getvalue(),
            f"the schedd does not let this client act as {user!r}",
            self._deadline,
        )

    async def allow_protected_changes(self, allow: bool) -> bool:
        """Let a queue superuser change protected attributes, or not; return what held before."""
        connection = await self._ready()
        before = await connection.ask(
            lambda writer: writer.int(Op.SetAllowProtectedAttrChanges).bool(allow).getvalue(),
            "the schedd does not let this client change protected attributes",
            self._deadline,
        )
        return before != 0

    async def _post(self, request: Callable[[Writer], bytes], **about: Any) -> None:
        connection = await self._ready()
        await connection.post(request, self._deadline, **about)

    def _set_flags(self) -> int:
        return int(self._flags & (TransactionFlags.SetDirty | TransactionFlags.ShouldLog | TransactionFlags.NonDurable))

    def _require_open(self) -> None:
        if self._state != "open":
            raise ConcurrencyError(f"this transaction is {self._state}; use it inside 'async with'")

    async def _ready(self) -> QueueConnection:
        self._require_open()
        if self._connection is None:
            self._connection = await self._connect(self._deadline)
        return self._connection


def _job(cluster: int, proc: int) -> str:
    return f"cluster {cluster}" if proc < 0 else f"job {cluster}.{proc}"
