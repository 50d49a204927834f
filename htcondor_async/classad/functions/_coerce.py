"""Values to text, real and integer, as HTCondor's functions convert their arguments."""

from __future__ import annotations

import math
import re

from htcondor_async.classad._times import format_abs_time, format_rel_time
from htcondor_async.classad._unparse import unparse_value
from htcondor_async.classad._values import AbsTime, Error, RelTime, RuntimeValue, Value, wrap_int

__all__ = ["int32", "quotient", "remainder", "strtod", "to_int", "to_int32", "to_int64", "to_real", "to_string"]

_INT32_MIN = -0x80000000
_INT64_MIN = -0x8000000000000000
_NUMBER = re.compile(
    r"""[ \t\n\v\f\r]*(
        [+-]?(?:
            0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?
          | (?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?
          | [iI][nN][fF](?:[iI][nN][iI][tT][yY])?
          | [nN][aA][nN](?:\([A-Za-z0-9_]*\))?
        ))""",
    re.VERBOSE,
)


def int32(number: int) -> int:
    """Return a 64-bit integer cut to a C int."""
    return ((number + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def to_int32(number: float) -> int:
    """Return a real cut to a C int; what does not fit gives the smallest one, as x86 hardware does."""
    return int(number) if math.isfinite(number) and -2147483649.0 < number < 2147483648.0 else _INT32_MIN


def to_int64(number: float) -> int:
    """Return a real cut to 64 bits; what does not fit gives the smallest integer, as x86 hardware does."""
    fits = math.isfinite(number) and -9223372036854775808.0 <= number < 9223372036854775808.0
    return int(number) if fits else _INT64_MIN


def quotient(left: int, right: int) -> int:
    """Return a quotient cut towards zero."""
    result = abs(left) // abs(right)
    return result if (left < 0) == (right < 0) else -result


def remainder(left: int, right: int) -> int:
    """Return the remainder that goes with :func:`quotient`: it has the sign of ``left``."""
    return left - quotient(left, right) * right


def strtod(text: str) -> tuple[float, int] | None:
    """Return the number that ``text`` begins with and how many characters it takes, as strtod(3); None if none."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    digits = match.group(1)
    lower = digits.lower()
    if "nan" in lower:
        number = math.nan
    elif "x" in lower:
        try:
            number = float.fromhex(digits)
        except OverflowError:
            number = -math.inf if digits.startswith("-") else math.inf
    else:
        number = float(digits)
    return number, match.end()


def to_string(value: RuntimeValue) -> str | Value:
    """Return a value as text: a string as it is, anything else as it is printed; Undefined and Error stay."""
    if isinstance(value, str):
        return value
    if isinstance(value, Value):
        return value
    if isinstance(value, AbsTime):
        return format_abs_time(value)
    if isinstance(value, RelTime):
        return format_rel_time(float(to_int32(value.seconds)))
    return unparse_value(value)


def to_real(value: RuntimeValue) -> float | Value:
    """Return a value as a real; Undefined for Undefined, Error for what is none."""
    if isinstance(value, str):
        number = strtod(value)
        return Error if number is None else number[0]
    if isinstance(value, Value):
        return value
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, AbsTime):
        return float(value.secs)
    if isinstance(value, RelTime):
        return float(to_int32(value.seconds))
    return Error


def to_int(value: RuntimeValue) -> int | Value:
    """Return a value as an integer, reals cut towards zero; Undefined for Undefined, Error for what is none."""
    if isinstance(value, str):
        number = strtod(value)
        return Error if number is None else to_int64(number[0])
    if isinstance(value, Value):
        return value
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        return to_int64(value)
    if isinstance(value, AbsTime):
        return wrap_int(value.secs)
    if isinstance(value, RelTime):
        return to_int32(value.seconds)
    return Error
