"""Values as numbers and truth values: literals first, then ClassAd expressions.

Source: src/condor_utils/condor_config.cpp, ``string_is_long_param`` and its siblings.
"""

from __future__ import annotations

import re

import attrs

from htcondor_async._environment import Environment

from .stream import BLANKS

__all__ = ["Evaluated", "evaluate", "to_boolean", "to_integer", "to_real"]

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*", re.ASCII)
_REAL = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan"
    r"|0x[0-9a-f]+(?:\.[0-9a-f]*)?(?:p[+-]?[0-9]{1,5})?))"
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


def evaluate(text: str, environment: Environment | None = None) -> Evaluated | None:
    """Evaluate ``text`` as a ClassAd expression in an empty ad; None if it is not an expression or cannot be evaluated.

    Parameters
    ----------
    text
        The expression, its strings in old syntax.
    environment
        The world, for functions such as ``time()``.
    """
    # Most configurations need no expression: the ClassAd language is loaded with the first one.
    from htcondor_async.classad._context import EvalContext, EvaluationFailed
    from htcondor_async.classad._errors import ClassAdParseError
    from htcondor_async.classad._parser import parse_expression
    from htcondor_async.classad._unparse import unparse_value
    from htcondor_async.classad._values import Value

    try:
        value = EvalContext(environment=environment).eval(parse_expression(text, old=True))
    except (ClassAdParseError, EvaluationFailed):
        return None
    if isinstance(value, str):
        return Evaluated(value, string=value)
    # Undefined and Error are integers in Python, but not numbers.
    if isinstance(value, (bool, int, float)) and not isinstance(value, Value):
        return Evaluated(unparse_value(value), number=value)
    return Evaluated(unparse_value(value))


def to_integer(text: str, environment: Environment | None = None) -> int | None:
    """Return the integer that ``text`` is or evaluates to (a real is truncated, true is 1), or None."""
    if match := _INTEGER.fullmatch(text):
        return max(-_LONG_MAX - 1, min(_LONG_MAX, int(match[1]))) if len(match[1]) < 40 else _clamp(match[1])
    value = evaluate(text, environment)
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


def to_real(text: str, environment: Environment | None = None) -> float | None:
    """Return the real number that ``text`` is or evaluates to, or None."""
    if match := _REAL.fullmatch(text):
        return _hexadecimal(match[1]) if "x" in match[1].lower() else float(match[1])
    value = evaluate(text, environment)
    return None if value is None or value.number is None else float(value.number)


def _hexadecimal(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("-inf" if text.startswith("-") else "inf")


def to_boolean(text: str, environment: Environment | None = None) -> bool | None:
    """Return the truth value that ``text`` is (true, false, 1, 0) or evaluates to, or None."""
    if match := _BOOLEAN.fullmatch(text):
        return match[1].lower() in ("true", "1")
    value = evaluate(text.strip(BLANKS), environment)
    return None if value is None or value.number is None else bool(value.number)
