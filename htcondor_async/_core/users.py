"""A schedd's records of users: asked for, and changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from htcondor_async._cedar.ads import Framing
from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.private_ads import ad_decoder
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.users import UserQuery, act_on_users, is_user_summary
from htcondor_async.classad import ClassAd
from htcondor_async.errors import (
    ConnectionClosedError,
    DaemonError,
    HTCondorIOError,
    Phase,
    SecurityError,
)

__all__ = ["change_users", "query_users"]

_TOO_OLD = "schedds before 23.0 have no records of users, and newer ones show them to authenticated clients only"


class _Answer:
    """Ads one after another in one message; the last one is the daemon's summary."""

    def __init__(self, channel: Channel) -> None:
        self._decoder = ad_decoder(channel.cedar, channel.limits, Framing.SEQUENCE)
        self.done = False
        self.summary: ClassAd | None = None

    def take(self, frames: list[tuple[bytes, bool]]) -> list[ClassAd]:
        ads = self._decoder.feed(frames)
        if ads and is_user_summary(ads[-1]):
            self.summary = ads.pop()
            self.done = True
        return ads


@contextmanager
def _told_if_too_old() -> Iterator[None]:
    try:
        yield
    except (ConnectionClosedError, SecurityError) as error:
        if isinstance(error, ConnectionClosedError):
            error.hint = _TOO_OLD  # of the reasons to hang up this one is more likely than what is usually said
        error.add_context(hint=_TOO_OLD)
        raise


async def query_users(context: Context, target: Target, query: UserQuery, deadline: float) -> list[ClassAd]:
    """Return records of users."""
    with _told_if_too_old():
        channel = await open_command(context, target, Command.QUERY_USERREC_ADS, deadline)
        source = AdSource(channel, _Answer(channel), deadline, context.timeouts.idle)
        try:
            await channel.send(channel.writer().ad(query.ad()).getvalue(), deadline)
            found: list[ClassAd] = []
            while ads := await source.batch():
                found += ads
            return found
        finally:
            source.abort()


async def change_users(
    context: Context,
    target: Target,
    command: Command,
    ads: Sequence[Sequence[tuple[str, str]]],
    what: str,
    deadline: float,
) -> ClassAd:
    """Change records of users; return the schedd's result ad.

    Raises
    ------
    DaemonError
        The schedd did not do it.
    OutcomeUnknownError
        The request was sent and its answer lost.
    """
    with _told_if_too_old():
        channel = await open_command(context, target, command, deadline)
    try:
        return await channel.perform(act_on_users(channel, ads, what), Phase.RECEIVE, deadline)
    except DaemonError:
        raise
    except HTCondorIOError as error:
        raise channel.outcome_unknown(
            f"the request to {what} was sent but its answer did not come",
            error,
            hint="query the users before trying again",
        ) from error
    finally:
        channel.abort()
