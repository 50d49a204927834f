"""Storing credentials: one request, over an authenticated and encrypted connection or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._core.confidential import open_confidential
from htcondor_async._core.context import Context, Target
from htcondor_async._dialogues.credd import MAX_CREDENTIAL
from htcondor_async._secret import Secret
from htcondor_async.errors import DaemonError, HTCondorIOError, HTCondorValueError, OutcomeUnknownError, Phase

__all__ = ["confidential_exchange", "produce"]

T = TypeVar("T")
_PRODUCER_SECONDS = 20.0
_MAX_ANSWER = 1 << 20
ALREADY_STORED = "CREDENTIAL_ALREADY_STORED"


async def confidential_exchange(
    context: Context,
    target: Target,
    command: Command,
    build: Callable[[Writer], Writer],
    parse: Callable[[Reader], T],
    deadline: float,
    *,
    changes: bool,
) -> T:
    """Send one message and return what ``parse`` makes of the answer.

    Parameters
    ----------
    changes
        Whether the request changes something: a lost answer is then an ``OutcomeUnknownError``.

    Raises
    ------
    SecurityError
        The connection would not be encrypted, or not authenticated; nothing was sent.
    """
    channel = await open_confidential(context, target, command, deadline, authenticated=True)
    sent = False
    try:
        with channel.phase(Phase.SEND, deadline):
            payload = build(channel.writer()).getvalue()
        await channel.send(payload, deadline)
        sent = True
        message = await channel.receive(deadline, _MAX_ANSWER)
        with channel.phase(Phase.RECEIVE, deadline):
            reader = channel.reader(message)
            answer = parse(reader)
            reader.expect_end()
            return answer
    except DaemonError:
        raise
    except HTCondorIOError as error:
        if not (sent and changes):
            raise
        raise OutcomeUnknownError(
            f"{command.name} was sent but its answer did not come: it may or may not have taken effect",
            daemon=target.daemon,
            address=str(target.address),
            command=command.name,
            phase=error.phase,
            elapsed=error.elapsed,
        ) from error
    finally:
        channel.abort()


async def produce(context: Context, parameter: str, deadline: float) -> Secret[bytes] | None:
    """Run the program that a parameter names and return the credential it prints; None if there is one already.

    Raises
    ------
    HTCondorValueError
        The parameter is not set.
    HTCondorIOError
        The program failed, took more than 20 s, or printed nothing.
    """
    program = context.config.get_str(parameter, "").strip()
    if not program:
        raise HTCondorValueError(
            "credential may not be empty", hint=f"give one, or set {parameter} to a program that prints it"
        )
    if program == ALREADY_STORED:
        return None
    runtime = context.runtime
    limit = min(deadline, runtime.clock() + _PRODUCER_SECONDS)
    result = await runtime.run_command([program], limit, max_output=MAX_CREDENTIAL)
    if result.status != 0:
        raise HTCondorIOError(f"the program {program}, which {parameter} names, ended with status {result.status}")
    if not result.stdout:
        raise HTCondorIOError(f"the program {program}, which {parameter} names, printed no credential")
    return Secret(result.stdout)
