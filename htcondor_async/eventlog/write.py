"""Events to bytes: the text, XML and JSON forms of a job event log."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorValueError

from ._text import HIDDEN, BodyError
from ._times import Clock, EventTime, FormatOptions, format_time, local_text
from .bodies import FIRST_EP, kind_of

__all__ = ["LogFormat", "format_event", "format_text"]


class LogFormat(enum.Enum):
    """The forms of a job event log."""

    TEXT = "text"
    XML = "xml"
    JSON = "json"


def format_text(
    number: int,
    ids: tuple[int, int, int],
    when: EventTime,
    values: Mapping[str, Any],
    clock: Clock,
    options: FormatOptions,
) -> str:
    """Return an event as text without the final dots; raises ``BodyError`` if a needed attribute is missing."""
    lines = kind_of(number).write(values)
    head = "%03d (%03d.%03d.%03d) " % (number, *ids)  # noqa: UP031 - this is how HTCondor pads a negative number
    return f"{head}{format_time(when, clock, options)} " + "\n".join(lines) + "\n"


def format_event(
    number: int,
    cluster: int,
    proc: int,
    when: float,
    attributes: Mapping[str, Any],
    clock: Clock,
    *,
    subproc: int = 0,
    form: LogFormat = LogFormat.TEXT,
    options: FormatOptions | None = None,
) -> bytes:
    """Return an event as it is appended to a log.

    Parameters
    ----------
    number
        The kind of event, a :class:`~htcondor_async.enums.JobEventType`.
    cluster, proc, subproc
        The job; ``proc`` is -1 for an event of a whole cluster.
    when
        Seconds since 1970.
    attributes
        What the event says, by the names that reading it gives. Line breaks within a value become ``|``.
    clock
        Where local time comes from.
    form
        Text, or an ad in XML or JSON.
    options
        How a text has its date.

    Raises :class:`~htcondor_async.errors.HTCondorValueError` for a number that is none, or if an attribute is missing
    that this kind of event cannot do without.
    """
    if not 0 <= number <= 999:
        raise HTCondorValueError(f"the number of an event is 0 to 999, not {number}")
    seconds = int(when // 1)
    at = EventTime(seconds, min(999_999, int((when - seconds) * 1_000_000)))
    if form is not LogFormat.TEXT:
        return _format_ad(number, (cluster, proc, subproc), at, attributes, clock, form)
    try:
        text = format_text(number, (cluster, proc, subproc), at, attributes, clock, options or FormatOptions())
    except BodyError as error:
        raise HTCondorValueError(str(error)) from error
    return f"{text}...\n".encode("utf-8", "surrogateescape")


def _format_ad(
    number: int, ids: tuple[int, int, int], when: EventTime, values: Mapping[str, Any], clock: Clock, form: LogFormat
) -> bytes:
    ad = ClassAd({name: value for name, value in values.items() if name[:1] != HIDDEN})
    ad["MyType"] = kind_of(number).my_type
    ad["EventTypeNumber"] = number
    ad["EventTime"] = local_text(when, clock)
    names = ("SlotId", "DSlotId", "Subproc") if number >= FIRST_EP else ("Cluster", "Proc", "Subproc")
    for name, value in zip(names, ids, strict=True):
        if value >= 0 and not (number >= FIRST_EP and (value == 0 or name == "Subproc")):
            ad[name] = value
    text = ad.print_xml() if form is LogFormat.XML else ad.print_json() + "\n"
    return text.encode("utf-8", "surrogateescape")
