"""What the operators of the language do to values.

The functions here take evaluated operands and are total: they return a value for any operands.  Order of evaluation and
short cuts are the compiler's business (:mod:`._compile`).  Sources: HTCondor's ``operators.cpp`` and observation.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from ._values import (
    AbsTime,
    AdBase,
    Error,
    ListValue,
    RelTime,
    RuntimeValue,
    Undefined,
    Value,
    fold,
    to_bytes,
    wrap_int,
)

__all__ = ["BINARY", "UNARY", "as_bool", "logical_and", "logical_or", "meta_equal", "subscript_list", "to_c_int"]

_INT_MIN, _INT_MAX = -0x8000000000000000, 0x7FFFFFFFFFFFFFFF
_INT32 = 0xFFFFFFFF


def as_bool(value: RuntimeValue) -> bool | None:
    """Return the truth of a boolean or a number; None for anything else."""
    kind = type(value)
    if kind is bool or kind is int or kind is float:
        return bool(value)
    return None


def _exceptional(left: RuntimeValue, right: RuntimeValue) -> Value | None:
    """Return what a strict operator gives for operands of which one is Error or Undefined; None if neither is."""
    if left is Error or right is Error:
        return Error
    if left is Undefined or right is Undefined:
        return Undefined
    return None


# Arithmetic


def _divide_ints(left: int, right: int) -> int | Value:
    if right == 0:
        return Error
    if left == _INT_MIN and right == -1:
        return _INT_MAX
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo_ints(left: int, right: int) -> int | Value:
    if right == 0:
        return Error
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _divide_reals(left: float, right: float) -> float:
    if right == 0.0:
        if left == 0.0 or math.isnan(left):
            return math.nan
        return math.inf if (left > 0) == (math.copysign(1.0, right) > 0) else -math.inf
    return left / right


_INT_ARITHMETIC: dict[str, Callable[[int, int], int | Value]] = {
    "+": lambda left, right: wrap_int(left + right),
    "-": lambda left, right: wrap_int(left - right),
    "*": lambda left, right: wrap_int(left * right),
    "/": _divide_ints,
    "%": _modulo_ints,
}
_REAL_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide_reals,
}


def _arithmetic(op: str) -> Callable[[RuntimeValue, RuntimeValue], RuntimeValue]:
    on_ints = _INT_ARITHMETIC[op]
    on_reals = _REAL_ARITHMETIC.get(op)

    def apply(left: Any, right: Any) -> RuntimeValue:
        first, second = type(left), type(right)
        if first is int and second is int:
            return on_ints(left, right)
        if first in _NUMERIC and second in _NUMERIC:
            if first is not float and second is not float:
                return on_ints(int(left), int(right))
            if on_reals is None:
                return Error
            result = on_reals(float(left), float(right))
            return Error if result == math.inf else result
        exceptional = _exceptional(left, right)
        return _time_arithmetic(op, left, right) if exceptional is None else exceptional

    return apply


_NUMERIC = frozenset({bool, int, float})
_TIMES = frozenset({AbsTime, RelTime})


def to_c_int(seconds: float) -> int:
    """Return a real cut to a C int, as the hardware does it."""
    if not math.isfinite(seconds) or not -2147483649.0 < seconds < 2147483648.0:
        return -2147483648
    return int(seconds)


def _time_arithmetic(op: str, left: Any, right: Any) -> RuntimeValue:
    first, second = type(left), type(right)
    if op == "+":
        if first is AbsTime and second is RelTime:
            return AbsTime(wrap_int(left.secs + to_c_int(right.seconds)), left.offset)
        if first is RelTime and second is AbsTime:
            return AbsTime(wrap_int(right.secs + to_c_int(left.seconds)), right.offset)
        if first is RelTime and second is RelTime:
            return RelTime(left.seconds + right.seconds)
    elif op == "-":
        if first is AbsTime and second is AbsTime:
            return RelTime(float(left.secs - right.secs))
        if first is AbsTime and second is RelTime:
            return AbsTime(wrap_int(left.secs - to_c_int(right.seconds)), left.offset)
        if first is RelTime and second is RelTime:
            return RelTime(left.seconds - right.seconds)
    elif op == "*":
        if first is RelTime and (second is int or second is float):
            return RelTime(left.seconds * right)
        if second is RelTime and (first is int or first is float):
            return RelTime(left * right.seconds)
    elif op == "/" and first is RelTime and (second is int or second is float):
        return RelTime(_divide_reals(left.seconds, float(right)))
    return Error


# Comparison

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _comparison(op: str) -> Callable[[RuntimeValue, RuntimeValue], RuntimeValue]:
    test = _COMPARE[op]

    def apply(left: Any, right: Any) -> RuntimeValue:
        first, second = type(left), type(right)
        if first is str and second is str:
            return test(_collate(left), _collate(right))
        if first in _NUMERIC and second in _NUMERIC:
            if first is float or second is float:
                return test(float(left), float(right))
            return test(left, right)
        exceptional = _exceptional(left, right)
        if exceptional is not None:
            return exceptional
        if first is AbsTime and second is AbsTime:
            return test(left.secs, right.secs)
        if first is RelTime and second is RelTime:
            return test(left.seconds, right.seconds)
        return Error

    return apply


def _collate(text: str) -> str | bytes:
    """Return what a string is compared by without regard to case; code points sort as their UTF-8 does."""
    return text.lower() if text.isascii() else _Folded(to_bytes(fold(text)))


class _Folded(bytes):
    """Folded bytes that can be compared with folded ASCII text."""

    def _other(self, other: object) -> bytes:
        return to_bytes(other) if isinstance(other, str) else bytes(other)  # type: ignore[call-overload]

    def __lt__(self, other: Any) -> bool:
        return bytes(self) < self._other(other)

    def __le__(self, other: Any) -> bool:
        return bytes(self) <= self._other(other)

    def __gt__(self, other: Any) -> bool:
        return bytes(self) > self._other(other)

    def __ge__(self, other: Any) -> bool:
        return bytes(self) >= self._other(other)

    def __eq__(self, other: object) -> bool:
        return bytes(self) == self._other(other)

    def __ne__(self, other: object) -> bool:
        return bytes(self) != self._other(other)

    __hash__ = None  # type: ignore[assignment]  # never a key


def _kind(value: RuntimeValue) -> object:
    """Return the type of a value as ``=?=`` distinguishes it."""
    if isinstance(value, Value):
        return value
    if isinstance(value, ListValue):
        return (ListValue, value.computed)
    if isinstance(value, AdBase):
        return AdBase
    return type(value)


def meta_equal(left: RuntimeValue, right: RuntimeValue) -> RuntimeValue:
    """Return ``left =?= right``: a boolean, or Error for two lists or two ads."""
    kind = type(left)
    if kind is type(right) and (kind is str or kind is int or kind is bool or kind is float):
        return left == right
    if isinstance(left, RelTime) and isinstance(right, RelTime):
        return left.seconds == right.seconds
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, (ListValue, AdBase)):
        return Error
    return left == right


def _meta_not_equal(left: RuntimeValue, right: RuntimeValue) -> RuntimeValue:
    equal = meta_equal(left, right)
    return equal if equal is Error else not equal


# Bits


def _shift_left(left: int, right: int) -> int:
    return wrap_int(left << (right & 63))


def _shift_right(left: int, right: int) -> int:
    if left >= 0:
        return left >> (right & 63)
    # HTCondor shifts a negative number step by step, at most 64 of them and none for a negative count.
    return left >> min(64, right) if right > 0 else left


def _shift_right_unsigned(left: int, right: int) -> int:
    if left >= 0:
        return left >> (right & 63)
    return ((left >> 1) & _INT_MAX) >> ((right - 1) & 63)


def _bitwise(apply_ints: Callable[[int, int], int]) -> Callable[[RuntimeValue, RuntimeValue], RuntimeValue]:
    def apply(left: Any, right: Any) -> RuntimeValue:
        if type(left) is int and type(right) is int:
            return apply_ints(left, right)
        exceptional = _exceptional(left, right)
        return Error if exceptional is None else exceptional

    return apply


# Logic


def logical_and(left: RuntimeValue, right: RuntimeValue) -> RuntimeValue:
    """Return ``left && right`` where the left side alone did not decide."""
    return _logical(left, right, False)


def logical_or(left: RuntimeValue, right: RuntimeValue) -> RuntimeValue:
    """Return ``left || right`` where the left side alone did not decide."""
    return _logical(left, right, True)


def _logical(left: RuntimeValue, right: RuntimeValue, deciding: bool) -> RuntimeValue:
    first, second = as_bool(left), as_bool(right)
    if first is None and not isinstance(left, Value):
        return Error
    if second is None and not isinstance(right, Value):
        return Error
    if first is deciding:
        return deciding
    if left is Error:
        return Error
    if first is not None or second is None:
        return right if second is None else second
    return deciding if second is deciding else Undefined


def _not(value: RuntimeValue) -> RuntimeValue:
    if isinstance(value, Value):
        return value
    truth = as_bool(value)
    return Error if truth is None else not truth


# Unary and the rest


def _plus(value: RuntimeValue) -> RuntimeValue:
    kind = type(value)
    return value if kind is int or kind is float or kind is RelTime or kind is Value else Error


def _minus(value: Any) -> RuntimeValue:
    kind = type(value)
    if kind is int:
        return wrap_int(-value)
    if kind is float:
        return -float(value)
    if kind is RelTime:
        return RelTime(-value.seconds)
    return value if kind is Value else Error


def _invert(value: Any) -> RuntimeValue:
    if type(value) is int:
        return ~value
    return value if isinstance(value, Value) else Error


def subscript_list(items: ListValue, index: int) -> int | None:
    """Return the position that ``items[index]`` means, or None; HTCondor cuts the index to 32 bits."""
    position = ((index + 0x80000000) & _INT32) - 0x80000000
    return position if 0 <= position < len(items.items) else None


BINARY: dict[str, Callable[[RuntimeValue, RuntimeValue], RuntimeValue]] = {
    **{op: _arithmetic(op) for op in _INT_ARITHMETIC},
    **{op: _comparison(op) for op in _COMPARE},
    "is": meta_equal,
    "isnt": _meta_not_equal,
    "|": _bitwise(operator.or_),
    "&": _bitwise(operator.and_),
    "^": _bitwise(operator.xor),
    "<<": _bitwise(_shift_left),
    ">>": _bitwise(_shift_right),
    ">>>": _bitwise(_shift_right_unsigned),
}
"""The strict binary operators, and ``is`` and ``isnt``, by their new-syntax spelling."""

UNARY: dict[str, Callable[[RuntimeValue], RuntimeValue]] = {"+": _plus, "-": _minus, "!": _not, "~": _invert}
