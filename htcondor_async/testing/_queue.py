"""The job-queue protocol (``QMGMT``, 1111 and 1112) of the embedded pool's schedd.

A transaction is open from the start; closing the connection drops it. While one client is served the others wait, and
after 20 s without an operation it is hung up on, as by a real schedd.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._dialogues.queue import IDLE_LIMIT, NO_ACK, ONLY_MY_JOBS, Op
from htcondor_async.classad import ClassAd, ClassAdException
from htcondor_async.submit import SubmitError
from htcondor_async.testing._ads import projected
from htcondor_async.testing._factory import FactoryPlan
from htcondor_async.testing._job_queue import JobId
from htcondor_async.testing._server import Connection
from htcondor_async.testing._spool import prepare_spooling
from htcondor_async.testing._transactions import JobTransaction, Owner, RefusedError

if TYPE_CHECKING:
    from htcondor_async.testing._schedd import ScheddDaemon

__all__ = ["QueueSession"]

_UNLIMITED = 1 << 31
_AFTER_SUBMISSION = 0x80  # a cluster is changed for its further jobs too (condor_includes/condor_qmgr.h)


class QueueSession:
    """One client of the queue, from its first operation to the end of its connection."""

    def __init__(self, daemon: ScheddDaemon, connection: Connection, *, write: bool) -> None:
        self._daemon = daemon
        self._connection = connection
        self._write = write and connection.authenticated
        self._owner = Owner(connection.user, daemon.is_superuser(connection.user))
        self._open = True
        self._transaction = JobTransaction(daemon.queue, self._owner)
        self._error: RefusedError | None = None
        self._scan: list[JobId] = []
        self._hang_up = False
        self._had = 0  # jobs of this user when the cluster was opened
        self._operations: dict[int, Callable[[Reader, Writer], Writer | None]] = {
            Op.NewCluster: self._new_cluster,
            Op.NewProc: self._new_proc,
            Op.DestroyProc: self._destroy_proc,
            Op.SetAttribute: self._set_attribute,
            Op.SetAttribute2: self._set_attribute_2,
            Op.SetAttributeByConstraint: self._set_by_constraint,
            Op.SetAttributeByConstraint2: self._set_by_constraint_2,
            Op.SetTimerAttribute: self._set_timer,
            Op.DeleteAttribute: self._delete_attribute,
            Op.GetAttributeFloat: lambda reader, writer: self._get(reader, writer, float),
            Op.GetAttributeInt: lambda reader, writer: self._get(reader, writer, int),
            Op.GetAttributeString: lambda reader, writer: self._get(reader, writer, str),
            Op.GetAttributeExpr: lambda reader, writer: self._get(reader, writer, None),
            Op.GetJobAd: self._get_job,
            Op.GetJobByConstraint: self._get_by_constraint,
            Op.GetNextJob: lambda reader, writer: self._next_job(reader, writer, constrained=False),
            Op.GetNextJobByConstraint: lambda reader, writer: self._next_job(reader, writer, constrained=True),
            Op.GetAllJobsByConstraint: self._get_all,
            Op.BeginTransaction: self._begin,
            Op.AbortTransaction: self._abort,
            Op.CommitNoFlags: self._commit,
            Op.Commit: self._commit,
            Op.SetEffectiveOwner: self._set_effective_owner,
            Op.SetAllowProtectedAttrChanges: self._allow_protected,
            Op.GetCapabilities: self._capabilities,
            Op.SendMaterializeData: self._take_items,
            Op.SetJobFactory: self._set_factory,
        }

    async def serve(self) -> None:
        """Serve operations until the client has had enough, or breaks off."""
        connection = self._connection
        reader = await connection.request(float("inf"))  # before the first operation there is no limit
        async with self._daemon.turn:
            while True:
                operation = self._operations.get(reader.int())
                if operation is None:
                    return  # CloseSocket, and whatever is none
                answer = self._perform(operation, reader)
                if answer is not None:
                    await connection.reply(answer, connection.runtime.clock() + IDLE_LIMIT)
                if self._hang_up:
                    return
                reader = connection.reader(await connection.receive(connection.runtime.clock() + IDLE_LIMIT))

    def _perform(self, operation: Callable[[Reader, Writer], Writer | None], reader: Reader) -> Writer | None:
        try:
            return operation(reader, self._connection.writer())
        except RefusedError as refusal:
            return self._connection.writer().int(refusal.rval).int(refusal.number)

    def _changed(self) -> None:
        """Without a transaction a change takes effect at once."""
        if not self._open:
            self._daemon.committed(self._transaction)
            self._transaction = JobTransaction(self._daemon.queue, self._owner)

    def _require_write(self) -> None:
        if not self._write:
            raise RefusedError(errno.EACCES)

    # -- jobs

    def _new_cluster(self, reader: Reader, writer: Writer) -> Writer:
        reader.expect_end()
        self._require_write()
        problem = self._daemon.refusal_of_cluster(self._owner)
        if problem is not None:
            rval, number, text = problem
            return writer.int(rval).int(number).ad(ClassAd({"ErrorCode": number, "ErrorReason": text}))
        self._had = sum(job.get("Owner") == self._owner.name for job in self._daemon.queue.jobs())
        return writer.int(self._transaction.open_cluster())

    def _new_proc(self, reader: Reader, writer: Writer) -> Writer:
        cluster = reader.int()
        reader.expect_end()
        self._require_write()
        added = len(self._transaction.new_procs)
        for name, before, rval in (
            ("MAX_JOBS_SUBMITTED", len(self._daemon.queue.procs), -2),
            ("MAX_JOBS_PER_OWNER", self._had, -3),
            ("MAX_JOBS_PER_SUBMISSION", 0, -4),
        ):
            if before + added >= self._daemon.config.get_int(name, _UNLIMITED):
                raise RefusedError(errno.EINVAL, rval=rval)
        return writer.int(self._transaction.open_proc(cluster))

    def _destroy_proc(self, reader: Reader, writer: Writer) -> Writer:
        cluster, proc = reader.proc_id()
        reader.expect_end()
        self._require_write()
        job = self._daemon.queue.job(cluster, proc)
        if job is None:
            raise RefusedError(errno.ENOENT, rval=-3)
        if not self._owner.owns(job):
            raise RefusedError(errno.EACCES, rval=-2)
        if job.get("JobStatus") == 5:
            raise RefusedError(errno.EINVAL)
        self._transaction.removed.append((cluster, proc))
        self._changed()
        return writer.int(0)

    # -- factories of jobs

    def _may_have_factory(self, cluster: int) -> FactoryPlan:
        self._require_write()
        if cluster != self._transaction.new_cluster:
            raise RefusedError(errno.EPERM)
        if not self._daemon.config.get_bool("SCHEDD_ALLOW_LATE_MATERIALIZE", True):
            raise RefusedError(errno.EPERM)
        if self._transaction.factory is None:
            self._transaction.factory = FactoryPlan()
        return self._transaction.factory

    def _take_items(self, reader: Reader, writer: Writer) -> Writer | None:
        cluster, _flags = reader.int(), reader.int()
        try:
            plan = self._may_have_factory(cluster)
        except RefusedError:
            self._hang_up = True
            return None
        whole, _, _ = reader.rest().rpartition(b"\n")
        plan.rows = whole.decode("utf-8", "surrogateescape").split("\n") if whole else []
        name = str(self._daemon.spool_folder / str(cluster % 10000) / f"condor_submit.{cluster}.items")
        self._transaction.put((cluster, -1), "JobMaterializeItemsFile", name)
        return writer.str(name).int(len(plan.rows)).int(0)

    def _set_factory(self, reader: Reader, writer: Writer) -> Writer:
        cluster, limit, _, digest = reader.int(), reader.int(), reader.str(), reader.str()
        reader.expect_end()
        plan = self._may_have_factory(cluster)
        try:
            plan.read(digest, self._daemon.config, self._daemon.version)
        except SubmitError as error:
            raise RefusedError(errno.EINVAL) from error
        name = str(self._daemon.spool_folder / str(cluster % 10000) / f"condor_submit.{cluster}.digest")
        for attribute, value in (
            ("JobMaterializeLimit", limit),
            ("JobMaterializeDigestFile", name),
            ("JobMaterializeNextProcId", 0),
        ):
            self._transaction.put((cluster, -1), attribute, value)
        return writer.int(0)

    # -- changing attributes

    def _set_attribute(self, reader: Reader, writer: Writer) -> Writer | None:
        return self._set(reader, writer, flagged=False)

    def _set_attribute_2(self, reader: Reader, writer: Writer) -> Writer | None:
        return self._set(reader, writer, flagged=True)

    def _set(self, reader: Reader, writer: Writer, *, flagged: bool) -> Writer | None:
        cluster, proc, value, name = reader.int(), reader.int(), reader.str(), reader.str()
        flags = reader.byte() if flagged else 0
        silent = bool(flags & NO_ACK)
        reader.expect_end()
        if silent and self._error is not None:
            return None
        try:
            if not value:
                self._hang_up = True
                raise RefusedError(errno.EINVAL)
            self._require_write()
            self._transaction.assign(cluster, proc, name, value)
            if flags & _AFTER_SUBMISSION and proc < 0:
                self._transaction.edited.setdefault(cluster, []).append(name)
        except RefusedError as refusal:
            if silent or self._daemon.legacy:  # versions before 24.7 remember also what they have told
                self._error = refusal
            if not silent:
                raise
            return None
        self._changed()
        return None if silent else writer.int(0)

    def _set_by_constraint(self, reader: Reader, writer: Writer) -> Writer:
        return self._set_matching(reader, writer, flagged=False)

    def _set_by_constraint_2(self, reader: Reader, writer: Writer) -> Writer:
        return self._set_matching(reader, writer, flagged=True)

    def _set_matching(self, reader: Reader, writer: Writer, *, flagged: bool) -> Writer:
        constraint, value, name = reader.str(), reader.str(), reader.str()
        flags = reader.byte() if flagged else 0
        reader.expect_end()
        self._require_write()
        found = self._transaction.select(constraint)
        if flags & ONLY_MY_JOBS:
            found = [job for job in found if self._owner.owns(self._transaction.ad(*job) or ClassAd())]
        if not found:
            raise RefusedError(errno.ENOENT)
        for cluster, proc in found:
            self._transaction.assign(cluster, proc, name, value)
        self._changed()
        return writer.int(len(found))

    def _set_timer(self, reader: Reader, writer: Writer) -> Writer:
        cluster, proc, name, seconds = reader.int(), reader.int(), reader.str(), reader.int()
        reader.expect_end()
        self._require_write()
        self._transaction.assign(cluster, proc, name, str(int(self._connection.runtime.now()) + seconds))
        self._changed()
        return writer.int(0)

    def _delete_attribute(self, reader: Reader, writer: Writer) -> Writer:
        cluster, proc, name = reader.int(), reader.int(), reader.str()
        reader.expect_end()
        self._require_write()
        self._transaction.delete(cluster, proc, name)
        self._changed()
        return writer.int(1)

    # -- reading

    def _get(self, reader: Reader, writer: Writer, kind: type | None) -> Writer:
        cluster, proc, name = reader.int(), reader.int(), reader.str()
        reader.expect_end()
        if not self._transaction.readable(name):
            raise RefusedError(errno.EACCES)
        ad = self._transaction.ad(cluster, proc)
        if ad is None:
            raise RefusedError(errno.ENOENT)
        if name not in ad:
            raise RefusedError(errno.EINVAL)
        if kind is None:
            return writer.int(0).str(ad.lookup(name).old())
        value = _evaluated(ad, name)
        if kind is str and isinstance(value, str):
            return writer.int(0).str(value)
        if kind is int and type(value) is int:
            return writer.int(0).int(value)
        if kind is float and type(value) in (int, float):
            return writer.int(0).double(float(str(value)))
        raise RefusedError(errno.EINVAL)

    def _get_job(self, reader: Reader, writer: Writer) -> Writer:
        cluster, proc = reader.proc_id()
        reader.expect_end()
        ad = self._transaction.ad(cluster, proc)
        if ad is None:
            raise RefusedError(0)
        return writer.int(0).ad(ad)

    def _get_by_constraint(self, reader: Reader, writer: Writer) -> Writer:
        found = self._transaction.select(reader.str())
        if not found:
            raise RefusedError(0)
        return writer.int(0).ad(self._transaction.ad(*found[0]) or ClassAd())

    def _next_job(self, reader: Reader, writer: Writer, *, constrained: bool) -> Writer:
        first = reader.int()
        constraint = reader.str() if constrained else ""
        reader.expect_end()
        if first:
            self._scan = list(reversed(self._transaction.select(constraint)))
        while self._scan:
            ad = self._transaction.ad(*self._scan.pop())
            if ad is not None:
                return writer.int(0).ad(ad)
        raise RefusedError(0)

    def _get_all(self, reader: Reader, writer: Writer) -> Writer:
        constraint, projection = reader.str(), reader.str().replace(",", " ").split()
        reader.expect_end()
        now = int(self._connection.runtime.now())
        for job in self._transaction.select(constraint):
            ad = projected(self._transaction.ad(*job) or ClassAd(), projection or None).copy()
            ad["ServerTime"] = now
            writer.int(0).ad(ad)
        return writer.int(-1).int(0)

    # -- the transaction

    def _begin(self, reader: Reader, writer: Writer) -> Writer | None:
        reader.expect_end()
        if self._open:
            self._hang_up = True  # a real schedd does not survive this
            return None
        self._open, self._error = True, None
        return writer.int(0)

    def _abort(self, reader: Reader, writer: Writer) -> Writer:
        reader.expect_end()
        self._open, self._error = False, None
        self._transaction = JobTransaction(self._daemon.queue, self._owner)
        return writer.int(0)

    def _commit(self, reader: Reader, writer: Writer) -> Writer:
        if not reader.at_end:
            reader.int()
        reader.expect_end()
        if self._error is not None:
            refusal, self._error = self._error, None
            self._transaction, self._open = JobTransaction(self._daemon.queue, self._owner), False
            return self._failed(writer, -refusal.number, str(refusal))
        problem, warnings = self._daemon.check_submission(self._transaction)
        if problem:
            return self._failed(writer, errno.EINVAL, problem)
        self._daemon.complete(self._transaction, int(self._connection.runtime.now()))
        prepare_spooling(self._transaction, self._daemon.spool_folder)
        self._daemon.committed(self._transaction)
        self._transaction, self._open = JobTransaction(self._daemon.queue, self._owner), False
        writer.int(0)
        if self._connection.accepted.session is not None:
            writer.ad(ClassAd({"WarningReason": "\n".join(warnings)} if warnings else {}))
        return writer

    def _failed(self, writer: Writer, number: int, text: str) -> Writer:
        return writer.int(-1).int(number).ad(ClassAd({"ErrorCode": 2 if text else 1, "ErrorReason": text}))

    # -- the session

    def _set_effective_owner(self, reader: Reader, writer: Writer) -> Writer:
        name = reader.str()
        reader.expect_end()
        mine = self._connection.user
        if not name:
            self._owner = Owner(mine, self._daemon.is_superuser(mine))
        elif name in (mine, mine.partition("@")[0]):
            return writer.int(0)
        elif self._daemon.is_superuser(mine):
            self._owner = Owner(name if "@" in name else f"{name}@{mine.rpartition('@')[2]}", superuser=False)
        else:
            raise RefusedError(errno.EACCES)
        self._transaction.owner = self._owner
        return writer.int(0)

    def _allow_protected(self, reader: Reader, writer: Writer) -> Writer:
        reader.int()
        reader.expect_end()
        if not self._owner.superuser:
            raise RefusedError(errno.EACCES)
        return writer.int(1)

    def _capabilities(self, reader: Reader, writer: Writer) -> Writer:
        reader.int()
        reader.expect_end()
        late = self._daemon.config.get_bool("SCHEDD_ALLOW_LATE_MATERIALIZE", True)
        return writer.ad(ClassAd({"LateMaterialize": late, "LateMaterializeVersion": 2, "UseJobsets": False}))


def _evaluated(ad: ClassAd, name: str) -> object:
    try:
        return ad.eval(name)
    except ClassAdException:
        return None
