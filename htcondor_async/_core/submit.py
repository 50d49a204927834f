"""Submitting jobs: a cluster and its jobs, or a factory that makes them, in one transaction.

Theory of operation. The schedd serves nobody else from the first request on, so requests are pipelined: it numbers
jobs 0, 1, 2 ..., hence those of a job follow its ``NewProc`` at once, and the answers are compared with the numbers
afterwards. Jobs are taken from the caller's iterator one by one; what is held is one batch of requests.
"""

from __future__ import annotations

import functools
import itertools
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from htcondor_async._core.context import Context, Target
from htcondor_async._core.queue import Due, QueueConnection
from htcondor_async._dialogues.queue import Op, QueueError
from htcondor_async._dialogues.set_requests import Attributes, SetRequests
from htcondor_async._dialogues.submit import (
    NEW_CLUSTER_REFUSALS,
    NEW_PROC_REFUSALS,
    ClusterPlan,
    FactoryPlan,
    Submitted,
    item_data,
    read_item_data,
    set_job_factory,
)
from htcondor_async._runtime.base import File
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorException, HTCondorValueError, ProtocolError

__all__ = ["ScheddTraits", "ask_traits", "capabilities", "new_cluster", "send_jobs", "submit_cluster", "submit_factory"]

_BATCH = 500  # requests
_LONGEST_PAUSE = 2.0  # seconds that requests may wait here while the caller's iterator thinks
_CHUNK = 256 * 1024
_FACTORY_VERSION = 2


@attrs.frozen
class ScheddTraits:
    """What submissions depend on: the schedd's version as it says it, and what it can do (``GetCapabilities``)."""

    version: str | None
    able: ClassAd

    @property
    def makes_jobs(self) -> bool:
        """Whether the schedd does late materialization, of the kind that takes a digest."""
        version = self.able.get("LateMaterializeVersion")
        return self.able.get("LateMaterialize") is True and type(version) is int and version >= _FACTORY_VERSION

    @property
    def extended_commands(self) -> Mapping[str, object]:
        """The commands that the schedd adds to the submit language: name to a value of the kind expected."""
        found = self.able.get("ExtendedSubmitCommands")
        return {name: found[name] for name in found} if isinstance(found, ClassAd) else {}


async def ask_traits(context: Context, target: Target, deadline: float) -> ScheddTraits:
    """Ask a schedd what submissions depend on, on a connection that is over before anything is prepared."""
    connection = QueueConnection(context, target)
    try:
        version = await connection.peer_version(deadline)
        able = await capabilities(connection, deadline)
        await _close(connection, deadline)
        return ScheddTraits(version, able)
    finally:
        connection.abort()


async def submit_cluster(
    context: Context,
    target: Target,
    prepare: Callable[[int], ClusterPlan],
    deadline: float,
    *,
    flags: int = 0,
    may_block: bool = False,
) -> Submitted:
    """Submit one cluster and its jobs in one transaction.

    Parameters
    ----------
    prepare
        Given the number of the cluster, returns what it consists of. It should have nothing slow left to do: the
        schedd waits.
    flags
        Of the commit.
    may_block
        Whether ``prepare`` runs in a worker thread.

    Raises
    ------
    QueueError
        The schedd refused the cluster, a job, an attribute or the whole; nothing was submitted.
    OutcomeUnknownError
        The answer to the commit was lost.
    """
    connection = QueueConnection(context, target)
    try:
        cluster = await new_cluster(connection, deadline)
        plan = await context.runtime.call(functools.partial(prepare, cluster)) if may_block else prepare(cluster)
        jobs = await send_jobs(
            context, connection, cluster, plan.cluster_ad, plan.procs, deadline, may_block=plan.may_block
        )
        warnings = await _commit(connection, flags, deadline)
        await _close(connection, deadline)
        return Submitted(cluster, 0, jobs, warnings)
    finally:
        connection.abort()


async def submit_factory(
    context: Context, target: Target, plan: FactoryPlan, deadline: float, *, flags: int = 0
) -> Submitted:
    """Let the schedd make the jobs, in one transaction; it must be one that does (:class:`ScheddTraits`).

    The rows of items are collected in a temporary file before the first request goes out.
    """
    async with _Rows(context, plan.rows) as rows:
        connection = QueueConnection(context, target)
        try:
            cluster = await new_cluster(connection, deadline)
            text = await context.runtime.call(functools.partial(plan.describe, cluster))
            await send_jobs(context, connection, cluster, text.cluster_ad, (), deadline)
            name = await _send_rows(connection, cluster, rows, deadline) if plan.rows is not None else ""
            await connection.ask(
                lambda writer: set_job_factory(writer, cluster, text.limit(rows.count), text.digest(name)),
                f"the schedd refused to make the jobs of cluster {cluster} itself",
                deadline,
            )
            warnings = await _commit(connection, flags, deadline)
            await _close(connection, deadline)
            return Submitted(cluster, 0, text.jobs(rows.count), warnings)
        finally:
            connection.abort()


async def capabilities(connection: QueueConnection, deadline: float) -> ClassAd:
    """Return what the schedd can do."""
    return await connection.call(
        lambda writer: writer.int(Op.GetCapabilities).int(0).getvalue(), lambda reader: reader.ad(), deadline
    )


async def new_cluster(connection: QueueConnection, deadline: float) -> int:
    """Open a cluster and return its number."""
    try:
        return await connection.ask(
            lambda writer: writer.int(Op.NewCluster).getvalue(), "the schedd refused a new cluster of jobs", deadline
        )
    except QueueError as error:
        error.add_context(hint=NEW_CLUSTER_REFUSALS.get(error.code))
        raise


async def send_jobs(
    context: Context,
    connection: QueueConnection,
    cluster: int,
    cluster_ad: Attributes,
    procs: Iterable[Attributes],
    deadline: float,
    *,
    first_proc: int = 0,
    may_block: bool = False,
) -> int:
    """Send the attributes of the open cluster and its jobs, from number ``first_proc`` on; return how many jobs.

    ``ClusterId`` and ``ProcId``, without which a schedd loses jobs, are added. Refusals may show at the commit only.
    """
    clock = context.runtime.clock
    requests = SetRequests(cluster, await connection.crypto(deadline))
    payloads: list[bytes] = []
    due: list[Due] = []
    shared = list(cluster_ad)
    status = next((value for name, value in shared if name.lower() == "jobstatus"), None)
    if shared:
        payloads += requests.of(-1, [("ClusterId", str(cluster)), *without(shared, "clusterid", "jobstatus")])
    proc = first_proc
    began = clock()
    source = iter(procs)
    made: Sequence[Attributes] = ()
    while True:
        if may_block:
            made = await context.runtime.call(functools.partial(_some, source))
            if not made:
                break
        for own in made if may_block else source:
            proc = _add(requests, payloads, due, proc, own, status)
            if len(payloads) >= _BATCH or clock() - began > _LONGEST_PAUSE:
                await _post(context, connection, payloads, due, deadline)
                payloads, due, began = [], [], clock()
        if not may_block:
            break
    await _post(context, connection, payloads, due, deadline)
    return proc - first_proc


def _some(source: Iterator[Attributes]) -> list[Attributes]:
    return [list(own) for own in itertools.islice(source, _BATCH // 2)]


def _add(
    requests: SetRequests, payloads: list[bytes], due: list[Due], proc: int, own: Attributes, status: str | None
) -> int:
    """Add the requests that make one job; return the number of the next."""
    pairs = [("ProcId", str(proc)), *without(own, "procid", "clusterid")]
    if status is not None and not any(name.lower() == "jobstatus" for name, _ in pairs):
        pairs.append(("JobStatus", status))
    payloads.append(requests.new_proc)
    due.append(Due(f"the schedd refused job number {proc} of the cluster", proc))
    payloads += requests.of(proc, pairs)
    return proc + 1


def without(pairs: Attributes, *names: str) -> list[tuple[str, str]]:
    """Return the attributes but some, named in lower case."""
    return [pair for pair in pairs if pair[0].lower() not in names]


async def _post(
    context: Context, connection: QueueConnection, payloads: list[bytes], due: list[Due], deadline: float
) -> None:
    await context.runtime.checkpoint()  # one a batch: making jobs must not keep the loop to itself
    try:
        await connection.post_all(payloads, due, deadline)
        await connection.flush(deadline)
    except QueueError as error:
        error.add_context(hint=NEW_PROC_REFUSALS.get(error.code))
        raise


async def _commit(connection: QueueConnection, flags: int, deadline: float) -> tuple[str, ...]:
    try:
        await connection.settle(deadline)
    except QueueError as error:
        error.add_context(hint=NEW_PROC_REFUSALS.get(error.code))
        raise
    return await connection.commit(flags, deadline)


async def _close(connection: QueueConnection, deadline: float) -> None:
    """Say good-bye. The jobs are in the queue: a connection that breaks now takes nothing back."""
    try:
        await connection.close(deadline)
    except HTCondorException:
        connection.abort()


async def _send_rows(connection: QueueConnection, cluster: int, rows: _Rows, deadline: float) -> str:
    file = await rows.context.runtime.open_file(rows.path, "r")
    try:
        name, count, rval = await connection.upload(
            lambda writer: item_data(writer, cluster), lambda: file.read(_CHUNK), read_item_data, deadline
        )
    finally:
        file.close()
    if rval < 0:
        raise QueueError(f"the schedd refused the rows of items of cluster {cluster}", code=rval)
    if count != rows.count:
        raise ProtocolError(f"{rows.count} rows of items were sent, the schedd counts {count}")
    return name


@attrs.define
class _Rows:
    """Rows of items in a temporary file that is removed at the end."""

    context: Context
    source: Iterable[bytes] | None
    count: int = 0
    path: str = ""

    async def __aenter__(self) -> _Rows:
        if self.source is None:
            return self
        runtime = self.context.runtime
        self.path = str(Path(tempfile.gettempdir()) / f"htcondor-async-{os.getpid()}-{secrets.token_hex(8)}.items")
        file = await runtime.open_file(self.path, "x")
        try:
            await self._collect(file, self.source)
        except BaseException:
            file.close()
            await runtime.remove_file(self.path)
            raise
        file.close()
        return self

    async def _collect(self, file: File, source: Iterable[bytes]) -> None:
        held = bytearray()
        for row in source:
            if not row.endswith(b"\n") or row.count(b"\n") != 1:
                raise HTCondorValueError(f"row {self.count + 1} of the items is not one line")
            held += row
            self.count += 1
            if len(held) >= _CHUNK:
                await file.write(bytes(held))
                held.clear()
        if held:
            await file.write(bytes(held))

    async def __aexit__(self, *_: object) -> None:
        if self.path:
            await self.context.runtime.remove_file(self.path)
