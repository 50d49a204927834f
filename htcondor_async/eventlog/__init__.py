"""The language of job event logs: bytes to events, events to bytes.

A log is text (an event ends with a line of three dots), or a sequence of ads in XML or JSON. Nothing here reads files:
:mod:`htcondor_async.joblog` does.
"""

from __future__ import annotations

from ._times import Clock, FormatOptions
from .decoder import BadRecord, EventDecoder, Limits
from .event import JobEvent
from .write import LogFormat, format_event

__all__ = [
    "BadRecord",
    "Clock",
    "EventDecoder",
    "FormatOptions",
    "JobEvent",
    "Limits",
    "LogFormat",
    "format_event",
]
