"""The wall clock and the local zone of this process."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

__all__ = ["LocalClock"]


class LocalClock:
    """What the language of event logs asks of the world."""

    def now(self) -> float:
        """Return the wall clock in seconds since 1970."""
        return time.time()

    def utc_offset(self, when: datetime) -> timedelta:
        """Return the local offset from UTC at the aware time ``when``."""
        return when.astimezone().utcoffset() or timedelta(0)
