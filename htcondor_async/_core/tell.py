"""Small commands: told without an answer, asked for one, or a change that is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._core.retry import with_retries
from htcondor_async.errors import DaemonError, HTCondorIOError, Phase

__all__ = ["ask", "change", "tell"]

T = TypeVar("T")
Build = Callable[[Writer], Writer]


async def tell(context: Context, target: Target, command: Command, build: Build | None, deadline: float) -> None:
    """Give a command that is not answered: that it was permitted is all that can be known.

    Parameters
    ----------
    build
        Writes the arguments; None for a command without any, for which nothing is sent after the handshake.
    """
    channel = await open_command(context, target, command, deadline)
    try:
        if build is not None:
            await _send(channel, build, deadline)
        elif channel.prefix:  # without a negotiation the number of the command is all that is sent
            await channel.send(b"", deadline)
    finally:
        channel.abort()


async def ask(
    context: Context,
    target: Target,
    command: Command,
    build: Build | None,
    parse: Callable[[Reader], T],
    deadline: float,
) -> T:
    """Give a command that only reads, and return its answer; tried again as the client's policy of retries says."""

    async def attempt() -> T:
        channel = await open_command(context, target, command, deadline)
        try:
            if build is not None:
                await _send(channel, build, deadline)
            elif channel.prefix:
                await channel.send(b"", deadline)
            return await _answer(channel, parse, deadline)
        finally:
            channel.abort()

    return await with_retries(context.runtime, context.retries, deadline, attempt)


async def change(
    context: Context, target: Target, command: Command, build: Build, parse: Callable[[Reader], T], deadline: float
) -> T:
    """Give a command that changes something, once, and return its answer.

    Raises
    ------
    OutcomeUnknownError
        The connection broke after the request was sent.
    """
    channel = await open_command(context, target, command, deadline)
    sent = False
    try:
        await _send(channel, build, deadline)
        sent = True
        return await _answer(channel, parse, deadline)
    except DaemonError:
        raise
    except HTCondorIOError as error:
        if not sent:
            raise
        raise channel.outcome_unknown(
            f"{command.name} was sent but its answer did not come: it may or may not have taken effect",
            error,
        ) from error
    finally:
        channel.abort()


async def _send(channel: Channel, build: Build, deadline: float) -> None:
    with channel.phase(Phase.SEND, deadline):
        payload = build(channel.writer()).getvalue()
    await channel.send(payload, deadline)


async def _answer(channel: Channel, parse: Callable[[Reader], T], deadline: float) -> T:
    message = await channel.receive(deadline)
    with channel.phase(Phase.RECEIVE, deadline):
        reader = channel.reader(message)
        answer = parse(reader)
        reader.expect_end()
        return answer
