"""Queries of collectors and schedds."""

from __future__ import annotations

from collections.abc import Sequence

from htcondor_async._cedar.ads import Framing
from htcondor_async._cedar.private_ads import ad_decoder
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._core.retry import with_retries
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.collector import CollectorQuery
from htcondor_async._dialogues.jobs import JobQuery, check_final, is_final
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorException, HTCondorLocateError

__all__ = ["open_collector_query", "open_job_query", "query_first_of"]

_MAX_AVOIDANCE = 3600.0


class _CollectorAnswer:
    """Ads behind ones, a zero at the end. ``limit`` cuts the answer where the daemon did not."""

    def __init__(self, channel: Channel, limit: int | None) -> None:
        self._decoder = ad_decoder(channel.cedar, channel.limits, Framing.COUNTED)
        self._left = limit
        self.done = False
        self.summary: ClassAd | None = None

    def take(self, frames: list[tuple[bytes, bool]]) -> list[ClassAd]:
        ads = self._decoder.feed(frames)
        self.done = self._decoder.finished
        if self._left is not None:
            ads = ads[: self._left]
            self._left -= len(ads)
            self.done = self.done or self._left == 0
        return ads


class _JobAnswer:
    """One ad a message; the last one is the daemon's summary."""

    def __init__(self, channel: Channel, summary_wanted: bool) -> None:
        self._decoder = ad_decoder(channel.cedar, channel.limits, Framing.MESSAGE)
        self._summary_wanted = summary_wanted
        self.done = False
        self.summary: ClassAd | None = None

    def take(self, frames: list[tuple[bytes, bool]]) -> list[ClassAd]:
        ads = self._decoder.feed(frames)
        # the final ad is the last the daemon sends, so it can only be the last of what has arrived
        if ads and is_final(ads[-1]):
            final = ads.pop()
            check_final(final)
            del final["Owner"]
            self.done = True
            self.summary = final
            if self._summary_wanted:
                ads.append(final)
        return ads


async def open_collector_query(
    context: Context, target: Target, query: CollectorQuery, deadline: float, idle: float
) -> AdSource:
    """Ask one daemon; return the source of its ads."""
    channel = await open_command(context, target, query.command, deadline)
    await channel.request(query.ad(), deadline)
    return AdSource(channel, _CollectorAnswer(channel, query.limit), deadline, idle)


async def query_first_of(
    context: Context, targets: Sequence[Target], query: CollectorQuery, deadline: float, idle: float
) -> AdSource:
    """Ask the first collector of a list that answers, as often as the client's policy of retries allows."""
    return await with_retries(
        context.runtime, context.retries, deadline, lambda: _first_of(context, targets, query, deadline, idle)
    )


async def _first_of(
    context: Context, targets: Sequence[Target], query: CollectorQuery, deadline: float, idle: float
) -> AdSource:
    """Ask one collector after the other; of several, those last that failed lately.

    A collector counts as answering when its first bytes have come: what it refuses shows only then. Each but the last
    gets an even share of the time that is left.
    """
    if not targets:
        raise HTCondorLocateError(
            "there is no collector to ask", hint="name one, or set COLLECTOR_HOST in the configuration"
        )
    failures: list[HTCondorException] = []
    several = len(targets) > 1
    longest = context.config.get_float("DEAD_COLLECTOR_MAX_AVOIDANCE_TIME", _MAX_AVOIDANCE) if several else 0.0
    if several:
        targets = context.avoidance.order(targets, context.runtime.clock())
    for position, target in enumerate(targets):
        left = len(targets) - position
        now = context.runtime.clock()
        share = deadline if left == 1 else now + (deadline - now) / left
        try:
            source = await open_collector_query(context, target, query, deadline=share, idle=idle)
            await source.first(deadline)
        except HTCondorException as error:
            failures.append(error)
            if several:
                context.avoidance.failed(target, now, context.runtime.clock(), longest)
        else:
            if several:
                context.avoidance.succeeded(target)
            return source
    last = failures[-1]
    if len(failures) > 1:
        last.add_context(error_stack=[str(error) for error in failures[:-1]])
    raise last


async def open_job_query(context: Context, target: Target, query: JobQuery, deadline: float, idle: float) -> AdSource:
    """Ask a schedd for job ads; return the source of its ads."""
    request = query.ad()

    async def attempt() -> AdSource:
        channel = await open_command(context, target, query.command, deadline)
        await channel.request(request, deadline)
        source = AdSource(channel, _JobAnswer(channel, query.summary_only), deadline, idle)
        if context.retries.attempts > 1:
            await source.first(deadline)  # what breaks before the first ads may be tried again
        return source

    return await with_retries(context.runtime, context.retries, deadline, attempt)
