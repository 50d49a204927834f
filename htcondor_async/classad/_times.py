"""Absolute and relative times as text.

An absolute time is written ``2003-01-25T09:00:00-06:00``, a relative one ``1+02:03:04.5`` (days, hours, minutes,
seconds).  The readers are as liberal as HTCondor's: any non-digits may stand between the fields of an absolute time.
"""

from __future__ import annotations

import calendar
import math
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ._registry import default_environment
from ._values import AbsTime, RelTime

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

__all__ = ["civil", "format_abs_time", "format_rel_time", "local_offset", "parse_abs_time", "parse_rel_time"]

_SPACE = " \t\n\v\f\r"
_DIGITS = "0123456789"
_ZONE = re.compile(r"[+-][0-9]{4}\Z")
_ZONE_COLON = re.compile(r"[+-]..:..\Z", re.DOTALL)
_REL_DIGITS = re.compile(r"[0-9]*\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INT_MAX = 0x7FFFFFFF


def _instant(secs: int) -> datetime:
    """Return ``secs`` since 1970 as an aware datetime, or the nearest instant Python can represent."""
    return _EPOCH + timedelta(seconds=min(max(secs, -62135510400), 253402214400))


def local_offset(secs: int, environment: Environment, *, standard: bool = False) -> int:
    """Return how many seconds local time is east of UTC at ``secs``; with ``standard`` without daylight saving."""
    when = _instant(secs)
    offset = int(environment.utc_offset(when).total_seconds())
    if standard and when.astimezone(environment.local_zone()).dst():
        offset -= 3600
    return offset


def civil(secs: int) -> tuple[int, int, int, int, int, int, int]:
    """Return (year, month, day, hour, minute, second, days since 1970) of ``secs`` since 1970, in UTC."""
    days, rest = divmod(secs, 86400)
    era, doe = divmod(days + 719468, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    return year, month, doy - (153 * mp + 2) // 5 + 1, rest // 3600, rest // 60 % 60, rest % 60, days


def _days_from_civil(year: int, month: int) -> int:
    """Return the days from 1970-01-01 to the first of a month (1 to 12)."""
    if month <= 2:
        year -= 1
    era, yoe = divmod(year, 400)
    doy = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468


def parse_abs_time(text: str, environment: Environment | None = None) -> AbsTime | None:
    """Return the absolute time that ``text`` says, or None if it says none.

    Without a zone in the text it is local time, which needs an environment (by default the one set for the process).
    """
    offset: int | None = None
    stripped = text.rstrip(_SPACE)
    if len(stripped) > 1 and stripped[-1] in "zZ":
        offset = 0
        text = stripped[:-1] + text[len(stripped) :]
    elif len(text) > 5 and text[-5] in "+-":
        text, offset = _take_zone(text)
    elif len(text) > 6 and _ZONE_COLON.search(text):
        text, offset = _take_zone(text[:-3] + text[-2:])
    fields = _date_fields(text)
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    naive = (_days_from_civil(year, month) + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    if offset is not None and abs(naive) > 86400:
        return AbsTime(naive - offset, offset)
    # mktime(3) says -1 for an error, so the second before 1970 in local standard time is none.
    world = environment or default_environment()
    shifted = naive - local_offset(naive, world, standard=True)
    if shifted == -1:
        return None
    if offset is None:
        offset = local_offset(shifted, world)
    return None if offset == -1 else AbsTime(naive - offset, offset)


def _take_zone(text: str) -> tuple[str, int | None]:
    """Return the text without the ``+hhmm`` at its end, and that as seconds."""
    match = _ZONE.search(text)
    if match is None:
        return text, None
    zone = match.group()
    seconds = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return text[:-5], -seconds if zone[0] == "-" else seconds


def _date_fields(text: str) -> list[int] | None:
    """Return year, month, day, hour, minute, second; the year is required, digits beyond the second are an error."""
    length = len(text)
    position = _next_digit(text, 0)
    if position > length - 4:
        return None
    fields = [_leading_int(text[position : position + 4])]
    position = _next_digit(text, position + 4)
    # As in HTCondor's reader, a field that is missing leaves a zero: month "0" is the December before.
    for default in (1, 0, 0, 0, 0):
        value = default
        if position <= length - 2:
            value = _leading_int(text[position : position + 2])
            position += 2
        fields.append(value)
        position = _next_digit(text, position)
    return None if position < length else fields


def _next_digit(text: str, position: int) -> int:
    length = len(text)
    while position < length and text[position] not in _DIGITS:
        position += 1
    return position


def _leading_int(text: str) -> int:
    """Return the number ``text`` begins with, as atoi(3) does; 0 if it begins with none."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    return int(match.group(1)) if match else 0


def parse_rel_time(text: str) -> RelTime | None:
    """Return the span of time that ``text`` says, or None if it says none.

    The text is read from its end, ``[-] [days d|+] [hours h|:] [minutes m|:] [seconds s]``, each part optional, so
    that ``1:30`` is one minute and thirty seconds.
    """
    rest = text.rstrip(_SPACE)
    span = 0.0
    if rest and (rest[-1] in "sS" or rest[-1] in _DIGITS):
        if rest[-1] in "sS":
            rest = rest[:-1].rstrip(_SPACE)
        number = _backwards_seconds(rest)
        span = float(number) if number not in ("", ".") else 0.0
        rest = rest[: len(rest) - len(number)].rstrip(_SPACE)
    for marks, unit in (("mM:", 60), ("hH:", 3600), ("dD+", 86400)):
        if rest and rest[-1] in marks:
            rest = rest[:-1].rstrip(_SPACE)
            match = _REL_DIGITS.search(rest)
            digits = match.group() if match else ""
            span += _field(digits) * unit
            rest = rest[: len(rest) - len(digits)].rstrip(_SPACE)
    negative = rest[-1:] == "-"
    if negative:
        rest = rest[:-1].rstrip(_SPACE)
    if rest:
        return None
    return RelTime(-span if negative else span)


def _backwards_seconds(text: str) -> str:
    """Return the longest number, with at most one point, that ``text`` ends with."""
    end = len(text)
    start = end
    while start > 0 and text[start - 1] in _DIGITS:
        start -= 1
    if start > 0 and text[start - 1] == ".":
        start -= 1
        while start > 0 and text[start - 1] in _DIGITS:
            start -= 1
    return text[start:end]


def _field(digits: str) -> int:
    """Return a field of a relative time; one that does not fit an int counts as 0, as in HTCondor."""
    number = int(digits) if digits else 0
    return number if number <= _INT_MAX else 0


def format_abs_time(value: AbsTime) -> str:
    """Return an absolute time as text, as ``2020-01-02T03:04:05-00:00`` (a zero offset is written with a minus)."""
    year, month, day, hour, minute, second, _ = civil(value.secs + value.offset)
    sign, offset = ("+", value.offset) if value.offset > 0 else ("-", -value.offset)
    zone = f"{sign}{offset // 3600:02d}:{offset // 60 % 60:02d}"
    return f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{zone}"


def format_rel_time(seconds: float) -> str:
    """Return a span of time as text: ``d+hh:mm:ss``, shorter when the larger fields are zero."""
    sign = ""
    if seconds < 0:
        sign, seconds = "-", -seconds
    if not math.isfinite(seconds) or seconds >= 2147483648.0:
        # HTCondor converts to a 32-bit int here; what the hardware gives for a number that does not fit.
        whole, fraction = -2147483648, seconds - math.floor(seconds) if math.isfinite(seconds) else math.nan
    else:
        whole, fraction = int(seconds), seconds - math.floor(seconds)
    days, rest = _div(whole, 86400)
    hours, rest2 = _div(rest, 3600)
    minutes, secs = _div(rest2, 60)
    last = f"{secs:02d}" if fraction == 0 else _pad_g(secs + fraction)
    if days:
        return f"{sign}{days}+{hours:02d}:{minutes:02d}:{last}"
    if hours:
        return f"{sign}{hours:02d}:{minutes:02d}:{last}"
    if minutes:
        return f"{sign}{minutes:02d}:{last}"
    return sign + last


def _div(number: int, by: int) -> tuple[int, int]:
    """Return quotient and remainder as C has them, towards zero."""
    quotient = abs(number) // by
    if number < 0:
        quotient = -quotient
    return quotient, number - quotient * by


def _pad_g(number: float) -> str:
    text = f"{number:g}"
    return text.rjust(2, "0")


def to_datetime(value: AbsTime) -> datetime:
    """Return an absolute time as an aware datetime; raises ValueError outside the years 1 to 9999."""
    try:
        zone = timezone(timedelta(seconds=value.offset))
        return (_EPOCH + timedelta(seconds=value.secs)).astimezone(zone)
    except OverflowError as error:
        raise ValueError(f"the time {value.secs} is outside the years a datetime can hold") from error


def from_datetime(when: datetime, environment: Environment | None = None) -> AbsTime:
    """Return a datetime as an absolute time; a naive one is local time."""
    offset = when.utcoffset()
    if offset is None:
        naive = calendar.timegm(when.timetuple())
        world = environment or default_environment()
        return AbsTime(naive - local_offset(naive, world), local_offset(naive, world))
    return AbsTime(calendar.timegm(when.utctimetuple()), int(offset.total_seconds()))
