"""Events written as ads in XML or JSON: where one ends, and what it says."""

from __future__ import annotations

import re

from htcondor_async.classad import ClassAd, ClassAdException
from htcondor_async.classad._json import parse_json_ads
from htcondor_async.classad._xml import parse_xml_ads

from ._text import Attributes, BodyError, value_in
from ._times import DATE, Clock
from .bodies import FIRST_EP, kind_of
from .event import JobEvent, body_text, event_from_values
from .write import LogFormat

__all__ = ["AdScanner", "event_of_ad"]

_TOKENS = {
    LogFormat.JSON: re.compile(rb'"(?:[^"\\]|\\.)*"|[{}]|"', re.DOTALL),
    LogFormat.XML: re.compile(rb"</?c>"),
}
_STEPS = {b"{": 1, b"}": -1, b"<c>": 1, b"</c>": -1}
_STARTS = {LogFormat.JSON: b"{", LogFormat.XML: b"<c>"}
_TIME = re.compile(DATE)
_IDS = frozenset(("cluster", "proc", "subproc", "slotid", "dslotid"))
_JOB_AD = 28


class AdScanner:
    """Finds where the ad ends that begins at a position, in data that grows."""

    def __init__(self, form: LogFormat) -> None:
        self.form = form
        self.start = _STARTS[form]
        self._tokens = _TOKENS[form]
        self._depth = 0
        self._seen = 0
        """Bytes of the ad that have been looked at."""

    def reset(self) -> None:
        """Forget what was seen: the next call is about another ad."""
        self._depth = self._seen = 0

    def end(self, data: bytes, begin: int) -> tuple[int, bool]:
        """Return where the ad that begins at ``begin`` ends, and whether it is whole.

        -1: the end is not there yet. An ad that begins in a line of its own cuts one that has not ended.
        """
        position = begin + self._seen
        cut = data.find(b"\n" + self.start, max(begin, position - 4))
        stop = len(data) if cut < 0 else cut + 1
        while (token := self._tokens.search(data, position, stop)) is not None:
            if token[0] == b'"':
                # a string whose end is not there
                position = token.start()
                break
            position = token.end()
            step = _STEPS.get(token[0], 0)
            self._depth += step
            if step < 0 and self._depth <= 0:
                return position, True
        else:
            position = max(position, stop - 3)
        if cut >= 0:
            return cut + 1, False
        self._seen = position - begin
        return -1, False


def event_of_ad(data: bytes, form: LogFormat, clock: Clock, offset: int) -> JobEvent:
    """Return the event of one ad; raises :class:`BodyError`."""
    text = body_text(data)
    try:
        ads = list(parse_json_ads(text) if form is LogFormat.JSON else parse_xml_ads(text))
        if len(ads) != 1:
            raise BodyError("it is not one ad")
        return _event(ads[0], clock, offset)
    except ClassAdException as error:
        raise BodyError(f"the ad does not parse: {error}") from error


def _event(ad: ClassAd, clock: Clock, offset: int) -> JobEvent:
    number = _number(ad, "EventTypeNumber")
    if number is None or not 0 <= number <= 999:
        raise BodyError("an event has an EventTypeNumber of 0 to 999")
    when = ad.get("EventTime")
    time = when.encode("utf-8", "surrogateescape") if isinstance(when, str) else b""
    if _TIME.fullmatch(time) is None:
        raise BodyError("an event has an EventTime")
    names = ("SlotId", "DSlotId", "Subproc") if number >= FIRST_EP else ("Cluster", "Proc", "Subproc")
    missing = 0 if number >= FIRST_EP else -1
    cluster, proc, subproc = (missing if (found := _number(ad, name)) is None else found for name in names)
    defaults = kind_of(number).defaults
    # The numbers of the job are those of the event, which leaves out what is negative; a job ad is shown whole.
    dropped: frozenset[str] = frozenset() if number == _JOB_AD else _IDS
    values: Attributes = {name: value_in(ad, name) for name in ad if name.lower() not in dropped}
    for name, default in defaults.items():
        if name in values:
            values[name] = _like(values[name], default)
    return event_from_values(number, (cluster, proc, subproc), time, values, clock, offset)


def _number(ad: ClassAd, name: str) -> int | None:
    value = ad.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _like(value: object, default: object) -> object:
    """Return a number as the kind of number that the attribute has."""
    if isinstance(default, bool) and isinstance(value, int):
        return bool(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
