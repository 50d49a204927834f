"""Sandboxes: the files of jobs on their way to a schedd and back."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.effects import ReadChunk, Receive, ReceiveRaw, Send, SendRaw, WriteChunk
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._core.wire import Wire
from htcondor_async._dialogues.delegation import KeepDelegation, NewRequest, SignRequest
from htcondor_async._dialogues.transfer import (
    BeginFile,
    EndFile,
    FileKind,
    LocalFailure,
    MakeFolder,
    NextFile,
    Outgoing,
    Patience,
    TransferReport,
    receive_sandbox,
    send_sandbox,
)
from htcondor_async._runtime.base import Runtime
from htcondor_async._runtime.sandbox import Entry, Loaded, SandboxWriter, load, read_piece
from htcondor_async._security.proxies import DelegatedKey, Proxy, new_delegated_key
from htcondor_async.classad import ClassAd
from htcondor_async.errors import (
    ConnectionClosedError,
    DaemonError,
    HTCondorInternalError,
    HTCondorIOError,
    Phase,
    ProtocolError,
)

__all__ = ["Exchange", "Incoming", "JobFiles", "Progress", "Source", "retrieve", "spool"]

_FLUSH_SIZE = 256 * 1024
_READ_AHEAD = 1 << 20
_LOST = "a schedd removes jobs whose files did not arrive: submit them again"
_STEP = 1 << 20  # bytes of one file between two calls of a progress callback

Progress = Callable[[str, str, int, int], Any]
"""Called with (job id, file, bytes of this file so far, bytes of this job's files so far)."""


@attrs.frozen
class JobFiles:
    """The files of one job that are sent; ``proxy`` is the name of the entry that is delegated instead."""

    job: tuple[int, int]
    entries: Sequence[Entry]
    proxy: str = ""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(entry.size for entry in self.entries)


class Side(Protocol):
    """What an exchange asks for beside the connection."""

    async def close(self) -> None:
        """Let go of everything, wherever the exchange has got to; done even where the task is being cancelled."""
        ...

    async def carry_out(self, effect: object) -> Any:
        """Do what ``effect`` asks."""
        ...


class Source:
    """The side that sends: files are read in advance, many small ones at a time."""

    def __init__(
        self, runtime: Runtime, files: JobFiles, *, progress: Progress | None = None, delegation: Mapping[str, Any]
    ) -> None:
        self._runtime = runtime
        self._files = files
        self._progress = progress
        self._delegation = delegation
        self._next = 0
        self._ready: list[Loaded] = []
        self._ahead = b""
        self._current = Loaded(0, None, b"")
        self._entry: Entry | None = None
        self._position = self._told = self._sent = 0
        self._failure: tuple[str, int] | None = None

    async def close(self) -> None:
        """Close what is open."""
        _close_all([self._current, *self._ready])
        self._current, self._ready = Loaded(0, None, b""), []

    async def carry_out(self, effect: object) -> Any:
        """Give the next file, or the next piece of it."""
        match effect:
            case ReadChunk(max_size=size):
                return await self._read(size)
            case NextFile():
                return await self._open_next()
            case LocalFailure():
                return self._failure
            case SignRequest(request=request):
                return await self._sign(request)
        raise HTCondorInternalError(f"nobody who sends carries out {type(effect).__name__}")

    async def _open_next(self) -> Outgoing | None:
        if self._current.descriptor >= 0:
            os.close(self._current.descriptor)
        if self._entry is not None:
            self._tell(self._entry.name, self._position)
        self._current, self._entry, self._ahead = Loaded(0, None, b""), None, b""
        entries = self._files.entries
        if self._next >= len(entries):
            return None
        entry = entries[self._next]
        if entry.name == self._files.proxy:
            self._next += 1
            self._entry = entry
            return Outgoing(FileKind.PROXY, entry.name, entry.size)
        if not self._ready:
            part = list(entries[self._next : self._next + 64])
            stop = next((place for place, item in enumerate(part) if item.name == self._files.proxy), len(part))
            self._ready = await self._runtime.call(functools.partial(load, part[:stop]), discard=_close_all)
            self._ready.reverse()
        self._next += 1
        self._current, self._entry, self._position, self._told = self._ready.pop(), entry, 0, 0
        if self._current.problem is not None and self._failure is None:
            self._failure = self._current.problem
        if entry.folder:
            return Outgoing(FileKind.FOLDER, entry.name, 0, 0o040000 | (entry.mode or 0o700))
        return Outgoing(FileKind.FILE, entry.name, self._current.size, self._current.mode)

    async def _read(self, size: int) -> bytes:
        current = self._current
        if current.data is not None:
            data = current.data[self._position : self._position + size]
        else:
            if not self._ahead:
                self._ahead = await self._runtime.call(functools.partial(read_piece, current.descriptor, _READ_AHEAD))
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        self._position += len(data)
        self._sent += len(data)
        if self._position - self._told >= _STEP and self._entry is not None:
            self._tell(self._entry.name, self._position)
            self._told = self._position
        return data

    async def _sign(self, request: bytes) -> bytes:
        if self._entry is None:
            raise HTCondorInternalError("a proxy is signed with before it was announced")
        data = await self._runtime.read_file(self._entry.path, 1 << 20)
        return await self._runtime.call(
            lambda: Proxy.read(data, self._entry.path if self._entry else "").sign(
                request, now=self._runtime.now(), **self._delegation
            )
        )

    def _tell(self, name: str, position: int) -> None:
        if self._progress is not None:
            cluster, proc = self._files.job
            self._progress(f"{cluster}.{proc}", name, position, self._sent)


def _close_all(items: list[Loaded]) -> None:
    for item in items:
        if item.descriptor >= 0:
            os.close(item.descriptor)


class Incoming:
    """The side that receives: small files are written many at a time."""

    def __init__(
        self, runtime: Runtime, writer: SandboxWriter, job: tuple[int, int], progress: Progress | None = None
    ) -> None:
        self._runtime = runtime
        self._writer = writer
        self._job = job
        self._progress = progress
        self._name = ""
        self._position = self._told = self._taken = 0
        self._delegated: DelegatedKey | None = None

    async def close(self) -> None:
        """Remove what is not complete."""
        await self._runtime.call(self._writer.abandon, always=True)

    async def carry_out(self, effect: object) -> Any:
        """Write."""
        writer, call = self._writer, self._runtime.call
        match effect:
            case WriteChunk(data=data):
                self._position += len(data)
                self._taken += len(data)
                if not writer.hold(data):
                    await call(writer.spill)
                if self._position - self._told >= _STEP:
                    self._tell()
            case BeginFile(name=name):
                self._name, self._position, self._told = name, 0, 0
                writer.begin(name)
            case EndFile(mode=mode):
                if not writer.end_small(mode):
                    await call(functools.partial(writer.end, mode))
                elif writer.full:
                    await call(writer.flush)
                self._tell()
            case MakeFolder(name=name, mode=mode):
                await call(functools.partial(writer.make_folder, name, mode))
            case LocalFailure():
                await call(writer.flush)
                return writer.problem
            case NewRequest():
                self._delegated = await call(new_delegated_key)
                return self._delegated.request
            case KeepDelegation(certificates=certificates):
                if self._delegated is None:
                    raise HTCondorInternalError("certificates came before the request for them")
                writer.hold(self._delegated.proxy_file(certificates).reveal())
            case _:
                raise HTCondorInternalError(f"nobody who receives carries out {type(effect).__name__}")
        return None

    def _tell(self) -> None:
        self._told = self._position
        if self._progress is not None:
            cluster, proc = self._job
            self._progress(f"{cluster}.{proc}", self._name, self._position, self._taken)


class Exchange:
    """Runs one file-transfer session over a connection, in either role."""

    def __init__(self, wire: Wire, deadline: float, idle: float) -> None:
        self._wire = wire
        self._deadline = deadline
        self._idle = idle
        self._patience: float | None = None
        self._out = bytearray()

    @property
    def aes(self) -> bool:
        """Whether the connection is sealed with AES."""
        return self._wire.cedar.method == "AES"

    async def run(self, steps: Any, side: Side) -> TransferReport:
        """Carry out a session; whatever ends it early closes the connection."""
        wire = self._wire
        try:
            answer = None
            while True:
                effect = steps.send(answer)
                kind = type(effect)
                if kind is Send:
                    self._out += wire.cedar.send_message(effect.message)
                    if len(self._out) >= _FLUSH_SIZE:
                        await self._flush()
                    answer = None
                elif kind is Receive:
                    await self._flush()
                    answer = await wire.receive(self._limit(), effect.max_size)
                elif kind is SendRaw:
                    self._out += wire.cedar.send_raw(effect.data)
                    if len(self._out) >= _FLUSH_SIZE:
                        await self._flush()
                    answer = None
                elif kind is ReceiveRaw:
                    answer = await self._receive_raw(effect.max_size)
                elif kind is Patience:
                    self._patience = effect.seconds
                    answer = None
                else:
                    answer = await side.carry_out(effect)
        except StopIteration as done:
            await self._flush()
            report: TransferReport = done.value
            return report
        except BaseException:
            wire.abort()
            raise
        finally:
            steps.close()
            await side.close()

    def _limit(self) -> float:
        idle = self._idle if self._patience is None else max(self._idle, self._patience)
        return min(self._deadline, self._wire.runtime.clock() + idle)

    async def _flush(self) -> None:
        if self._out:
            data, self._out = bytes(self._out), bytearray()
            with self._wire.phase(Phase.SEND, self._deadline):
                await self._wire.stream.send(data, self._limit())

    async def _receive_raw(self, size: int) -> bytes:
        await self._flush()
        while True:
            with self._wire.phase(Phase.RECEIVE, self._deadline):
                data = self._wire.cedar.take_raw(size)
            if data is not None:
                return data
            await self._wire.fill(self._limit())


def _job_text(job: tuple[int, int]) -> str:
    return f"{job[0]}.{job[1]}"


async def spool(
    context: Context,
    target: Target,
    ids: Sequence[tuple[int, int]],
    files: Iterator[JobFiles],
    deadline: float,
    idle: float,
    *,
    delegation: Mapping[str, Any],
    progress: Progress | None = None,
) -> None:
    """Send the input files of jobs.

    Parameters
    ----------
    ids
        The jobs.
    files
        The files of each of them, in this order; it is advanced in a worker thread.

    Raises
    ------
    DaemonError
        A file could not be read or written, with the words of both sides. The schedd removes jobs whose transfer
        failed.
    OutcomeUnknownError
        The schedd did not confirm that it has everything.
    """
    channel = await open_command(context, target, Command.SPOOL_JOB_FILES_WITH_PERMS, deadline)
    try:
        await channel.send(channel.writer().str(context.version).int(len(ids)).getvalue(), deadline)
        numbers = channel.writer()
        for cluster, proc in ids:
            numbers.int(cluster).int(proc)
        await channel.send(numbers.getvalue(), deadline)
        for place in range(len(ids)):
            found = await context.runtime.call(functools.partial(next, files, None))
            if found is None or found.job != ids[place]:
                raise HTCondorInternalError("the files of a job are not those of the job that was announced")
            source = Source(context.runtime, found, progress=progress, delegation=delegation)
            exchange = Exchange(channel, deadline, idle)
            steps = send_sandbox(channel, aes=exchange.aes, final=False, total=found.size)
            report = await _checked(channel, exchange, steps, source, found.job, place == 0)
            if report.failed:
                raise _failure(channel, found.job, report, "sent", _LOST)
        await _confirmed(channel, deadline, idle)
    finally:
        channel.abort()


async def _checked(
    channel: Channel, exchange: Exchange, steps: Any, side: Side, job: tuple[int, int], first: bool
) -> TransferReport:
    try:
        return await exchange.run(steps, side)
    except ConnectionClosedError as error:
        error.add_context(
            hint=f"a schedd hangs up so if job {_job_text(job)} is not one's own, or does not wait for its files"
            if first
            else None
        )
        raise


async def _confirmed(channel: Channel, deadline: float, idle: float) -> None:
    """Wait for the schedd's last word about a spool."""
    try:
        limit = min(deadline, channel.runtime.clock() + max(idle, 300.0))
        reader = channel.reader(await channel.receive(limit))
    except HTCondorIOError as error:
        raise channel.outcome_unknown(
            "the files were sent but the schedd's confirmation did not come",
            error,
            hint="query the jobs: those that have StageInFinish have their files",
        ) from error
    with channel.phase(Phase.RECEIVE, deadline):
        done = reader.int()
        if done != 1:
            raise DaemonError(f"the schedd did not keep the files (answer {done})", code=done)


def _failure(
    channel: Channel, job: tuple[int, int], report: TransferReport, what: str, hint: str | None = None
) -> DaemonError:
    said = [text for text in (report.own, report.peer) if text]
    return DaemonError(
        f"the files of job {_job_text(job)} could not be {what}",
        code=1,
        error_stack=said,
        daemon=channel.target.daemon,
        address=str(channel.target.address),
        command=channel.command,
        hint=hint,
    )


async def retrieve(
    context: Context,
    target: Target,
    constraint: str,
    writer_of: Callable[[ClassAd], SandboxWriter],
    deadline: float,
    idle: float,
    *,
    progress: Progress | None = None,
) -> list[tuple[int, int]]:
    """Fetch the output files of one's own jobs that match; return which those were.

    Parameters
    ----------
    writer_of
        Given a job's ad, as it was submitted, who writes its files; called in a worker thread.
    """
    channel = await open_command(context, target, Command.TRANSFER_DATA_WITH_PERMS, deadline)
    done: list[tuple[int, int]] = []
    try:
        await channel.send(channel.writer().str(context.version).str(constraint).getvalue(), deadline)
        reader = channel.reader(await _receive(channel, deadline, idle))
        with channel.phase(Phase.RECEIVE, deadline):
            count = reader.int()
            reader.expect_end()
            if count < 0:
                raise ProtocolError(f"the schedd announces {count} jobs")
        for _ in range(count):
            reader = channel.reader(await _receive(channel, deadline, idle))
            with channel.phase(Phase.RECEIVE, deadline):
                ad = reader.ad()
                reader.expect_end()
                job = _id_of(ad)
            writer = await context.runtime.call(functools.partial(writer_of, submit_side(ad)))
            exchange = Exchange(channel, deadline, idle)
            steps = receive_sandbox(channel, aes=exchange.aes, limits=context.limits)
            report = await exchange.run(steps, Incoming(context.runtime, writer, job, progress))
            if report.failed:
                raise _failure(channel, job, report, "fetched")
            done.append(job)
        await channel.send(channel.writer().int(1).getvalue(), deadline)
        return done
    finally:
        channel.abort()


async def _receive(channel: Channel, deadline: float, idle: float) -> bytes:
    return await channel.receive(min(deadline, channel.runtime.clock() + idle))


def _id_of(ad: ClassAd) -> tuple[int, int]:
    cluster, proc = ad.get("ClusterId"), ad.get("ProcId")
    if type(cluster) is not int or type(proc) is not int:
        raise ProtocolError("the ad of a job whose files come has no ClusterId or ProcId")
    return cluster, proc


def submit_side(ad: ClassAd) -> ClassAd:
    """Return a job as it was submitted: each attribute as its ``SUBMIT_`` form says, where there is one."""
    whole = ad.copy()
    for name in ad:
        if name.upper().startswith("SUBMIT_"):
            whole[name[len("SUBMIT_") :]] = ad.lookup(name)
    return whole
