"""Nodes to Python closures: the fast way to evaluate.

Each node becomes one function of an :class:`EvalContext`, built at its first evaluation and kept at the node.  Trees
deeper than :data:`MAX_RECURSION` are evaluated by :mod:`._deep` instead, which does not recurse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
from ._operators import BINARY, UNARY, as_bool, logical_and, logical_or
from ._scope import evaluate_found, find_name, project, subscript
from ._values import AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined
from .functions import REGISTRY

if TYPE_CHECKING:
    from .functions import Builtin

__all__ = ["MAX_RECURSION", "compile_node"]

MAX_RECURSION = 60
"""Trees up to this depth are evaluated by Python recursion."""

Run = Callable[[EvalContext], RuntimeValue]


def compile_node(node: Node) -> Run:
    """Return the compiled form of a node, and keep it at the node."""
    if node.depth > MAX_RECURSION:
        run: Run = lambda ctx: _registry.run_deep(node, ctx)  # noqa: E731 - a closure over this node
    else:
        run = _BUILDERS[type(node)](node)
    node._run = run
    return run


def _compiled(node: Node) -> Run:
    return node._run or compile_node(node)


def _literal(node: Literal) -> Run:
    value: RuntimeValue = node.value.seconds if isinstance(node.value, RelTime) else node.value
    return lambda ctx: value


def _reference(node: AttrRef) -> Run:
    lower = node.lower
    if node.base is not None:
        return _selection(_compiled(node.base), lower)
    if node.absolute:

        def absolute(ctx: EvalContext) -> RuntimeValue:
            if ctx.root is None:
                raise EvaluationFailed
            found = find_name(ctx, ctx.root, lower)
            return Undefined if found is None else evaluate_found(ctx, *found)

        return absolute

    def unscoped(ctx: EvalContext) -> RuntimeValue:
        ad = ctx.ad
        if ad is None:
            return Undefined
        found = ad._lookup(lower)
        if found is None:
            elsewhere = find_name(ctx, ad, lower)
            if elsewhere is None:
                if ad._alternate is None:
                    return Undefined
                elsewhere = find_name(ctx, ad._alternate, lower)
                if elsewhere is None:
                    return Undefined
            return evaluate_found(ctx, *elsewhere)
        if ctx.depth <= 0:
            raise EvaluationFailed
        run = found._run
        if run is None:
            run = compile_node(found)
        ctx.depth -= 1
        try:
            return run(ctx)
        finally:
            ctx.depth += 1

    return unscoped


def _selection(base: Run, lower: str) -> Run:
    def select(ctx: EvalContext) -> RuntimeValue:
        value = base(ctx)
        if isinstance(value, AdBase):
            found = find_name(ctx, value, lower)
            return Undefined if found is None else evaluate_found(ctx, *found)
        if isinstance(value, ListValue):
            return project(ctx, value, lower)
        return value if value is Undefined else Error

    return select


def _unary(node: UnaryOp) -> Run:
    apply, operand = UNARY[node.op], _compiled(node.operand)
    return lambda ctx: apply(operand(ctx))


def _binary(node: BinaryOp) -> Run:
    left, right = _compiled(node.left), _compiled(node.right)
    op = node.op
    if op == "&&":
        return _and(left, right)
    if op == "||":
        return _or(left, right)
    if op in ("?:", "? :"):
        return _default(left, right)
    if op == "==":
        return _equal(left, right)
    apply = BINARY[op]
    return lambda ctx: apply(left(ctx), right(ctx))


def _equal(left: Run, right: Run) -> Run:
    general = BINARY["=="]

    def equal(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        second = right(ctx)
        kind = type(first)
        # Equal operands of these types are equal in the language too.
        if kind is type(second) and (kind is str or kind is int) and first == second:
            return True
        return general(first, second)

    return equal


def _and(left: Run, right: Run) -> Run:
    def conjunction(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        if first is True:
            second = right(ctx)
            return second if type(second) is bool else logical_and(True, second)
        if first is False or as_bool(first) is False:
            return False
        return logical_and(first, right(ctx))

    return conjunction


def _or(left: Run, right: Run) -> Run:
    def disjunction(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        if first is True or as_bool(first):
            return True
        return logical_or(first, right(ctx))

    return disjunction


def _default(left: Run, right: Run) -> Run:
    def default(ctx: EvalContext) -> RuntimeValue:
        value = left(ctx)
        return right(ctx) if value is Undefined else value

    return default


def _conditional(node: Conditional) -> Run:
    test, yes, no = _compiled(node.test), _compiled(node.yes), _compiled(node.no)

    def conditional(ctx: EvalContext) -> RuntimeValue:
        value = test(ctx)
        truth = value if type(value) is bool else as_bool(value)
        if truth is None:
            # Both sides are evaluated: a failure in one is a failure of the whole.
            yes(ctx)
            no(ctx)
            return Undefined if value is Undefined else Error
        return yes(ctx) if truth else no(ctx)

    return conditional


def _subscript(node: Subscript) -> Run:
    base, index = _compiled(node.base), _compiled(node.index)
    return lambda ctx: subscript(ctx, base(ctx), index(ctx))


def _call(node: FunctionCall) -> Run:
    lower, args, count = node.name.lower(), node.args, len(node.args)
    name = node.name

    def call(ctx: EvalContext) -> RuntimeValue:
        # Looked up at each call: functions can be registered at any time.
        function = REGISTRY.get(lower)
        if function is None or not _takes(function, count):
            return Error
        extra = {"name": name} if function.spelled else {}
        result: RuntimeValue
        if function.strict:
            values = tuple([(arg._run or compile_node(arg))(ctx) for arg in args])
            result = function.function(ctx, values, **extra)
        elif function.steps:
            result = _run_steps(ctx, function.function(ctx, args, **extra))
        else:
            result = function.function(ctx, args, **extra)
        return result

    return call


def _takes(function: Builtin, count: int) -> bool:
    return count >= function.min_args and (function.max_args is None or count <= function.max_args)


def _run_steps(ctx: EvalContext, steps: _registry.Steps) -> RuntimeValue:
    """Run a function that yields what it wants evaluated."""
    try:
        node = next(steps)
        while True:
            try:
                value = ctx.eval(node)
            except EvaluationFailed as failure:
                node = steps.throw(failure)
            else:
                node = steps.send(value)
    except StopIteration as done:
        result: RuntimeValue = done.value
        return result


def _list(node: ListNode) -> Run:
    items = node.items
    return lambda ctx: ListValue(items, ctx.ad)


def _ad(node: AdNode) -> Run:
    return lambda ctx: _registry.ad_class._from_node(node, ctx.ad)


_BUILDERS: dict[type[Node], Callable[..., Run]] = {
    Literal: _literal,
    AttrRef: _reference,
    UnaryOp: _unary,
    Paren: lambda node: _compiled(node.inner),
    BinaryOp: _binary,
    Conditional: _conditional,
    Subscript: _subscript,
    FunctionCall: _call,
    ListNode: _list,
    AdNode: _ad,
}

_registry.compile_node = compile_node
