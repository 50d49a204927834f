"""Times of events: what a header says, seconds since 1970, and the local time that attributes give.

Local time comes from a :class:`Clock`. A date without a year is taken to be the latest one that is not in the future.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, timezone
from typing import Protocol

import attrs

__all__ = ["DATE", "Clock", "EventTime", "FormatOptions", "format_time", "local_text", "parse_time"]

DATE = (
    rb"(?:[0-9]{4}-(?:0[1-9]|1[0-2])-(?:[0-2][0-9]|3[0-2])[ T]|(?:0[1-9]|1[0-2])/(?:[0-2][0-9]|3[0-2]) )"
    rb"(?:[01][0-9]|2[0-4]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,40})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""Matches the time in a header, in every form."""

_PARTS = re.compile(
    rb"(?:([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]|([0-9]{2})/([0-9]{2}) )([0-9]{2}):([0-9]{2}):([0-9]{2})"
    rb"(?:\.([0-9]{1,40}))?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TOLERANCE = 86400
"""Seconds that the clock of whoever wrote a date without a year may be ahead."""
_SPAN = 8
"""Years to go back for a day that not every year has."""


class Clock(Protocol):
    """What is asked of the world: part of :class:`~htcondor_async._environment.Environment`."""

    def now(self) -> float:
        """Return the wall clock in seconds since 1970."""
        ...

    def utc_offset(self, when: datetime) -> timedelta:
        """Return the local offset from UTC at the aware time ``when``."""
        ...


@attrs.frozen
class EventTime:
    """Seconds since 1970 and millionths of a second."""

    seconds: int
    micros: int = 0


@attrs.frozen
class FormatOptions:
    """How headers are written (``DEFAULT_USERLOG_FORMAT_OPTIONS``): ISO dates or the old ones, UTC, milliseconds."""

    iso_date: bool = True
    utc: bool = False
    sub_second: bool = False

    @classmethod
    def parse(cls, text: str, start: FormatOptions | None = None) -> FormatOptions:
        """Return the options that a list of words sets; a word that begins with ``!`` turns one off."""
        options = start if start is not None else cls()
        for word in re.split(r"[\s,]+", text.upper()):
            on, name = not word.startswith("!"), word.lstrip("!")
            if name == "LEGACY":
                options = attrs.evolve(options, iso_date=True) if not on else cls(iso_date=False)
            elif name in ("ISO_DATE", "UTC", "SUB_SECOND"):
                options = attrs.evolve(options, **{name.lower(): on})
        return options


def _days(year: int, month: int, day: int) -> int:
    """Return days since 1970; a day beyond the end of the month counts on."""
    return datetime(year, month, 1).toordinal() - _EPOCH.toordinal() + day - 1


def _offset(clock: Clock, seconds: int) -> int:
    try:
        return int(clock.utc_offset(_EPOCH + timedelta(seconds=seconds)).total_seconds())
    except (OverflowError, ValueError):
        # no local time is known so far from now
        return 0


def _from_local(clock: Clock, seconds: int) -> int:
    """Return the time at which local clocks show ``seconds`` (counted as if they were UTC)."""
    guess = seconds - _offset(clock, seconds)
    found = seconds - _offset(clock, guess)
    # In the hour that is skipped in spring the two do not meet. As mktime() has it, the time goes on from before.
    return found if _offset(clock, found) == seconds - found else max(found, guess)


def parse_time(text: bytes, clock: Clock) -> EventTime | None:
    """Return the time that ``text`` says, in any form of a header, or None if it is none."""
    found = _PARTS.fullmatch(text)
    if found is None:
        return None
    year, month, day, old_month, old_day, hour, minute, second, fraction, zone = found.groups()
    in_day = int(hour) * 3600 + int(minute) * 60 + int(second)
    micros = int(fraction[:6].ljust(6, b"0")) if fraction else 0
    if year is None:
        return EventTime(_without_year(clock, int(old_month), int(old_day), in_day, zone), micros)
    if not (1 <= int(month) <= 12 and int(year)):
        return None
    return EventTime(_in_zone(clock, _days(int(year), int(month), int(day)) * 86400 + in_day, zone), micros)


def _in_zone(clock: Clock, seconds: int, zone: bytes | None) -> int:
    if zone is None:
        return _from_local(clock, seconds)
    if zone == b"Z":
        return seconds
    ahead = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return seconds + ahead if zone[:1] == b"-" else seconds - ahead


def _without_year(clock: Clock, month: int, day: int, in_day: int, zone: bytes | None) -> int:
    now = clock.now()
    this = (_EPOCH + timedelta(seconds=now)).year + 1
    for year in range(this, this - _SPAN - 2, -1):
        if day > calendar.monthrange(year, month)[1]:
            continue
        seconds = _in_zone(clock, _days(year, month, day) * 86400 + in_day, zone)
        if seconds <= now + _TOLERANCE:
            return seconds
    return _in_zone(clock, _days(this - 1, month, day) * 86400 + in_day, zone)


def _fields(seconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def local_text(when: EventTime, clock: Clock) -> str:
    """Return a time as the attribute ``EventTime`` has it: local, with milliseconds unless they are zero."""
    local = _fields(when.seconds + _offset(clock, when.seconds))
    if local is None:
        return ""
    text = f"{local.year:04d}-{local.month:02d}-{local.day:02d}T{local.hour:02d}:{local.minute:02d}:{local.second:02d}"
    return f"{text}.{when.micros // 1000:03d}" if when.micros else text


def format_time(when: EventTime, clock: Clock, options: FormatOptions) -> str:
    """Return a time as it stands in a header."""
    at = _fields(when.seconds if options.utc else when.seconds + _offset(clock, when.seconds))
    at = _EPOCH if at is None else at
    date = f"{at.year:04d}-{at.month:02d}-{at.day:02d}" if options.iso_date else f"{at.month:02d}/{at.day:02d}"
    text = f"{date} {at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    if options.sub_second:
        text += f".{when.micros // 1000:03d}"
    return f"{text}Z" if options.utc else text
