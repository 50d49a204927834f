"""Collectors that failed lately: those of a list that are tried last for a while.

A collector whose last contact failed is avoided for up to 100 times as long as that contact took, at most
DEAD_COLLECTOR_MAX_AVOIDANCE_TIME (``condor_daemon_client/dc_collector.cpp``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

__all__ = ["Avoidance"]


class _Addressed(Protocol):
    @property
    def address(self) -> object: ...


T = TypeVar("T", bound=_Addressed)
_FACTOR = 100.0
_CAPACITY = 1000


class Avoidance:
    """Until when which addresses are avoided. Times are those of one monotonic clock.

    Parameters
    ----------
    lock
        Held for a moment at each use, so that threads may share the object.
    """

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self._until: dict[str, float] = {}
        self._lock = lock

    def failed(self, target: _Addressed, began: float, now: float, longest: float) -> None:
        """Note a contact that failed; ``longest`` bounds the seconds of avoidance."""
        seconds = min(longest, _FACTOR * max(0.0, now - began))
        with self._lock:
            self._until.pop(str(target.address), None)
            if len(self._until) >= _CAPACITY:
                del self._until[next(iter(self._until))]
            self._until[str(target.address)] = now + seconds

    def succeeded(self, target: _Addressed) -> None:
        """Note a contact that was made: the address is no longer avoided."""
        with self._lock:
            self._until.pop(str(target.address), None)

    def avoided(self, target: _Addressed, now: float) -> bool:
        """Return whether an address is avoided."""
        with self._lock:
            return self._until.get(str(target.address), now) > now

    def order(self, targets: Sequence[T], now: float) -> list[T]:
        """Return the targets, those last that are avoided; each keeps its place among its like."""
        return sorted(targets, key=lambda target: self.avoided(target, now))
