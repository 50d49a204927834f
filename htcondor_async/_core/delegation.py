"""A new X.509 proxy for a job: delegated, or copied."""

from __future__ import annotations

from collections.abc import Callable

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.effects import ReadChunk, Send, SendRaw
from htcondor_async._cedar.files import put_file
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async.errors import (
    ConnectionClosedError,
    DaemonError,
    HTCondorInternalError,
    HTCondorIOError,
    Phase,
    ProtocolError,
)

__all__ = ["delegate_proxy", "send_proxy"]

_HINT = "the job must be one's own, and have been spooled with a proxy"
_MAX_REQUEST = 64 * 1024


async def delegate_proxy(
    context: Context, target: Target, job: tuple[int, int], sign: Callable[[bytes], bytes], deadline: float
) -> None:
    """Delegate a proxy to a job.

    Parameters
    ----------
    sign
        Given a certificate request, returns the certificates; runs in a worker thread.

    Raises
    ------
    DaemonError
        The schedd does not take it.
    OutcomeUnknownError
        It was sent, and the schedd's answer was lost.
    """
    channel = await open_command(context, target, Command.DELEGATE_GSI_CRED_SCHEDD, deadline)
    try:
        await channel.send(channel.writer().int(job[0]).int(job[1]).getvalue(), deadline)
        reader = channel.reader(await channel.receive(deadline))
        with channel.phase(Phase.RECEIVE, deadline):
            size = reader.int()
            if size <= 0:
                raise DaemonError(f"the schedd takes no proxy for job {job[0]}.{job[1]}", code=size, hint=_HINT)
            if size > _MAX_REQUEST:
                raise ProtocolError(f"a certificate request of {size} bytes was announced")
            request = reader.raw(size)
            reader.expect_end()
        try:
            certificates = await context.runtime.call(lambda: sign(request))
        except HTCondorIOError:
            await channel.send(channel.writer().int(0).getvalue(), deadline)
            raise
        await channel.send(channel.writer().int(len(certificates)).raw(certificates).getvalue(), deadline)
        await _answer(channel, job, deadline)
    finally:
        channel.abort()


async def send_proxy(context: Context, target: Target, job: tuple[int, int], data: bytes, deadline: float) -> None:
    """Copy a proxy file to a job; errors as for :func:`delegate_proxy`."""
    channel = await open_command(context, target, Command.UPDATE_GSI_CRED, deadline)
    try:
        await channel.send(channel.writer().int(job[0]).int(job[1]).getvalue(), deadline)
        aes = channel.cedar.method == "AES"
        if not aes and not channel.cedar.crypto:
            raise HTCondorIOError(
                "a proxy is not copied over a connection that is not encrypted",
                hint="set SEC_CLIENT_ENCRYPTION = REQUIRED, or let it be delegated (DELEGATE_JOB_GSI_CREDENTIALS)",
            )
        steps = put_file(len(data), aes=aes)
        left = data
        answer: bytes | None = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration:
                break
            answer = None
            if isinstance(effect, ReadChunk):
                answer, left = left[: effect.max_size], left[effect.max_size :]
            elif isinstance(effect, Send):
                await channel.send(effect.message, deadline)
            elif isinstance(effect, SendRaw):
                with channel.phase(Phase.SEND, deadline):
                    await channel.stream.send(channel.cedar.send_raw(effect.data), deadline)
            else:
                raise HTCondorInternalError(f"sending a file asked for {type(effect).__name__}")
        await _answer(channel, job, deadline)
    except ConnectionClosedError as error:  # it refuses before it has read the file
        error.add_context(hint=_HINT)
        raise
    finally:
        channel.abort()


async def _answer(channel: Channel, job: tuple[int, int], deadline: float) -> None:
    try:
        reader = channel.reader(await channel.receive(deadline))
    except ConnectionClosedError as error:
        raise channel.outcome_unknown(
            f"a proxy was sent for job {job[0]}.{job[1]} but the schedd's answer did not come",
            error,
            hint="sending it again does no harm",
        ) from error
    with channel.phase(Phase.RECEIVE, deadline):
        done = reader.int()
        if done != 1:
            raise DaemonError(f"the schedd did not take the proxy of job {job[0]}.{job[1]}", code=done, hint=_HINT)
