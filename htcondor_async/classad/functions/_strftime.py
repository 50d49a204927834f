"""strftime(3) of the GNU C library in the C locale, for any field values."""

from __future__ import annotations

from collections.abc import Callable

import attrs

__all__ = ["BrokenDownTime", "day_numbers", "strftime"]

MAX_OUTPUT = 1022
"""Longest result in bytes; a longer one gives no text at all."""

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@attrs.frozen(slots=True)
class BrokenDownTime:
    """A ``struct tm`` in everyday terms: month 1 to 12, full year; ``weekday`` 0 is Sunday, ``yearday`` from 0."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    weekday: int
    yearday: int
    zone: str = ""
    gmt_offset: int = 0
    epoch: int = 0


def _leap(year: int) -> bool:
    return year % 4 == 0 and year % 400 not in (100, 200, 300)


def _cut(left: int, right: int) -> int:
    """Return a quotient cut towards zero."""
    result = abs(left) // right
    return -result if left < 0 else result


def _fixed(year: int, month: int, day: int) -> int:
    adjustment = 0 if month <= 2 else -1 if _leap(year) else -2
    before = year - 1
    leaps = _cut(before, 4) - _cut(before, 100) + _cut(before, 400)
    return 365 * before + leaps + _cut(367 * month - 362, 12) + adjustment + day


def day_numbers(year: int, month: int, day: int) -> tuple[int, int]:
    """Return (weekday, day of the year) of a date, whatever its fields are; negative for years long ago."""
    fixed = _fixed(year, month, day)
    weekday = abs(fixed) % 7
    return -weekday if fixed < 0 else weekday, fixed - _fixed(year, 1, 1)


def _name(table: tuple[str, ...], index: int, short: bool) -> str:
    if not 0 <= index < len(table):
        return "?"
    return table[index][:3] if short else table[index]


def _iso_week(when: BrokenDownTime) -> tuple[int, int]:
    """Return ISO year and week of the year."""

    def week_days(yearday: int, weekday: int) -> int:
        big = 3 * 7
        return yearday - (yearday - weekday + 4 + big) % 7 + 4 - 1

    year = when.year
    days = week_days(when.yearday, when.weekday)
    if days < 0:
        year -= 1
        days = week_days(when.yearday + 365 + _leap(year), when.weekday)
    else:
        after = week_days(when.yearday - (365 + _leap(year)), when.weekday)
        if after >= 0:
            year += 1
            days = after
    return year, days // 7 + 1


def _zone_offset(when: BrokenDownTime, pad: str, width: int | None) -> str:
    minutes = abs(when.gmt_offset) // 60
    # A width is that of the digits, and what is in front of the sign is padded to it once more.
    before = ("0" if pad == "0" else " ") * min(max((width or 0) - 1, 0), MAX_OUTPUT + 1)
    digits = _number(minutes // 60 * 100 + minutes % 60, 4, pad or "0", width)
    return f"{before}{'-' if when.gmt_offset < 0 else '+'}{digits}"


_Number = Callable[[BrokenDownTime], int]
_NUMBERS: dict[str, tuple[_Number, int, str]] = {
    "C": (lambda t: t.year // 100, 1, "0"),
    "d": (lambda t: t.day, 2, "0"),
    "e": (lambda t: t.day, 2, "_"),
    "G": (lambda t: _iso_week(t)[0], 1, "0"),
    "g": (lambda t: _iso_week(t)[0] % 100, 2, "0"),
    "H": (lambda t: t.hour, 2, "0"),
    "I": (lambda t: _twelve(t.hour), 2, "0"),
    "j": (lambda t: t.yearday + 1, 3, "0"),
    "k": (lambda t: t.hour, 2, "_"),
    "l": (lambda t: _twelve(t.hour), 2, "_"),
    "M": (lambda t: t.minute, 2, "0"),
    "m": (lambda t: t.month, 2, "0"),
    "S": (lambda t: t.second, 2, "0"),
    "s": (lambda t: t.epoch, 1, "_"),
    "U": (lambda t: _cut(t.yearday - t.weekday + 7, 7), 2, "0"),
    "u": (lambda t: (t.weekday - 1 + 7) % 7 + 1, 1, "0"),
    "V": (lambda t: _iso_week(t)[1], 2, "0"),
    "W": (lambda t: _cut(t.yearday - (t.weekday - 1 + 7) % 7 + 7, 7), 2, "0"),
    "w": (lambda t: t.weekday, 1, "0"),
    "Y": (lambda t: t.year, 1, "0"),
    "y": (lambda t: t.year % 100, 2, "0"),
}
_COMPOSED = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
    "x": "%m/%d/%y",
}
_TEXTS: dict[str, Callable[[BrokenDownTime], str]] = {
    "A": lambda t: _name(_DAYS, t.weekday, False),
    "a": lambda t: _name(_DAYS, t.weekday, True),
    "B": lambda t: _name(_MONTHS, t.month - 1, False),
    "b": lambda t: _name(_MONTHS, t.month - 1, True),
    "h": lambda t: _name(_MONTHS, t.month - 1, True),
    "n": lambda t: "\n",
    "P": lambda t: _half(t.hour).lower(),
    "p": lambda t: _half(t.hour),
    "t": lambda t: "\t",
    "Z": lambda t: t.zone,
    "%": lambda t: "%",
}


# What a conversion with the modifier E or O is not: it stands as it is then.  The others are the same as without it.
_REFUSED = {"E": frozenset("ABDFGHIMSUVWabdeghjklmw"), "O": frozenset("ADFXYacx")}


def _twelve(hour: int) -> int:
    if hour > 12:
        return hour - 12
    return 12 if hour == 0 else hour


def _half(hour: int) -> str:
    return "PM" if hour > 11 else "AM"


def _number(value: int, digits: int, pad: str, width: int | None) -> str:
    text = str(abs(value))
    sign = "-" if value < 0 else ""
    if pad == "-":
        return (sign + text).rjust(min(width or 0, MAX_OUTPUT + 1))
    least = min(max(digits, width or 0), MAX_OUTPUT + 1)
    return (sign + text).rjust(least) if pad == "_" else sign + text.rjust(least - len(sign), "0")


def strftime(pattern: str, when: BrokenDownTime) -> str:
    """Return ``when`` formatted by ``pattern``; empty if that would be too long."""
    text = "".join(_pieces(pattern, when))
    return text if len(text.encode("utf-8", "surrogateescape")) <= MAX_OUTPUT else ""


def _pieces(pattern: str, when: BrokenDownTime) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] != "%":
            out.append(pattern[at])
            at += 1
            continue
        start = at
        at += 1
        flags = ""
        while pattern[at : at + 1] and pattern[at] in "_-0^#":
            flags += pattern[at]
            at += 1
        digits = ""
        while pattern[at : at + 1] and pattern[at] in "0123456789":
            digits += pattern[at]
            at += 1
        width = min(int(digits), 0x7FFFFFFF) if digits else None
        modifier = pattern[at : at + 1] if pattern[at : at + 1] and pattern[at] in "EO" else ""
        at += len(modifier)
        letter = pattern[at : at + 1]
        converted = _convert(letter, modifier, flags, width, when)
        if converted is None:
            # An unknown conversion stands as it is; a % at the end is dropped up to its flags.
            out.append(pattern[start : at + 1] if letter else pattern[start:at])
        else:
            out.append(converted)
        at += 1
    return out


def _convert(letter: str, modifier: str, flags: str, width: int | None, when: BrokenDownTime) -> str | None:
    pads = [flag for flag in flags if flag in "_-0"]
    pad = pads[-1] if pads else ""
    if letter in _REFUSED.get(modifier, ()):
        return None
    if letter == "z":
        return _zone_offset(when, pad, width)
    if letter in _NUMBERS:
        value, digits, usual = _NUMBERS[letter]
        return _number(value(when), digits, pad or usual, width)
    if letter in _COMPOSED:
        text = "".join(_pieces(_COMPOSED[letter], when))
    elif letter in _TEXTS:
        text = _TEXTS[letter](when)
    else:
        return None
    if "^" in flags and letter != "P":
        text = text.upper()
    if "#" in flags and letter in _TEXTS and letter != "P":
        text = text.lower() if letter in "pZ" else text.upper()
    if width is not None and width > len(text):
        text = ("0" if pad == "0" else " ") * min(width - len(text), MAX_OUTPUT + 1) + text
    return text
