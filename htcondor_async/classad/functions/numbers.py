"""Functions over numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from htcondor_async.classad._values import Error, ListValue, RuntimeValue, Value, wrap_int

from . import strict_builtin
from ._coerce import int32, quotient, remainder, to_int, to_int64, to_real

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext

Values = tuple[RuntimeValue, ...]
_EPSILON = 1e-8
_RANDOM_MAX = 0x7FFFFFFF


def _rounded(value: RuntimeValue, rounding: Callable[[float], float]) -> RuntimeValue:
    if type(value) is int:
        return value
    number = to_real(value)
    if not isinstance(number, float):
        return Error
    return to_int64(float(rounding(number)) if math.isfinite(number) else number)


@strict_builtin("floor", 1, 1)
def floor(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``floor(x)``: the largest integer not above ``x``."""
    return _rounded(values[0], math.floor)


def _ceiling(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``ceil(x)``, ``ceiling(x)``: the smallest integer not below ``x``."""
    return _rounded(values[0], math.ceil)


strict_builtin("ceil", 1, 1)(_ceiling)
strict_builtin("ceiling", 1, 1)(_ceiling)


@strict_builtin("round", 1, 1)
def round_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``round(x)``: the nearest integer, halves to the even one."""
    return _rounded(values[0], round)


def _power(base: float, exponent: float) -> float:
    """Return ``base ** exponent`` with the special values of C's pow(3)."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent == math.floor(exponent) and math.fmod(exponent, 2.0) != 0.0
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        if base != 0.0:
            return math.nan
        odd = exponent == math.floor(exponent) and math.fmod(exponent, 2.0) != 0.0
        return math.copysign(math.inf, base) if odd else math.inf


@strict_builtin("pow", 2, 2)
def pow_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``pow(base, exponent)``: an integer for integers and an exponent of at least 0."""
    base, exponent = values
    if type(base) is int and type(exponent) is int and exponent >= 0:
        return to_int64(_power(float(base), float(exponent)) + 0.5)
    left, right = to_real(base), to_real(exponent)
    if not isinstance(left, float) or not isinstance(right, float):
        return Error
    return _power(left, right)


def _multiple(number: float, base: float) -> float:
    """Return the next multiple of ``base`` not below ``number`` (for a positive base)."""
    ratio = number / base
    if not math.isfinite(ratio):
        return ratio * base
    return math.copysign(float(math.ceil(ratio)), ratio) * base


@strict_builtin("quantize", 2, 2)
def quantize(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``quantize(x, base)``: the next multiple of ``base``; of a list, its first item not below ``x``, or a multiple of
    its last."""
    value, base = values
    number = to_real(value)
    if not isinstance(number, float):
        return Error
    if isinstance(base, ListValue):
        last: RuntimeValue = 0.0
        for item in base.items:
            last = ctx.element(base, item)
            candidate = to_real(last)
            if isinstance(candidate, Value):
                return Error
            if candidate >= number:
                return last
        base = last
    real_base = to_real(base)
    if isinstance(real_base, Value):
        return Error
    if type(base) is int:
        if base == 0:
            return value
        if type(value) is int:
            return wrap_int(quotient(wrap_int(value + base - 1), base) * base)
        return _multiple(number, float(base))
    if -_EPSILON <= real_base <= _EPSILON:
        return value
    return _multiple(number, real_base)


@strict_builtin("random", 0, 1)
def random_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``random(n)``: an integer below ``n``, or a real up to it; ``random()`` a real up to 1."""
    limit = values[0] if values else 1.0
    if type(limit) is int:
        most = int32(limit)
        return ctx.environment.random.randrange(most) if most > 0 else ctx.fail()
    if isinstance(limit, float):
        if limit <= 0:
            return ctx.fail()
        return limit * (ctx.environment.random.randint(0, _RANDOM_MAX) / _RANDOM_MAX)
    return Error


@strict_builtin("interval", 1, 1)
def interval(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``interval(seconds)``: as ``days+hh:mm:ss``, without leading zero fields."""
    whole = to_int(values[0])
    if isinstance(whole, Value):
        return Error
    seconds = int32(whole)
    days, rest = quotient(seconds, 86400), remainder(seconds, 86400)
    hours, rest = quotient(rest, 3600), remainder(rest, 3600)
    minutes, seconds = quotient(rest, 60), remainder(rest, 60)
    if days:
        return f"{days}+{abs(hours):02d}:{abs(minutes):02d}:{abs(seconds):02d}"
    if hours:
        return f"{hours}:{abs(minutes):02d}:{abs(seconds):02d}"
    return f"{minutes}:{abs(seconds):02d}" if minutes else str(seconds)
