"""v1's event logs."""

from __future__ import annotations

from typing import Any

from htcondor_sync._arguments import expect, uninstantiable
from htcondor_sync._calls import deprecated
from htcondor_sync._unserved import not_served

__all__ = ["EventIterator", "JobEvent", "JobEventLog", "read_events"]


class JobEvent(metaclass=uninstantiable):
    """One event of a job."""


class JobEventLog:
    """A job event log; the client has no reader yet."""

    def __init__(self, filename: str) -> None:
        expect("JobEventLog", ("filename", filename, str))
        raise not_served("JobEventLog")


class EventIterator(metaclass=uninstantiable):
    """v1's older iterator over events."""


def read_events(arg1: Any, arg2: bool = False, /) -> EventIterator:
    """Raise: the client has no such operation yet."""
    deprecated("read_events() is deprecated: use JobEventLog")
    raise not_served("read_events")
