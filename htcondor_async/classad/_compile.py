"""Nodes to Python closures: the fast way to evaluate.

Each node becomes one function of an :class:`EvalContext`, built at its first evaluation and kept at the node.  Trees
deeper than :data:`MAX_RECURSION` are evaluated by :mod:`._deep` instead, which does not recurse.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from . import _registry
from ._context import EvalContext, EvaluationFailed
from ._match import AROUND_NAMES
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
from ._quick_calls import quick_call
from ._scope import evaluate_found, find_name, project, subscript
from ._sides import compared, compared_with, side_of
from ._values import AdBase, Error, ListValue, RuntimeValue, Undefined
from .functions import REGISTRY

__all__ = ["MAX_RECURSION", "compile_node"]

MAX_RECURSION = 60
"""Trees up to this depth are evaluated by Python recursion."""

Run = Callable[[EvalContext], RuntimeValue]
_SAFE = 0x7FFFFFFFFFFFFFFF
_INFINITY = float("inf")


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
    value = node.result
    return lambda ctx: value


def _reference(node: AttrRef) -> Run:
    lower = node.lower
    base = node.base
    if base is not None:
        general = _selection(_compiled(base), lower)
        if isinstance(base, AttrRef) and base.base is None and not base.absolute:
            if base.lower == "my":
                return _own(lower, general)
            if base.lower in ("target", "other"):
                return _other(lower, general)
        return general
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
        table = ad._table
        entry = None if table is None else table.get(lower)
        if entry is None:
            return _elsewhere(ctx, ad, lower)
        if ctx.depth <= 0:
            raise EvaluationFailed
        found = entry[-1]
        if type(found) is Literal:
            return found.result
        if type(found) is str:
            found = ad._lookup(lower)
        ctx.steps -= 1
        if ctx.steps < 0:
            raise EvaluationFailed
        ctx.depth -= 1
        try:
            return (found._run or compile_node(found))(ctx)
        finally:
            ctx.depth += 1

    return unscoped


def _elsewhere(ctx: EvalContext, ad: AdBase, lower: str) -> RuntimeValue:
    """Return the value of a name that is not in the table of the current ad."""
    other = ad._across
    if other is not None and lower not in AROUND_NAMES:
        entry = other._table.get(lower)
        if entry is None:
            return Undefined
        if ctx.depth <= 0:
            raise EvaluationFailed
        meaning = entry[-1]
        return meaning.result if type(meaning) is Literal else _in_ad(ctx, ad, other, meaning, lower)
    found = find_name(ctx, ad, lower)
    if found is None:
        if ad._alternate is None:
            return Undefined
        found = find_name(ctx, ad._alternate, lower)
        if found is None:
            return Undefined
    return evaluate_found(ctx, *found)


def _other(lower: str, general: Run) -> Run:
    """Return the closure of ``TARGET.name``: straight to the other side where nothing stands between."""
    plain = lower not in AROUND_NAMES

    def target(ctx: EvalContext) -> RuntimeValue:
        ad = ctx.ad
        if ad is not None and ctx.depth > 2:
            other = ad._across
            if other is not None:
                entry = other._table.get(lower)
                if entry is not None:
                    found = entry[-1]
                    return found.result if type(found) is Literal else _in_ad(ctx, ad, other, found, lower)
                if plain:
                    return Undefined
        return general(ctx)

    return target


def _own(lower: str, general: Run) -> Run:
    """Return the closure of ``MY.name``."""
    plain = lower not in AROUND_NAMES

    def mine(ctx: EvalContext) -> RuntimeValue:
        ad = ctx.ad
        if ad is not None and ctx.depth > 2:
            table = ad._table
            if table is not None and (ad._across is not None or "my" not in table):
                entry = table.get(lower)
                if entry is not None:
                    found = entry[-1]
                    return found.result if type(found) is Literal else _in_ad(ctx, ad, ad, found, lower)
                if plain and ad._across is not None:
                    return Undefined
        return general(ctx)

    return mine


def _in_ad(ctx: EvalContext, ad: AdBase, where: AdBase, found: Node | str | None, lower: str) -> RuntimeValue:
    """Return the value of what was found in the table of ``where``, for an evaluation in ``ad``."""
    node = where._lookup(lower) if type(found) is str else found
    ctx.steps -= 1
    if ctx.steps < 0:
        raise EvaluationFailed
    ctx.ad = where
    ctx.depth -= 1
    try:
        return (node._run or compile_node(node))(ctx)  # type: ignore[union-attr,arg-type]  # a node
    finally:
        ctx.ad = ad
        ctx.depth += 1


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
    op = node.op
    if op == "&&":
        return _and(node)
    left, right = _compiled(node.left), _compiled(node.right)
    if op == "||":
        return _or(left, right)
    if op in ("?:", "? :"):
        return _default(left, right)
    if op == "==":
        return _equal(node, left, right)
    apply = BINARY[op]
    test = _ORDER.get(op)
    if test is not None:
        return _ordered(node, left, right, test, apply)
    if op in ("is", "isnt") and type(node.right) is Literal and node.right.value is Undefined:
        return (lambda ctx: left(ctx) is Undefined) if op == "is" else (lambda ctx: left(ctx) is not Undefined)
    if op in ("+", "-"):
        return _sum(node, left, right, apply)
    if op == "*":
        return _product(left, right, apply)
    if op == "/":
        return _quotient(left, right, apply)
    if op in ("is", "isnt") and type(node.right) is Literal and type(node.right.value) is str:
        return _identical(left, node.right.value, op == "is", apply)
    return lambda ctx: apply(left(ctx), right(ctx))


_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
Apply = Callable[[RuntimeValue, RuntimeValue], RuntimeValue]


def _ordered(node: BinaryOp, left: Run, right: Run, test: Callable[[Any, Any], bool], general: Apply) -> Run:
    if type(node.right) is Literal and type(node.right.value) is int:
        bound = node.right.value

        def against(ctx: EvalContext) -> RuntimeValue:
            first = left(ctx)
            return test(first, bound) if type(first) is int else general(first, bound)

        side = side_of(node.left)
        return against if side is None else compared_with(side, bound, test, False, against)

    def ordered(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        second = right(ctx)
        kind, other = type(first), type(second)
        if kind is int and other is int:
            return test(first, second)
        if (kind is float or kind is int) and (other is float or other is int):
            return test(float(first), float(second))  # type: ignore[arg-type]  # numbers
        return general(first, second)

    sides = side_of(node.left), side_of(node.right)
    return ordered if sides[0] is None or sides[1] is None else compared(sides[0], sides[1], test, ordered)


def _sum(node: BinaryOp, left: Run, right: Run, general: Apply) -> Run:
    add: Callable[[Any, Any], Any] = operator.add if node.op == "+" else operator.sub
    if type(node.right) is Literal and type(node.right.value) is int:
        amount = node.right.value

        def increased(ctx: EvalContext) -> RuntimeValue:
            first = left(ctx)
            if type(first) is int:
                result: int = add(first, amount)
                if -_SAFE <= result <= _SAFE:
                    return result
            return general(first, amount)

        return increased

    def total(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        second = right(ctx)
        if type(first) is int and type(second) is int:
            result: int = add(first, second)
            if -_SAFE <= result <= _SAFE:
                return result
        return general(first, second)

    return total


def _product(left: Run, right: Run, general: Apply) -> Run:
    def product(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        second = right(ctx)
        if type(first) is float and (type(second) is int or type(second) is float):
            result = first * second
            if result < _INFINITY:
                return result
        return general(first, second)

    return product


def _identical(left: Run, wanted: str, same: bool, general: Apply) -> Run:
    def identical(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        return (first == wanted) is same if type(first) is str else general(first, wanted)

    return identical


def _quotient(left: Run, right: Run, general: Apply) -> Run:
    def quotient(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        second = right(ctx)
        # Above zero Python's division is the one of the language.
        if type(first) is int and type(second) is int and first >= 0 < second:
            return first // second
        return general(first, second)

    return quotient


def _equal(node: BinaryOp, left: Run, right: Run) -> Run:
    general = BINARY["=="]
    if type(node.right) is Literal and type(node.right.value) in (str, int):
        wanted = node.right.value

        def equals(ctx: EvalContext) -> RuntimeValue:
            first = left(ctx)
            # Equal operands of one of these types are equal in the language too.
            if type(first) is type(wanted) and first == wanted:
                return True
            return general(first, wanted)

        side = side_of(node.left)
        return equals if side is None else compared_with(side, wanted, operator.eq, True, equals)

    def equal(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        second = right(ctx)
        kind = type(first)
        if kind is type(second) and (kind is str or kind is int) and first == second:
            return True
        return general(first, second)

    return equal


def _terms(node: Node) -> list[Node]:
    """Return the operands of a chain of ``&&``, from left to right; parentheses around parts are seen through."""
    right: list[Node] = []
    while True:
        while isinstance(node, Paren):
            node = node.inner
        if not (isinstance(node, BinaryOp) and node.op == "&&"):
            break
        right.append(node.right)
        node = node.left
    return [node, *reversed(right)]


def _and(node: BinaryOp) -> Run:
    first, *rest = [_compiled(term) for term in _terms(node)]

    def conjunction(ctx: EvalContext) -> RuntimeValue:
        value = first(ctx)
        for term in rest:
            if value is True:
                value = term(ctx)
                if type(value) is not bool:
                    value = logical_and(True, value)
            elif value is False or as_bool(value) is False:
                return False
            else:
                value = logical_and(value, term(ctx))
        return value

    return conjunction


def _or(left: Run, right: Run) -> Run:
    def disjunction(ctx: EvalContext) -> RuntimeValue:
        first = left(ctx)
        if first is False:
            second = right(ctx)
            return second if type(second) is bool else logical_or(False, second)
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

    def item(ctx: EvalContext) -> RuntimeValue:
        items, position = base(ctx), index(ctx)
        if type(items) is ListValue and type(position) is int and 0 <= position < len(items.items) and ctx.depth > 0:
            found = items.items[position]
            if type(found) is Literal:
                return found.result
        return subscript(ctx, items, position)

    return item


def _call(node: FunctionCall) -> Run:
    lower, args, count = node.name.lower(), node.args, len(node.args)
    name = node.name

    def call(ctx: EvalContext) -> RuntimeValue:
        # Looked up at each call: functions can be registered at any time.
        function = REGISTRY.get(lower)
        if function is None or count < function.min_args:
            return Error
        most = function.max_args
        if most is not None and count > most:
            return Error
        given: tuple[Any, ...] = args
        if function.strict:
            given = tuple([(arg._run or compile_node(arg))(ctx) for arg in args])
        run = function.function
        result: RuntimeValue = run(ctx, given, name=name) if function.spelled else run(ctx, given)
        return _run_steps(ctx, result) if function.steps else result  # type: ignore[arg-type]  # steps

    return quick_call(node, call)


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
