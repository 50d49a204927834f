"""Evaluation without Python recursion: for trees and chains of attributes of any depth, and for ``debug()``.

Each node is a generator that yields the nodes it wants evaluated and returns its value; one loop runs them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any

from . import _registry
from ._context import EvalContext, EvaluationFailed
from ._nodes import (
    AdNode,
    AttrRef,
    BinaryOp,
    Conditional,
    FunctionCall,
    ListNode,
    Literal,
    Node,
    Paren,
    Subscript,
    UnaryOp,
)
from ._operators import BINARY, UNARY, as_bool, logical_and, logical_or, subscript_list
from ._scope import find_name, project, subscript
from ._unparse import pretty
from ._values import AbsTime, AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined
from .functions import REGISTRY

__all__ = ["run_deep"]

Steps = Generator[Node, RuntimeValue, RuntimeValue]


def run_deep(node: Node, ctx: EvalContext) -> RuntimeValue:
    """Return the value of ``node`` in the current ad; raises :class:`EvaluationFailed`."""
    was_deep, ctx.deep = ctx.deep, True
    try:
        return _loop(node, ctx)
    finally:
        ctx.deep = was_deep


def _loop(root: Node, ctx: EvalContext) -> RuntimeValue:
    stack: list[Steps] = []
    node: Node | None = root
    value: RuntimeValue = Undefined
    failure: EvaluationFailed | None = None
    while True:
        if node is not None:
            kind = type(node)
            if kind is Literal:
                value = node.result  # type: ignore[attr-defined]  # a Literal
            elif kind is ListNode:
                value = ListValue(node.items, ctx.ad)  # type: ignore[attr-defined]  # a ListNode
                if ctx.debug:
                    _trace(ctx, node, value)
            elif kind is AdNode:
                value = _registry.ad_class._from_node(node, ctx.ad)  # type: ignore[arg-type]  # an AdNode
            else:
                steps: Steps = _STEPS[kind](node, ctx)
                stack.append(_traced(node, ctx, steps) if ctx.debug and kind in _SHOWN else steps)
                value = None  # type: ignore[assignment]  # what starts a generator
        if not stack:
            if failure is not None:
                raise failure
            return value
        try:
            if failure is not None:
                error, failure = failure, None
                node = stack[-1].throw(error)
            else:
                node = stack[-1].send(value)
        except StopIteration as done:
            stack.pop()
            value, node = done.value, None
        except EvaluationFailed as error:
            stack.pop()
            failure, node = error, None


def _paren(node: Paren, ctx: EvalContext) -> Steps:
    return (yield node.inner)


def _unary(node: UnaryOp, ctx: EvalContext) -> Steps:
    return UNARY[node.op]((yield node.operand))


def _binary(node: BinaryOp, ctx: EvalContext) -> Steps:
    op = node.op
    left = yield node.left
    if op == "&&":
        return False if as_bool(left) is False else logical_and(left, (yield node.right))
    if op == "||":
        return True if as_bool(left) else logical_or(left, (yield node.right))
    if op in ("?:", "? :"):
        return (yield node.right) if left is Undefined else left
    return BINARY[op](left, (yield node.right))


def _conditional(node: Conditional, ctx: EvalContext) -> Steps:
    value = yield node.test
    truth = as_bool(value)
    if truth is None:
        yield node.yes
        yield node.no
        return Undefined if value is Undefined else Error
    return (yield node.yes if truth else node.no)


def _subscript(node: Subscript, ctx: EvalContext) -> Steps:
    base = yield node.base
    index = yield node.index
    if not (isinstance(base, ListValue) and type(index) is int):
        return subscript(ctx, base, index)
    position = subscript_list(base, index)
    if position is None:
        return Error
    if ctx.depth <= 0:
        raise EvaluationFailed
    saved, ctx.ad = ctx.ad, base.scope
    ctx.depth -= 1
    try:
        return (yield base.items[position])
    except EvaluationFailed:
        return Error
    finally:
        ctx.ad = saved
        ctx.depth += 1


def _reference(node: AttrRef, ctx: EvalContext) -> Steps:
    if node.base is not None:
        value = yield node.base
        if isinstance(value, ListValue):
            return project(ctx, value, node.lower)
        if not isinstance(value, AdBase):
            return value if value is Undefined else Error
        found = find_name(ctx, value, node.lower)
    elif node.absolute:
        if ctx.root is None:
            raise EvaluationFailed
        found = find_name(ctx, ctx.root, node.lower)
    else:
        if ctx.ad is None:
            return Undefined
        found = find_name(ctx, ctx.ad, node.lower)
        if found is None and ctx.ad._alternate is not None:
            found = find_name(ctx, ctx.ad._alternate, node.lower)
    if found is None:
        return Undefined
    if ctx.depth <= 0:
        raise EvaluationFailed
    ctx.steps -= 1
    if ctx.steps < 0:
        raise EvaluationFailed
    meaning, ad = found
    if isinstance(meaning, AdBase):
        return meaning
    saved, ctx.ad = ctx.ad, ad
    ctx.depth -= 1
    try:
        return (yield meaning)
    finally:
        ctx.ad = saved
        ctx.depth += 1


def _call(node: FunctionCall, ctx: EvalContext) -> Steps:
    function = REGISTRY.get(node.name.lower())
    count = len(node.args)
    if function is None or count < function.min_args or (function.max_args is not None and count > function.max_args):
        return Error
    extra = {"name": node.name} if function.spelled else {}
    result: RuntimeValue
    if function.strict:
        values: list[RuntimeValue] = []
        for arg in node.args:
            values.append((yield arg))
        result = function.function(ctx, tuple(values), **extra)
    elif function.steps:
        result = yield from function.function(ctx, node.args, **extra)
    else:
        result = function.function(ctx, node.args, **extra)
    return result


_STEPS: dict[type[Node], Callable[[Any, EvalContext], Steps]] = {
    Paren: _paren,
    UnaryOp: _unary,
    BinaryOp: _binary,
    Conditional: _conditional,
    Subscript: _subscript,
    AttrRef: _reference,
    FunctionCall: _call,
}
_SHOWN = frozenset({AttrRef, FunctionCall})


def _traced(node: Node, ctx: EvalContext, steps: Steps) -> Steps:
    """Run ``steps`` and log the value they give, for ``debug()``."""
    started = ctx.environment.now()
    try:
        value = yield from steps
    except EvaluationFailed:
        _trace(ctx, node, Error, ctx.environment.now() - started)
        raise
    _trace(ctx, node, value, ctx.environment.now() - started)
    return value


def _trace(ctx: EvalContext, node: Node, value: RuntimeValue, seconds: float = 0.0) -> None:
    if not ctx.debug:
        return
    took = f"[{seconds * 1000:5.5f}ms] " if seconds else ""
    ctx.environment.log(f"Classad debug: {took}{pretty(node)} --> {_shown(node, value)}")


def _shown(node: Node, value: RuntimeValue) -> str:
    if value is Error:
        unknown = isinstance(node, FunctionCall) and node.name.lower() not in REGISTRY
        return "ERROR (function is not defined)" if unknown else "ERROR"
    if value is Undefined:
        return "UNDEFINED"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (RelTime, AbsTime)):
        return "RELATIVE TIME" if isinstance(value, RelTime) else "ABSOLUTE TIME"
    if isinstance(value, ListValue):
        return "SLIST" if value.computed else "LIST"
    if isinstance(value, AdBase):
        return "CLASSAD"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return str(value)


_registry.run_deep = run_deep
