"""Streams of ads at the level of connections: batches out of one channel, and nothing read ahead of the reader."""

from __future__ import annotations

import math
from typing import Protocol

from htcondor_async._core.channel import Channel
from htcondor_async._core.pace import Pace
from htcondor_async._runtime.base import READ_SIZE
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError, Phase

__all__ = ["AdSource", "Answer"]

FEW, MANY = 50, 150  # ads in one read, shared by the open streams of a client; with more the next read is smaller
FIRST_READ, SMALLEST_READ = 32 * 1024, 16 * 1024  # bytes


class Answer(Protocol):
    """Turns the frames of one answer into ads, and knows when it is complete. Without I/O."""

    done: bool
    summary: ClassAd | None

    def take(self, frames: list[tuple[bytes, bool]]) -> list[ClassAd]:
        """Return the ads that ``frames`` complete; raises ``DaemonError`` or ``ProtocolError``."""
        ...


class AdSource:
    """Reads one answer from a channel and closes the channel at its end, or at the first error."""

    def __init__(self, channel: Channel, answer: Answer, deadline: float, idle: float) -> None:
        self._channel = channel
        self._answer = answer
        self._deadline = deadline
        self._idle = idle
        self._held: list[ClassAd] = []
        self._pace = Pace()
        self._open = channel.context.streams
        self._open.add(self)
        channel.read_size = FIRST_READ

    @property
    def done(self) -> bool:
        """Whether the answer is complete and taken."""
        return self._answer.done and not self._held

    @property
    def summary(self) -> ClassAd | None:
        """The daemon's final ad, once the answer is complete, where the protocol has one."""
        return self._answer.summary

    @property
    def channel(self) -> Channel:
        """The connection behind the answer."""
        return self._channel

    def abort(self) -> None:
        """Close the socket at once."""
        self._open.discard(self)
        self._channel.abort()

    async def first(self, deadline: float) -> None:
        """Wait for the first ads and keep them for :meth:`batch`; from then on ``deadline`` holds."""
        self._held = await self.batch()
        self._deadline = deadline

    async def batch(self) -> list[ClassAd]:
        """Wait for the next ads; the empty list means that the answer is complete."""
        if self._held:
            ads, self._held = self._held, []
            return ads
        runtime = self._channel.runtime
        try:
            pause = min(self._pace.pause(now := runtime.clock()), self._deadline - now)
            if pause > 0:
                await runtime.sleep(pause)
            else:
                await runtime.checkpoint()  # one a batch: a peer that always has data must not keep the loop to itself
            full = False
            while not self._answer.done:
                ads = self._take()
                if ads or self._answer.done:
                    self._pace.took(len(ads), full, runtime.clock())
                    return ads
                limit = self._deadline
                if not math.isinf(self._idle):
                    limit = min(limit, runtime.clock() + self._idle)
                full = await self._channel.fill(limit) == self._channel.read_size
            return []
        except BaseException:
            self.abort()  # whatever interrupts an answer, at the checkpoint too, ends it
            raise

    def batch_now(self) -> list[ClassAd]:
        """Return the ads that have arrived already; does not wait."""
        ads, self._held = self._held, []
        while not ads and not self._answer.done:
            ads = self._take()
            if not ads and not self._answer.done and not self._channel.fill_now():
                break
        return ads

    def _take(self) -> list[ClassAd]:
        with self._channel.phase(Phase.RECEIVE, self._deadline):
            try:
                frames = self._channel.cedar.drain()
            except ConnectionClosedError as error:
                error.add_context(hint="see the daemon's log; a request that it does not accept ends so too")
                raise
            ads = self._answer.take(frames)
            # A batch is decoded and consumed without giving way, so it must not hold too many ads; and the batches of
            # several streams may come one after another in one round of the event loop.
            size, sharing = self._channel.read_size, max(len(self._open), 1)
            if len(ads) * sharing > MANY:
                self._channel.read_size = max(size // 2, SMALLEST_READ)
            elif len(ads) * sharing < FEW:
                self._channel.read_size = min(size * 2, READ_SIZE)
        if self._answer.done:
            self.abort()
        return ads
