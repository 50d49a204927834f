"""Values of commands as text: booleans, integers, sizes.

Whatever is not a plain literal is tried as a constant ClassAd expression, as in configuration
(:mod:`htcondor_async.config.numbers`). Sizes: src/condor_utils/metric_units.cpp.
"""

from __future__ import annotations

import re

import attrs

from htcondor_async.config.numbers import to_boolean as parse_bool
from htcondor_async.config.numbers import to_integer as parse_int

__all__ = ["INT_MAX", "INT_MIN", "Size", "leading_int", "parse_bool", "parse_int", "parse_size"]

INT_MIN = -(2**31)
INT_MAX = 2**31 - 1
_LONG_MIN = -(2**63)
_LONG_MAX = 2**63 - 1

_LEADING = re.compile(r"\s*[+-]?[0-9]{1,40}", re.ASCII)
_SIZE = re.compile(r"\s*([+-]?[0-9]{1,40})?(\.[0-9]*)?\s*([kKmMgGtT]?)", re.ASCII)
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def _clamp(number: int) -> int:
    return max(_LONG_MIN, min(_LONG_MAX, number))


def leading_int(text: str) -> int:
    """Return the integer ``text`` begins with, 0 without one; its lower 32 bits count (the C function atoi)."""
    match = _LEADING.match(text)
    return ((_clamp(int(match[0])) + 2**31) & 0xFFFFFFFF) - 2**31 if match else 0


@attrs.frozen
class Size:
    """A size in base units, rounded up, and whether a unit was written."""

    amount: int
    has_unit: bool


def parse_size(text: str, base: int) -> Size | None:
    """Return the size that ``text`` stands for, or None if it is not one.

    Parameters
    ----------
    text
        A number, perhaps with one of the units K M G T, and perhaps a B after it.
    base
        Bytes of the unit of the result, which is also the unit of a bare number.
    """
    match = _SIZE.match(text)
    if match is None or (match[1] is None and not match[2]):
        return None
    whole = _clamp(int(match[1])) if match[1] else 0
    digits = (match[2] or ".")[1:4]
    fraction = float("0." + digits) if digits else 0.0
    unit = match[3]
    rest = text[match.end() :]
    if unit and rest[:1] in ("b", "B"):
        rest = rest[1:].lstrip()
    if rest:
        return None
    factor = 1024 ** _UNITS[unit.lower()] if unit else base
    amount = int((whole + fraction) * float(factor) + (base - 1))
    quotient = abs(amount) // base
    return Size(_clamp(quotient if amount >= 0 else -quotient), bool(unit))
