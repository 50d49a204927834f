"""Values as the declared type of their parameter says.

Source: src/condor_utils/condor_config.cpp, ``param_integer``, ``param_double``, ``param_boolean``.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from htcondor_async._environment import Environment

from ._defaults import Default
from .numbers import to_boolean, to_integer, to_real
from .stream import SourceError

__all__ = ["ParameterValue", "as_boolean", "as_integer", "as_real", "default_value"]

ParameterValue: TypeAlias = "str | int | float | bool"

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1


def as_integer(name: str, text: str, declared: Default | None, environment: Environment | None = None) -> int:
    """Return ``text`` as the integer value of a parameter.

    Raises
    ------
    SourceError
        It is no integer, not one of 32 bits (unless declared ``long``), or out of the declared range.
    """
    number = to_integer(text, environment)
    if number is None:
        raise SourceError(f"{name} must be an integer, and {_shown(text)} is none")
    low, high = float(_INT_MIN), float(_INT_MAX)
    if declared is not None and declared.kind == "int" and declared.name.lower() == name.lower():
        low, high = max(low, declared.low), min(high, declared.high)
    if not low <= number <= high:
        raise SourceError(f"{name} must be an integer from {low:.0f} to {high:.0f}, and is {_shown(text)}")
    return number


def as_real(name: str, text: str, declared: Default | None, environment: Environment | None = None) -> float:
    """Return ``text`` as the real value of a parameter; raises :class:`SourceError` if it is none."""
    number = to_real(text, environment)
    if number is None:
        raise SourceError(f"{name} must be a number, and {_shown(text)} is none")
    if math.isinf(number):
        raise SourceError(f"{name} must be a finite number, and is {_shown(text)}")
    return number


def as_boolean(name: str, text: str, declared: Default | None, environment: Environment | None = None) -> bool:
    """Return ``text`` as the truth value of a parameter; raises :class:`SourceError` if it is none."""
    truth = to_boolean(text, environment)
    if truth is None:
        raise SourceError(f"{name} must be true or false, and {_shown(text)} is neither")
    return truth


def default_value(name: str, declared: Default) -> int | float | bool:
    """Return the value of a typed parameter that is set to nothing: its default if that is a literal, else zero.

    Range and default count only for the very name that the table has, not with a prefix.
    """
    raw = (declared.raw or "") if declared.name.lower() == name.lower() else ""
    if declared.kind == "bool":
        return raw.strip().lower() in ("true", "1")
    if declared.kind == "double":
        try:
            number = float(raw)
        except ValueError:
            return 0.0
        return number if math.isfinite(number) else 0.0
    digits = raw.strip()
    return int(digits) if digits.lstrip("-").isdigit() and len(digits) < 20 else 0


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:200] + "...")
