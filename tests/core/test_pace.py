"""Ads that come one by one are let gather; nothing else is held back."""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace

import pytest

from htcondor_async._core.pace import FEW, PAUSE, READS, Pace
from htcondor_async._core.source import AdSource
from htcondor_async._runtime.blocking import drive
from htcondor_async.classad import ClassAd


def read_all(pace, times):
    """Read ads that arrive at ``times``; return the number of reads, the pauses and the longest wait of an ad."""
    now, taken, reads, pauses, longest = 0.0, 0, 0, [], 0.0
    while taken < len(times):
        if pause := pace.pause(now):
            pauses.append(pause)
            now += pause
        now = max(now, times[taken])
        there = sum(1 for time in times[taken:] if time <= now)
        longest = max(longest, now - times[taken])
        pace.took(there, False, now)
        taken += there
        reads += 1
    return reads, pauses, longest


def test_a_daemon_that_sends_ads_one_by_one():
    times = [number * 30e-6 for number in range(2000)]
    reads, pauses, longest = read_all(Pace(), times)
    assert reads < 100
    assert pauses
    assert max(pauses) <= PAUSE + 1e-9
    assert longest <= PAUSE + 1e-9


def test_a_slow_daemon_is_read_at_once():
    times = [number * 1.5 * PAUSE for number in range(200)]
    assert read_all(Pace(), times) == (200, [], 0.0)


def test_a_short_answer_is_read_at_once():
    times = [number * 1e-5 for number in range(READS)]
    assert read_all(Pace(), times)[1] == []


def test_many_ads_in_one_read_are_followed_at_once():
    times = [number // FEW * 1e-4 for number in range(40 * FEW)]
    assert read_all(Pace(), times)[1] == []


def test_a_slow_reader_does_not_wait_as_well():
    pace = Pace()
    for number in range(READS + 1):
        pace.took(1, False, number * 1e-5)
    paused = READS * 1e-5
    assert pace.pause(paused + PAUSE / 4) == pytest.approx(PAUSE * 3 / 4)
    assert pace.pause(paused + 1) == 0


@pytest.mark.parametrize(("ads", "full"), [(FEW - 1, False), (100, True)], ids=["few", "full"])
def test_pauses_end(ads, full):
    pace = Pace()
    for number in range(READS + 1):
        pace.took(1, False, number * 1e-5)
    paused = READS * 1e-5
    assert pace.pause(paused) > 0
    pace.took(ads, full, paused + PAUSE)
    assert pace.pause(paused + PAUSE) == 0


class _Runtime:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    async def checkpoint(self):
        self.now += 1e-5


class _Channel:
    """Has one more ad at each read."""

    def __init__(self):
        self.runtime = _Runtime()
        self.context = SimpleNamespace(streams=set())
        self.cedar = SimpleNamespace(drain=self._drain)
        self.read_size = 0
        self.aborted = False
        self.limits = []
        self._there = []

    def _drain(self):
        there, self._there = self._there, []
        return there

    async def fill(self, limit):
        self.limits.append(limit)
        self._there = [(b"", True)]
        return 1

    def phase(self, phase, deadline):
        return contextlib.nullcontext()

    def abort(self):
        self.aborted = True


class _Answer:
    done = False
    summary = None

    def take(self, frames):
        return [ClassAd() for _ in frames]


def _paused_source(deadline):
    channel = _Channel()
    source = AdSource(channel, _Answer(), deadline, math.inf)
    for _ in range(READS + 1):
        assert len(drive(source.batch())) == 1
    assert channel.runtime.slept == []
    return source, channel


def test_a_source_pauses():
    source, channel = _paused_source(math.inf)
    drive(source.batch())
    assert channel.runtime.slept == [pytest.approx(PAUSE, rel=0.1)]


def test_a_pause_ends_at_the_deadline():
    deadline = (READS + 1) * 1e-5 + PAUSE / 10
    source, channel = _paused_source(deadline)
    drive(source.batch())
    assert channel.runtime.slept == [pytest.approx(PAUSE / 10, rel=0.3)]
    assert channel.runtime.now <= deadline + 1e-9
    assert channel.limits[-1] == deadline


def test_an_interrupted_pause_closes_the_connection():
    source, channel = _paused_source(math.inf)

    async def interrupted(seconds):
        raise KeyboardInterrupt

    channel.runtime.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        drive(source.batch())
    assert channel.aborted
