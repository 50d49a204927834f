"""Functions over strings and version numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._nodes import AdNode, ListNode, Literal, Node
from htcondor_async.classad._values import Error, ListValue, RuntimeValue, Undefined, Value, fold, to_bytes, to_text

from . import stepping_builtin, strict_builtin
from ._coerce import int32, to_string

if TYPE_CHECKING:
    from collections.abc import Generator

    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._registry import Steps

__all__ = ["natural_compare"]

Values = tuple[RuntimeValue, ...]


def _one_level_down(ctx: EvalContext, node: Node, items: ListValue | None) -> Steps:
    """Evaluate ``node``, an item of ``items`` if that is given, one level deeper."""
    if ctx.depth <= 0:
        ctx.fail()
    saved = ctx.ad
    elsewhere = items is not None and isinstance(node, (Literal, ListNode, AdNode))
    if items is not None and elsewhere:
        ctx.ad = items.scope
    ctx.depth -= 1
    try:
        return (yield node)
    finally:
        ctx.depth += 1
        if elsewhere:
            ctx.ad = saved


@stepping_builtin("strcat")
def strcat(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``strcat(x, ...)``: all arguments as text, one after the other."""
    pieces: list[str] = []
    for node in args:
        text = to_string((yield from _one_level_down(ctx, node, None)))
        if not isinstance(text, str):
            return text
        pieces.append(text)
    return "".join(pieces)


@stepping_builtin("join")
def join(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``join(separator, x, ...)``, ``join(separator, list)``, ``join(list)``: undefined items are left out."""
    return (yield from _join(ctx, args))


def _join(ctx: EvalContext, args: tuple[Node, ...]) -> Generator[Node, RuntimeValue, RuntimeValue]:
    items: ListValue | None = None
    nodes: tuple[Node, ...] = args
    if 1 <= len(args) <= 2:
        try:
            last = yield from _one_level_down(ctx, args[-1], None)
        except EvaluationFailed:
            # It is evaluated again below, unless an argument before it settles the matter.
            last = Error
        if isinstance(last, ListValue):
            items = last
            nodes = (args[0] if len(args) == 2 else Literal(""), *last.items)
    separator, result = "", ""
    any_defined = any_undefined = False
    for index, node in enumerate(nodes):
        text = to_string((yield from _one_level_down(ctx, node, items if index else None)))
        if text is Undefined:
            any_undefined = True
        elif not isinstance(text, str):
            return Error
        elif index == 0:
            separator = text
        else:
            any_defined = True
            # A separator stands only behind what is not empty.
            result += separator + text if result else text
    return Undefined if any_undefined and not any_defined else result


def _change_case(value: RuntimeValue, upper: bool) -> RuntimeValue:
    text = to_string(value)
    if not isinstance(text, str):
        return text
    data = to_bytes(text)
    return to_text(data.upper() if upper else data.lower())


@strict_builtin("toUpper", 1, 1)
def to_upper(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``toUpper(x)``: ASCII letters in upper case."""
    return _change_case(values[0], True)


@strict_builtin("toLower", 1, 1)
def to_lower(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``toLower(x)``: ASCII letters in lower case."""
    return _change_case(values[0], False)


@strict_builtin("substr", 2, 3)
def substr(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``substr(text, offset, length)``: bytes; a negative offset or length counts from the end."""
    if Undefined in [value for value in values if isinstance(value, Value)]:
        return Undefined
    text, offset = values[0], values[1]
    length = values[2] if len(values) > 2 else 0
    if not isinstance(text, str) or type(offset) is not int or type(length) is not int:
        return Error
    data = to_bytes(text)
    total = len(data)
    start = int32(offset)
    start = max(0, total + start) if start < 0 else min(start, total)
    count = int32(length)
    if count <= 0:
        count = 0 if count == 0 and len(values) > 2 else max(0, total - start + count)
    return to_text(data[start : start + min(count, total - start)])


def _two_strings(values: Values) -> tuple[str, str] | Value:
    if type(values[0]) is str and type(values[1]) is str:
        return values[0], values[1]
    if values[0] is Undefined or values[1] is Undefined:
        return Undefined
    left, right = to_string(values[0]), to_string(values[1])
    return (left, right) if isinstance(left, str) and isinstance(right, str) else Error


def _order(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)


@strict_builtin("strcmp", 2, 2)
def strcmp(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``strcmp(a, b)``: -1, 0 or 1."""
    pair = _two_strings(values)
    return pair if isinstance(pair, Value) else _order(to_bytes(pair[0]), to_bytes(pair[1]))


@strict_builtin("stricmp", 2, 2)
def stricmp(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stricmp(a, b)``: as ``strcmp`` without regard to case."""
    pair = _two_strings(values)
    return pair if isinstance(pair, Value) else _order(to_bytes(fold(pair[0])), to_bytes(fold(pair[1])))


# Versions


def _digit(byte: int) -> bool:
    return 0x30 <= byte <= 0x39


def _leading_zeros(data: bytes, at: int) -> int:
    """Return how many zeros in front of a number at ``at`` do not count (the last digit always does)."""
    end = at
    while data[end] == 0x30:
        end += 1
    if end > at and not _digit(data[end]):
        end -= 1
    return end - at


def _digits(data: bytes, at: int) -> int:
    end = at
    while _digit(data[end]):
        end += 1
    return end - at


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def natural_compare(first: str, second: str) -> int:
    """Compare two texts with numbers in them by the numbers, as strverscmp(3) does.

    The sign says which is less; the amount is what HTCondor's ``versioncmp`` gives.
    """
    if len(first) <= _VERSION_SIZE and len(second) <= _VERSION_SIZE:
        return _compare_versions(first, second)
    return _compare(first, second)


def _compare(first: str, second: str) -> int:
    left, right = to_bytes(first) + b"\0", to_bytes(second) + b"\0"
    at = 0
    while left[at] and left[at] == right[at]:
        at += 1
    if left[at] == right[at]:
        return 0
    difference = _signed(left[at]) - _signed(right[at])
    begin = at
    while begin > 0 and _digit(left[begin - 1]):
        begin -= 1
    if begin == at and not (_digit(left[at]) and _digit(right[at])):
        return difference
    zeros = _leading_zeros(left, begin), _leading_zeros(right, begin)
    if zeros[0] != zeros[1]:
        return zeros[1] - zeros[0]
    if zeros[0]:
        return difference
    lengths = _digits(left, begin), _digits(right, begin)
    return difference if lengths[0] == lengths[1] else lengths[0] - lengths[1]


_VERSION_SIZE = 64
_compare_versions = lru_cache(256)(_compare)

_VERSION_TESTS = {
    "versionLE": lambda order: order <= 0,
    "versionLT": lambda order: order < 0,
    "versionGE": lambda order: order >= 0,
    "versionGT": lambda order: order > 0,
    "versionEQ": lambda order: order == 0,
}


@strict_builtin("versioncmp", 2, 2)
def versioncmp(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``versioncmp(a, b)``: negative, zero or positive."""
    pair = _two_strings(values)
    return pair if isinstance(pair, Value) else natural_compare(*pair)


def _version_test(ctx: EvalContext, values: Values, name: str) -> RuntimeValue:
    """``versionLE(a, b)`` and so on; as in HTCondor 24, any other spelling of the name is an error."""
    pair = _two_strings(values)
    if isinstance(pair, Value):
        return pair
    test = _VERSION_TESTS.get(name)
    return Error if test is None else test(natural_compare(*pair))


for _name in _VERSION_TESTS:
    strict_builtin(_name, 2, 2, spelled=True)(_version_test)


@strict_builtin("version_in_range", 3, 3)
def version_in_range(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``version_in_range(version, low, high)``: both ends included."""
    if values[1] is Undefined or values[2] is Undefined:
        return Undefined
    version, low, high = (to_string(value) for value in values)
    if not (isinstance(version, str) and isinstance(low, str) and isinstance(high, str)):
        return Error
    return natural_compare(low, version) <= 0 and natural_compare(version, high) <= 0
