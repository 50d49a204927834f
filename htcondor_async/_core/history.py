"""Streams of history."""

from __future__ import annotations

from htcondor_async._cedar.ads import Framing
from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.private_ads import ad_decoder
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.history import HistoryQuery, check_history_end, is_header
from htcondor_async._dialogues.jobs import is_final
from htcondor_async.classad import ClassAd

__all__ = ["open_history"]


class _HistoryAnswer:
    """Ads up to the final one: all of them one message, or behind a header ad each a message of its own."""

    def __init__(self, channel: Channel) -> None:
        self._cedar = channel.cedar
        self._limits = channel.limits
        self._decoder = ad_decoder(self._cedar, self._limits, Framing.SEQUENCE)
        self._received = 0
        self._first_message = True
        self.done = False
        self.summary: ClassAd | None = None

    def take(self, frames: list[tuple[bytes, bool]]) -> list[ClassAd]:
        ads: list[ClassAd] = []
        if self._first_message:
            border = next((index + 1 for index, (_, end) in enumerate(frames) if end), len(frames))
            ads = self._decoder.feed(frames[:border])
            frames = frames[border:]
            if self._decoder.finished:
                self._first_message = False
                if self._received == 0 and len(ads) == 1 and is_header(ads[0]):
                    ads = []
                    self._decoder = ad_decoder(self._cedar, self._limits, Framing.MESSAGE)
        if frames:
            ads += self._decoder.feed(frames)
        if ads and is_final(ads[-1]):
            self.summary = ads.pop()
            check_history_end(self.summary, self._received + len(ads))
            self.done = True
        self._received += len(ads)
        return ads


async def open_history(
    context: Context, target: Target, query: HistoryQuery, deadline: float, idle: float, *, of_startd: bool = False
) -> AdSource:
    """Ask a schedd, or a startd, for records of finished jobs, newest first; return the source of the ads."""
    command = Command.GET_HISTORY if of_startd else Command.QUERY_SCHEDD_HISTORY
    channel = await open_command(context, target, command, deadline)
    await channel.request(query.ad(), deadline)
    return AdSource(channel, _HistoryAnswer(channel), deadline, idle)
