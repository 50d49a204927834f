"""Actions on jobs and small commands of a schedd."""

from __future__ import annotations

from htcondor_async._cedar.commands import Command
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._dialogues.act import ActProgress, ActRequest, act
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError, HTCondorIOError, Phase

__all__ = ["act_on_jobs", "exchange_ads", "reschedule"]


async def act_on_jobs(context: Context, target: Target, request: ActRequest, deadline: float) -> ClassAd:
    """Carry out one action; return the schedd's result ad.

    Raises
    ------
    OutcomeUnknownError
        The connection broke between the confirmation and the schedd's answer.
    """
    channel = await open_command(context, target, Command.ACT_ON_JOBS, deadline)
    progress = ActProgress()
    try:
        return await channel.perform(act(channel, request, progress), Phase.RECEIVE, deadline)
    except DaemonError:
        raise
    except HTCondorIOError as error:
        if not progress.confirmed:
            raise
        raise channel.outcome_unknown(
            f"the action {request.action.name} was confirmed but its answer did not come: "
            "it may or may not have taken effect",
            error,
            hint="query the jobs before trying again",
        ) from error
    finally:
        channel.abort()


async def exchange_ads(
    context: Context, target: Target, command: Command, request: list[tuple[str, str]], deadline: float
) -> ClassAd:
    """Send one ad, return the ad that comes back; the command changes something and is never sent twice."""
    channel = await open_command(context, target, command, deadline)
    sent = False
    try:
        await channel.send(channel.writer().ad(request).getvalue(), deadline)
        sent = True
        reader = channel.reader(await channel.receive(deadline))
        with channel.phase(Phase.RECEIVE, deadline):
            answer = reader.ad()
            reader.expect_end()
            return answer
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


async def reschedule(context: Context, target: Target, deadline: float) -> None:
    """Ask the schedd to negotiate soon. It gives no answer: a handshake that succeeds is all there is."""
    channel = await open_command(context, target, Command.RESCHEDULE, deadline)
    try:
        if channel.prefix:  # without a negotiation the number of the command is all that is sent
            await channel.send(b"", deadline)
    finally:
        channel.abort()
