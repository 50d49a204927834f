"""Functions over lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htcondor_async.classad._nodes import Literal
from htcondor_async.classad._operators import BINARY
from htcondor_async.classad._values import AdBase, Error, ListValue, RuntimeValue, Undefined, Value, to_bytes

from . import stepping_builtin, strict_builtin

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node
    from htcondor_async.classad._registry import Steps

Values = tuple[RuntimeValue, ...]
_OPERATORS = {"<", "<=", "!=", "==", ">", ">=", "is", "isnt"}


_NUMBERS = frozenset({bool, int, float})


def _coerced(left: RuntimeValue, right: RuntimeValue) -> tuple[RuntimeValue, RuntimeValue]:
    """Return two numbers as a comparison leaves them: both real if one is, booleans as integers."""
    if type(left) is type(right) and (type(left) is int or type(left) is float):
        return left, right
    if not (isinstance(left, (bool, int, float)) and isinstance(right, (bool, int, float))):
        return left, right
    if isinstance(left, Value) or isinstance(right, Value):
        return left, right
    if isinstance(left, float) or isinstance(right, float):
        return float(left), float(right)
    return int(left), int(right)


def _member(ctx: EvalContext, values: Values, identical: bool) -> RuntimeValue:
    wanted, items = values
    if items is Undefined or (wanted is Undefined and not identical):
        return Undefined
    if not isinstance(items, ListValue) or isinstance(wanted, (ListValue, AdBase)):
        return Error
    if wanted is Error and not identical:
        return Error
    if identical:
        return any(BINARY["is"](ctx.element(items, item), wanted) is True for item in items.items)
    for item in items.items:
        # What is looked for stays coerced from one comparison to the next, as in HTCondor.
        element, wanted = _coerced(ctx.element(items, item), wanted)
        if BINARY["=="](element, wanted) is True:
            return True
    return False


@strict_builtin("member", 2, 2)
def member(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``member(x, list)``: whether an item is ``== x``."""
    return _member(ctx, values, False)


@strict_builtin("identicalMember", 2, 2)
def identical_member(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``identicalMember(x, list)``: whether an item ``is x``."""
    return _member(ctx, values, True)


@strict_builtin("size", 1, 1)
def size(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``size(x)``: the items of a list, the attributes of an ad, the bytes of a string."""
    value = values[0]
    if value is Undefined:
        return Undefined
    if isinstance(value, ListValue):
        return len(value.items)
    if isinstance(value, AdBase):
        return sum(1 for _ in value._pairs())
    return len(to_bytes(value)) if isinstance(value, str) else Error


def _numbers(ctx: EvalContext, value: RuntimeValue) -> list[RuntimeValue] | None:
    """Return the numbers of a list without its undefined items; None if it has any other item or is no list."""
    if not isinstance(value, ListValue):
        return None
    numbers = []
    for item in value.items:
        element = item.result if type(item) is Literal else ctx.element(value, item)
        if type(element) in _NUMBERS:
            numbers.append(element)
        elif element is not Undefined:
            return None
    return numbers


def _sum(numbers: list[RuntimeValue]) -> RuntimeValue:
    if not numbers:
        return 0
    total = numbers[0]
    for number in numbers[1:]:
        total = BINARY["+"](total, number)
    return total


@strict_builtin("sum", 1, 1)
def sum_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``sum(list)``: 0 for an empty one."""
    if values[0] is Undefined:
        return Undefined
    numbers = _numbers(ctx, values[0])
    return Error if numbers is None else _sum(numbers)


@strict_builtin("avg", 1, 1)
def avg(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``avg(list)``: a real; the integer 0 for an empty list."""
    if values[0] is Undefined:
        return Undefined
    numbers = _numbers(ctx, values[0])
    if numbers is None:
        return Error
    return BINARY["/"](_sum(numbers), float(len(numbers))) if numbers else 0


def _bound(ctx: EvalContext, value: RuntimeValue, better: str) -> RuntimeValue:
    if value is Undefined:
        return Undefined
    numbers = _numbers(ctx, value)
    if numbers is None:
        return Error
    if not numbers:
        return Undefined
    best = numbers[0]
    for number in numbers[1:]:
        candidate, best = _coerced(number, best)
        if (candidate > best) if better == ">" else (candidate < best):  # type: ignore[operator]  # numbers of one kind
            best = candidate
    return best


@strict_builtin("min", 1, 1)
def min_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``min(list)``: the first of the smallest items."""
    return _bound(ctx, values[0], "<")


@strict_builtin("max", 1, 1)
def max_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``max(list)``: the first of the largest items."""
    return _bound(ctx, values[0], ">")


def _compare(ctx: EvalContext, args: tuple[Node, ...], every: bool) -> Steps:
    # Nothing behind an argument that settles the matter is evaluated.
    operator = yield args[0]
    if operator is Undefined:
        return Undefined
    if not isinstance(operator, str) or operator not in _OPERATORS:
        return Error
    items = yield args[1]
    if items is Undefined:
        return Undefined
    if not isinstance(items, ListValue):
        return Error
    wanted = yield args[2]
    return _compare_all(ctx, operator, items, wanted, every)


def _compare_all(ctx: EvalContext, operator: str, items: ListValue, wanted: RuntimeValue, every: bool) -> RuntimeValue:
    compare = BINARY[operator]
    for item in items.items:
        element = ctx.element(items, item)
        if operator not in ("is", "isnt"):
            element, wanted = _coerced(element, wanted)
        result = compare(element, wanted)
        if result is Undefined:
            # Even "any" looks no further then.
            return False
        if not isinstance(result, bool):
            return Error
        if result is not every:
            return not every
    return every


@stepping_builtin("anyCompare", 3, 3)
def any_compare(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``anyCompare(operator, list, x)``: whether ``item operator x`` holds for an item."""
    return _compare(ctx, args, False)


@stepping_builtin("allCompare", 3, 3)
def all_compare(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``allCompare(operator, list, x)``: whether ``item operator x`` holds for all items."""
    return _compare(ctx, args, True)
