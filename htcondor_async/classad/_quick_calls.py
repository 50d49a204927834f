"""Calls that most job ads have, without the detour of a call: ``ifThenElse``, and ``max`` and ``min`` of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _registry
from ._context import EvalContext
from ._nodes import FunctionCall, ListNode, Literal
from ._operators import as_bool
from ._values import Error, ListValue, RuntimeValue, Undefined
from .functions import REGISTRY, Builtin

__all__ = ["quick_call"]

Run = Callable[[EvalContext], RuntimeValue]


def quick_call(node: FunctionCall, general: Run) -> Run:
    """Return the quickest closure of a call; ``general`` does it for any function."""
    lower, count = node.name.lower(), len(node.args)
    builtin = REGISTRY.get(lower)
    if lower == "ifthenelse" and count == 3:
        return _if_then_else(node, builtin, general)
    if lower in ("max", "min") and count == 1:
        items = node.args[0]
        if builtin is not None and isinstance(items, ListNode) and items.items:
            return _bound(items, lower, builtin, general)
    return general


def _if_then_else(node: FunctionCall, builtin: Builtin | None, general: Run) -> Run:
    test, yes, no = [arg._run or _registry.compile_node(arg) for arg in node.args]

    def choose(ctx: EvalContext) -> RuntimeValue:
        if REGISTRY.get("ifthenelse") is not builtin:
            return general(ctx)
        value = test(ctx)
        truth = value if type(value) is bool else as_bool(value)
        if truth is None:
            return Undefined if value is Undefined else Error
        return yes(ctx) if truth else no(ctx)

    return choose


def _bound(items: ListNode, lower: str, builtin: Builtin, general: Run) -> Run:
    runs = [item._run or _registry.compile_node(item) for item in items.items]
    largest = lower == "max"

    def bound(ctx: EvalContext) -> RuntimeValue:
        if REGISTRY.get(lower) is not builtin:
            return general(ctx)
        values = [run(ctx) for run in runs]
        best: Any = values[0]
        kind = type(best)
        if kind is not int and kind is not float:
            return _of_values(ctx, values)
        for value in values[1:]:
            other = type(value)
            if other is not kind:
                if other is not int and other is not float:
                    return _of_values(ctx, values)
                # Among reals integers count as real.
                kind, best, value = float, float(best), float(value)  # type: ignore[arg-type]  # numbers
            if (value > best) if largest else (value < best):
                best = value
        return best  # type: ignore[no-any-return]  # a number

    def _of_values(ctx: EvalContext, values: list[RuntimeValue]) -> RuntimeValue:
        """Ask the function itself, without evaluating again."""
        nodes = tuple(map(Literal, values))
        for node, value in zip(nodes, values, strict=True):
            node.result = value  # a relative time in a literal counts as a real, a computed one does not
        found: RuntimeValue = builtin.function(ctx, (ListValue(nodes, ctx.ad),))
        return found

    return bound
