"""When to let ads gather before the next read."""

from __future__ import annotations

import math

__all__ = ["FEW", "PAUSE", "READS", "Pace"]

PAUSE = 0.002  # seconds between two reads; the resolution of an event loop's timers is 1 ms
FEW = 8  # ads in one read
READS = 8


class Pace:
    """Finds out that a daemon sends ads one by one, faster than it is worth to be woken for each. Without I/O.

    ``condor_history`` hands on an ad every 30 us; to be woken by each costs several times what the ads do. After
    ``READS`` reads of few ads, close upon each other, the reads are ``PAUSE`` apart, until one brings few ads (the
    daemon has become slow) or as much as it can hold (more is there already).
    """

    def __init__(self) -> None:
        self._last = -math.inf
        self._small_reads = 0

    def pause(self, now: float) -> float:
        """Return the seconds to wait before the next read."""
        return max(self._last + PAUSE - now, 0.0) if self._small_reads >= READS else 0.0

    def took(self, ads: int, full: bool, now: float) -> None:
        """Note what a read brought: the number of ads, and whether it was as large as it may be."""
        few, close = ads < FEW, now - self._last < PAUSE
        if self._small_reads >= READS:
            if few or full:
                self._small_reads = 0
        else:
            self._small_reads = self._small_reads + 1 if few and close and not full else 0
        self._last = now
