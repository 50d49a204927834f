"""Values as numbers and truth values: literals first, then ClassAd expressions.

Source: src/condor_utils/condor_config.cpp, ``string_is_long_param`` and its siblings.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from .stream import BLANKS

__all__ = ["Evaluated", "evaluate", "to_boolean", "to_integer", "to_real"]

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*", re.ASCII)
_REAL = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan))"
    r"[ \t\n\v\f\r]*",
    re.IGNORECASE | re.ASCII,
)
_BOOLEAN = re.compile(r"(true|1|false|0)[ \t\n\v\f\r]*", re.IGNORECASE)
_LONG_MAX = 2**63 - 1


@attrs.frozen
class Evaluated:
    """What an expression evaluated to: its text, and its value where it is a number, a truth value or a string."""

    text: str
    number: int | float | bool | None = None
    string: str | None = None


def evaluate(text: str) -> Evaluated | None:
    """Evaluate ``text`` as a ClassAd expression in an empty ad; None if it is not an expression."""
    # Most configurations need no expression: the ClassAd language is loaded with the first one.
    from htcondor_async import classad

    try:
        tree = classad.ExprTree(text)
    except classad.ClassAdParseError:
        return None
    value: Any = tree.eval()
    if isinstance(value, str):
        return Evaluated(value, string=value)
    number = value if isinstance(value, (bool, int, float)) else None
    return Evaluated(classad.quote_value(value), number=number)


def to_integer(text: str) -> int | None:
    """Return the integer that ``text`` is or evaluates to (a real is truncated, true is 1), or None."""
    if match := _INTEGER.fullmatch(text):
        return max(-_LONG_MAX - 1, min(_LONG_MAX, int(match[1]))) if len(match[1]) < 40 else _clamp(match[1])
    value = evaluate(text)
    if value is None or value.number is None:
        return None
    if isinstance(value.number, float) and not -(2.0**63) <= value.number < 2.0**63:
        return -_LONG_MAX - 1
    return int(value.number)


def _clamp(digits: str) -> int:
    stripped = digits.lstrip("+-").lstrip("0")
    if len(stripped) < 40:
        number = int(stripped or "0")
        number = -number if digits.startswith("-") else number
        return max(-_LONG_MAX - 1, min(_LONG_MAX, number))
    return -_LONG_MAX - 1 if digits.startswith("-") else _LONG_MAX


def to_real(text: str) -> float | None:
    """Return the real number that ``text`` is or evaluates to, or None."""
    if match := _REAL.fullmatch(text):
        return float(match[1])
    value = evaluate(text)
    return None if value is None or value.number is None else float(value.number)


def to_boolean(text: str) -> bool | None:
    """Return the truth value that ``text`` is (true, false, 1, 0) or evaluates to, or None."""
    if match := _BOOLEAN.fullmatch(text):
        return match[1].lower() in ("true", "1")
    value = evaluate(text.strip(BLANKS))
    return None if value is None or value.number is None else bool(value.number)
