"""Functions that ask for the type of a value or change it, and those that choose what to evaluate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from htcondor_async.classad._operators import as_bool
from htcondor_async.classad._values import AbsTime, AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined, fold

from . import builtin, stepping_builtin, strict_builtin
from ._coerce import to_int, to_int32, to_real, to_string

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node
    from htcondor_async.classad._registry import Steps

Values = tuple[RuntimeValue, ...]

_PREDICATES: dict[str, Callable[[RuntimeValue], bool]] = {
    "isUndefined": lambda value: value is Undefined,
    "isError": lambda value: value is Error,
    "isString": lambda value: type(value) is str,
    "isInteger": lambda value: type(value) is int,
    "isReal": lambda value: type(value) is float,
    "isBoolean": lambda value: type(value) is bool,
    "isList": lambda value: isinstance(value, ListValue),
    "isClassAd": lambda value: isinstance(value, AdBase),
    "isAbsTime": lambda value: isinstance(value, AbsTime),
    "isRelTime": lambda value: isinstance(value, RelTime),
}


def _predicate(name: str, test: Callable[[RuntimeValue], bool]) -> None:
    strict_builtin(name, 1, 1)(lambda ctx, values: test(values[0]))


for _name, _test in _PREDICATES.items():
    _predicate(_name, _test)


@strict_builtin("int", 1, 1)
def int_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``int(x)``: a number or time cut towards zero, the number a string begins with."""
    return to_int(values[0])


@strict_builtin("real", 1, 1)
def real_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``real(x)``: as a real number."""
    return to_real(values[0])


@strict_builtin("string", 1, 1)
def string_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``string(x)``: as text."""
    return to_string(values[0])


@strict_builtin("bool", 1, 1)
def bool_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``bool(x)``: numbers by being non-zero; ``"true"`` and ``"false"``, other strings are Undefined."""
    value = values[0]
    if value is Undefined:
        return Undefined
    truth = as_bool(value)
    if truth is not None:
        return truth
    if isinstance(value, str):
        return {"true": True, "false": False}.get(fold(value), Undefined)
    if isinstance(value, RelTime):
        return to_int32(value.seconds) != 0
    return Error


@stepping_builtin("ifThenElse", 3, 3)
def if_then_else(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``ifThenElse(condition, yes, no)``: numbers count as booleans."""
    value = yield args[0]
    truth = as_bool(value)
    if truth is None:
        return Undefined if value is Undefined else Error
    return (yield args[1 if truth else 2])


@stepping_builtin("eval", 1, 1)
def eval_function(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``eval(text)``: the value of an expression given as text, in the current ad."""
    text = to_string((yield args[0]))
    if not isinstance(text, str):
        return Error
    if ctx.depth <= 0:
        ctx.fail()
    node = ctx.parse(text)
    if node is None:
        return Error
    ctx.depth -= 1
    try:
        return (yield node)
    finally:
        ctx.depth += 1


@stepping_builtin("debug", 1, 1)
def debug_function(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``debug(x)``: the value of ``x``; what is evaluated on the way goes to the environment's log."""
    from htcondor_async.classad._deep import _trace
    from htcondor_async.classad._nodes import AdNode

    started = ctx.environment.now()
    was, ctx.debug = ctx.debug, True
    try:
        value = yield args[0]
        if not isinstance(args[0], AdNode):
            _trace(ctx, args[0], value, ctx.environment.now() - started)
    finally:
        ctx.debug = was
    return value


@builtin("unparse")
def unparse_function(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``unparse(name)``: the expression of an attribute of the current ad as text, or "" if it has none."""
    from htcondor_async.classad._nodes import AttrRef
    from htcondor_async.classad._unparse import pretty

    if len(args) != 1 or not isinstance(args[0], AttrRef):
        return Error
    node = None if ctx.ad is None else ctx.ad._lookup(fold(pretty(args[0])))
    return "" if node is None else pretty(node)
