"""Sandboxes of the embedded pool's schedd: spooling (488), retrieving (489), and new proxies (487, 499).

The same transfer sessions as the client's, in the other role.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htcondor_async._cedar.effects import Receive, ReceiveRaw, WriteChunk
from htcondor_async._cedar.files import get_file
from htcondor_async._core.sandbox import Exchange, Incoming, JobFiles, Source
from htcondor_async._dialogues.delegation import KeepDelegation, NewRequest, accept_delegation
from htcondor_async._dialogues.transfer import receive_sandbox, send_sandbox
from htcondor_async._runtime.sandbox import Entry, SandboxWriter, inputs
from htcondor_async._security.proxies import DelegatedKey, new_delegated_key
from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.enums import JobStatus
from htcondor_async.errors import HTCondorIOError, ProtocolError
from htcondor_async.testing._ads import matches
from htcondor_async.testing._job_queue import JobId
from htcondor_async.testing._server import Connection
from htcondor_async.testing._spool import SPOOLING, spool_folder_of
from htcondor_async.testing._transactions import Owner

if TYPE_CHECKING:
    from htcondor_async.testing._schedd import ScheddDaemon

__all__ = ["delegate_proxy", "retrieve", "spool", "update_proxy"]

_IDLE = 300.0
_MAX_JOBS = 1_000_000
_MAX_PROXY = 1 << 20


def _owner(daemon: ScheddDaemon, connection: Connection) -> Owner:
    return Owner(connection.user, daemon.is_superuser(connection.user))


async def spool(daemon: ScheddDaemon, connection: Connection) -> None:
    """Take the input files of jobs; those whose transfer fails are removed."""
    runtime = connection.runtime
    reader = await connection.request(runtime.clock() + 20)
    reader.str()
    count = reader.int()
    reader.expect_end()
    if not 0 < count <= _MAX_JOBS:
        await connection.reply(connection.writer().int(0))
        return
    reader = connection.reader(await connection.receive(runtime.clock() + 20))
    jobs: list[JobId] = [reader.proc_id() for _ in range(count)]
    reader.expect_end()
    owner = _owner(daemon, connection)
    async with daemon.turn:
        problem = next(filter(None, (_unfit(daemon, owner, job) for job in jobs)), None)
    if problem is not None:
        raise ProtocolError(problem)  # hung up on without a word, as by a real one
    try:
        for job in jobs:
            folder = spool_folder_of(daemon.spool_folder, job)
            await runtime.call(functools.partial(folder.mkdir, parents=True, exist_ok=True))
            exchange = Exchange(connection, float("inf"), _IDLE)
            steps = receive_sandbox(connection, aes=exchange.aes, limits=connection.limits)
            writer = SandboxWriter(str(folder), speaker="SCHEDD at 127.0.0.1 - |Error: ")
            report = await exchange.run(steps, Incoming(runtime, writer, job))
            if report.failed:
                raise ProtocolError(f"the files of job {job} did not arrive: {report.own or report.peer}")
    except HTCondorIOError:
        for job in jobs:
            if job in daemon.queue.procs:
                daemon.queue.change(job, {"JobStatus": 3, "RemoveReason": "Staging of job files failed"})
                daemon.ended(job, forced=True)
        raise
    now = int(runtime.now())
    for job in jobs:
        if job in daemon.queue.procs:
            changes: dict[str, object] = {"StageInFinish": now, "JobStatus": 1, "ReleaseReason": "Data files spooled"}
            changes |= dict.fromkeys(("HoldReason", "HoldReasonCode", "HoldReasonSubCode"), ExprTree("undefined"))
            folder = spool_folder_of(daemon.spool_folder, job)
            await runtime.call(functools.partial(_make_executable, folder, daemon, job))
            daemon.queue.change(job, changes | {"EnteredCurrentStatus": now})
    await connection.reply(connection.writer().int(1))


def _make_executable(folder: Path, daemon: ScheddDaemon, job: JobId) -> None:
    ad = daemon.queue.job(*job)
    program = folder / str(ad.get("Cmd") if ad is not None else "")
    if program.parent == folder and program.is_file():
        program.chmod(0o755)


def _unfit(daemon: ScheddDaemon, owner: Owner, job: JobId) -> str | None:
    """Return why no files are taken for a job, or None."""
    ad = daemon.queue.job(*job)
    if ad is None or not owner.owns(ad):
        return f"{owner.user} has no job {job}"
    if "StageInFinish" in ad:
        return f"job {job} has its files already"
    if ad.get("JobStatus") == JobStatus.HELD and ad.get("HoldReasonCode") != SPOOLING:
        return f"job {job} is on hold for another reason"
    return None


async def retrieve(daemon: ScheddDaemon, connection: Connection) -> None:
    """Send what jobs have made."""
    runtime = connection.runtime
    reader = await connection.request(runtime.clock() + 20)
    reader.str()
    constraint = reader.str()
    reader.expect_end()
    owner = _owner(daemon, connection)
    async with daemon.turn:
        jobs = _matching(daemon, owner, constraint)
    await connection.reply(connection.writer().int(len(jobs)))
    for job in jobs:
        ad = daemon.queue.job(*job) or ClassAd()
        await connection.reply(connection.writer().ad(ad))
        entries = await runtime.call(functools.partial(_made, ad))
        files = JobFiles(job, entries)
        exchange = Exchange(connection, float("inf"), _IDLE)
        steps = send_sandbox(connection, aes=exchange.aes, final=True, total=files.size)
        await exchange.run(steps, Source(runtime, files, delegation={}))
    if connection.reader(await connection.receive(runtime.clock() + _IDLE)).int() != 1:
        return
    for job in jobs:
        if job in daemon.queue.procs and daemon.queue.procs[job].get("JobStatus") in (3, 4):
            daemon.queue.change(job, {"StageOutFinish": int(runtime.now())})


def _matching(daemon: ScheddDaemon, owner: Owner, constraint: str) -> list[JobId]:
    try:
        expression = ExprTree(constraint)
    except ClassAdException:
        return []
    return [
        (int(ad["ClusterId"]), int(ad["ProcId"]))
        for ad in daemon.queue.jobs()
        if matches(ad, expression) and owner.owns(ad)
    ]


def _made(ad: ClassAd) -> list[Entry]:
    """Return the files of a job that are sent back: those it names, or all that are newer than its input."""
    folder = Path(str(ad.get("Iwd", "/")))
    if not folder.is_dir():
        return []
    listed = ad.get("SpooledOutputFiles") or ad.get("TransferOutput")
    if isinstance(listed, str):
        names = [name.strip() for name in listed.split(",") if name.strip()]
    else:
        since = ad.get("StageInFinish", 0)
        names = [
            path.name
            for path in sorted(folder.iterdir())
            if path.is_file() and path.stat().st_mtime > (since if type(since) is int else 0)
        ]
    for attribute in ("Out", "Err"):
        name = ad.get(attribute)
        if isinstance(name, str) and name != "/dev/null" and "/" not in name and name not in names:
            names.append(name)
    here = [name for name in names if (folder / name).exists()]
    missing = [Entry(str(folder / name), name, 0, None) for name in names if name not in here]
    return [*inputs(str(folder), here), *missing]


# -- proxies


def _proxy_path(daemon: ScheddDaemon, owner: Owner, job: JobId) -> Path | None:
    ad = daemon.queue.job(*job)
    if ad is None or not owner.owns(ad):
        return None
    name, folder = ad.get("x509userproxy"), spool_folder_of(daemon.spool_folder, job)
    if not isinstance(name, str) or "/" in name or ad.get("Iwd") != str(folder):
        return None
    return folder / name


async def update_proxy(daemon: ScheddDaemon, connection: Connection) -> None:
    """Take a new proxy file for a job (487)."""
    reader = await connection.request(connection.runtime.clock() + 20)
    job = reader.proc_id()
    reader.expect_end()
    path = _proxy_path(daemon, _owner(daemon, connection), job)
    if path is None:
        await connection.reply(connection.writer().int(0))
        return
    aes = connection.cedar.method == "AES"
    data = await _collect(connection, get_file(aes=aes, max_size=_MAX_PROXY, limits=connection.limits))
    await connection.runtime.write_file(str(path), data)
    await connection.reply(connection.writer().int(1))


async def _collect(connection: Connection, steps: Any) -> bytes:
    """Receive one file into memory."""
    parts: list[bytes] = []
    answer: Any = None
    while True:
        try:
            effect = steps.send(answer)
        except StopIteration:
            return b"".join(parts)
        answer = None
        if isinstance(effect, Receive):
            answer = await connection.receive(connection.runtime.clock() + _IDLE, effect.max_size)
        elif isinstance(effect, WriteChunk):
            parts.append(effect.data)
        elif isinstance(effect, ReceiveRaw):
            while (answer := connection.cedar.take_raw(effect.max_size)) is None:
                await connection.fill(connection.runtime.clock() + _IDLE)


async def delegate_proxy(daemon: ScheddDaemon, connection: Connection) -> None:
    """Let a proxy be delegated to a job (499)."""
    runtime = connection.runtime
    reader = await connection.request(runtime.clock() + 20)
    job = reader.proc_id()
    reader.expect_end()
    path = _proxy_path(daemon, _owner(daemon, connection), job)
    if path is None:
        await connection.reply(connection.writer().int(0))
        return
    steps: Any = accept_delegation(connection)
    key: DelegatedKey | None = None
    answer: Any = None
    while True:
        try:
            effect = steps.send(answer)
        except StopIteration:
            break
        answer = None
        if isinstance(effect, NewRequest):
            make: Callable[[], DelegatedKey] = new_delegated_key
            key = await runtime.call(make)
            answer = key.request
        elif isinstance(effect, KeepDelegation):
            if key is None:
                raise ProtocolError("certificates came before the request for them")
            await runtime.write_file(str(path), key.proxy_file(effect.certificates).reveal())
        elif isinstance(effect, Receive):
            answer = await connection.receive(runtime.clock() + 20, effect.max_size)
        else:
            await connection.send(effect.message, runtime.clock() + 20)
    await connection.reply(connection.writer().int(1))
