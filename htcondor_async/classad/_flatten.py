"""Partial evaluation: an expression with everything replaced that an ad determines.

What is not determined stays; constants of chains of one associative operator are gathered, as in HTCondor.
"""

from __future__ import annotations

from typing import NamedTuple

from . import _registry
from ._context import EvalContext, EvaluationFailed
from ._errors import ClassAdEvaluationError
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
from ._scope import find_name, loose_value, project, subscript
from ._values import AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined
from .functions import REGISTRY

__all__ = ["flatten"]

_GATHERED = frozenset({"+", "*", "&&", "||", "|", "^", "&"})


class _Flat(NamedTuple):
    """What became of an expression: a value, or a tree; with ``op`` a tree that ``value`` is still to be joined to."""

    value: RuntimeValue
    tree: Node | None = None
    op: str | None = None


class _Flattening(EvalContext):
    """The state of one flattening; ``around`` is the ad around ads written in the expression."""

    __slots__ = ("around",)

    def __init__(self, ad: AdBase, around: AdBase | None) -> None:
        super().__init__(ad)
        self.around = around


def flatten(node: Node, ad: AdBase, around: AdBase | None = None) -> Node:
    """Return ``node`` with what ``ad`` determines replaced by constants.

    :param around: the ad that ``node`` was taken from; ads written in ``node`` see its attributes.
    :raises ClassAdEvaluationError: the evaluation fails as a whole.
    """
    try:
        flat = _flatten(_Flattening(ad, around), node, False)
    except (EvaluationFailed, RecursionError):
        raise ClassAdEvaluationError("Unable to flatten expression.") from None
    return Literal(flat.value) if flat.tree is None else flat.tree


def _node(flat: _Flat) -> Node:
    return Literal(flat.value) if flat.tree is None else flat.tree


def _flatten(ctx: _Flattening, node: Node, gather: bool) -> _Flat:
    if isinstance(node, Literal):
        return _Flat(node.value.seconds if isinstance(node.value, RelTime) else node.value)
    if isinstance(node, AttrRef):
        return _reference(ctx, node)
    if isinstance(node, BinaryOp):
        if node.op in _GATHERED:
            return _gathered(ctx, node, gather)
        return _binary(ctx, node)
    if isinstance(node, FunctionCall):
        return _call(ctx, node)
    if isinstance(node, Conditional):
        return _conditional(ctx, node)
    if isinstance(node, (Paren, UnaryOp)):
        inner = _flatten(ctx, node.inner if isinstance(node, Paren) else node.operand, False)
        if inner.tree is not None:
            return _Flat(Undefined, Paren(inner.tree) if isinstance(node, Paren) else UnaryOp(node.op, inner.tree))
        return inner if isinstance(node, Paren) else _Flat(UNARY[node.op](inner.value))
    if isinstance(node, Subscript):
        base, index = _flatten(ctx, node.base, False), _flatten(ctx, node.index, False)
        if base.tree is None and index.tree is None:
            return _Flat(subscript(ctx, base.value, index.value))
        return _Flat(Undefined, Subscript(_node(base), _node(index)))
    if isinstance(node, ListNode):
        return _Flat(Undefined, ListNode(tuple([_node(_flatten(ctx, item, False)) for item in node.items])))
    assert isinstance(node, AdNode)
    nested = _registry.ad_class._from_node(node, ctx.around)
    saved = ctx.ad, ctx.around
    ctx.ad = ctx.around = nested
    try:
        return _Flat(Undefined, AdNode(tuple([(n, _node(_flatten(ctx, inner, False))) for n, inner in node.pairs])))
    finally:
        ctx.ad, ctx.around = saved


def _reference(ctx: _Flattening, node: AttrRef) -> _Flat:
    start: AdBase | None
    if node.base is not None:
        value = loose_value(ctx, node.base, ctx.around)
        if isinstance(value, ListValue):
            # The list itself is not put in; that it can be computed is required.
            project(ctx, value, node.lower)
            return _Flat(Undefined, node)
        if not isinstance(value, AdBase):
            return _Flat(Undefined, node) if value is Undefined else _Flat(Error)
        start = value
    else:
        start = ctx.root if node.absolute else ctx.ad
    if start is None:
        return _Flat(Undefined, node)
    found = find_name(ctx, start, node.lower)
    if found is None and node.base is None and not node.absolute and start._alternate is not None:
        found = find_name(ctx, start._alternate, node.lower)
    if found is None:
        return _Flat(Undefined, node)
    meaning, where = found
    if isinstance(meaning, (AdBase, AdNode)):
        return _Flat(Undefined, node)
    saved = ctx.ad, ctx.around
    with ctx.deeper():
        ctx.ad = ctx.around = where
        try:
            flat = _flatten(ctx, meaning, False)
        finally:
            ctx.ad, ctx.around = saved
    return flat if flat.tree is None else _Flat(Undefined, node)


def _apply(op: str, left: RuntimeValue, right: RuntimeValue) -> RuntimeValue:
    if op == "&&":
        return False if as_bool(left) is False else logical_and(left, right)
    if op == "||":
        return True if as_bool(left) else logical_or(left, right)
    if op in ("?:", "? :"):
        return right if left is Undefined else left
    return BINARY[op](left, right)


def _binary(ctx: _Flattening, node: BinaryOp) -> _Flat:
    left, right = _flatten(ctx, node.left, False), _flatten(ctx, node.right, False)
    if left.tree is None and right.tree is None:
        return _Flat(_apply(node.op, left.value, right.value))
    return _Flat(Undefined, BinaryOp(node.op, _node(left), _node(right)))


def _gathered(ctx: _Flattening, node: BinaryOp, gather: bool) -> _Flat:
    """Flatten an associative operator; constants of both sides are put together."""
    op = node.op
    flat = _combine(op, _flatten(ctx, node.left, True), _flatten(ctx, node.right, True))
    if gather or flat.op is None:
        return flat
    assert flat.tree is not None
    return _Flat(Undefined, BinaryOp(flat.op, Literal(flat.value), flat.tree))


def _combine(op: str, left: _Flat, right: _Flat) -> _Flat:
    if op in ("&&", "||") and (left.tree is None) != (right.tree is None):
        # Numbers become booleans here, and stay so in what is kept.
        left, right = _as_operand(left), _as_operand(right)
        first = left.value if left.tree is None else Undefined
        second = right.value if right.tree is None else Undefined
        value = _apply(op, first, second)
        if isinstance(value, bool):
            return _Flat(value)
        if op == "&&" and left.tree is None and left.value is True:
            return _Flat(right.value, right.tree)
        if op == "&&" and right.tree is None and right.value is True:
            return _Flat(left.value, left.tree)
    if left.tree is None and right.tree is None:
        return _Flat(_apply(op, left.value, right.value))
    if left.tree is None and right.op is None:
        return _Flat(left.value, right.tree, op)
    if right.tree is None and left.op is None:
        return _Flat(right.value, left.tree, op)
    if left.tree is not None and right.tree is not None and left.op is None and right.op is None:
        return _Flat(Undefined, BinaryOp(op, left.tree, right.tree))
    if op not in (left.op, right.op):
        return _Flat(Undefined, BinaryOp(op, _joined(left), _joined(right)))
    return _gather(op, left, right)


def _as_operand(flat: _Flat) -> _Flat:
    truth = as_bool(flat.value) if flat.tree is None else None
    return flat if truth is None else _Flat(truth)


def _joined(flat: _Flat) -> Node:
    if flat.op is not None and flat.tree is not None:
        return BinaryOp(flat.op, Literal(flat.value), flat.tree)
    return _node(flat)


def _gather(op: str, left: _Flat, right: _Flat) -> _Flat:
    """Join two sides of which at least one is a tree with a constant to the same operator."""
    if left.op == op and right.op == op:
        assert left.tree is not None and right.tree is not None
        return _Flat(_apply(op, left.value, right.value), BinaryOp(op, left.tree, right.tree), op)
    kept, other = (left, right) if left.op == op else (right, left)
    if other.tree is None:
        return _Flat(_apply(op, left.value, right.value), kept.tree, op)
    assert left.tree is not None and right.tree is not None
    return _Flat(kept.value, BinaryOp(op, left.tree, right.tree), op)


def _conditional(ctx: _Flattening, node: Conditional) -> _Flat:
    test = _flatten(ctx, node.test, False)
    if test.tree is None and test.value is not Undefined:
        truth = as_bool(test.value)
        if truth is None:
            return _Flat(Error)
        return _flatten(ctx, node.yes if truth else node.no, False)
    yes, no = _flatten(ctx, node.yes, False), _flatten(ctx, node.no, False)
    return _Flat(Undefined, Conditional(node.test if test.tree is None else test.tree, _node(yes), _node(no)))


def _call(ctx: _Flattening, node: FunctionCall) -> _Flat:
    if node.name.lower() not in REGISTRY:
        return _Flat(Error)
    flats = [_flatten(ctx, arg, False) for arg in node.args]
    call = FunctionCall(node.name, tuple([_node(flat) for flat in flats]))
    if any(flat.tree is not None for flat in flats):
        return _Flat(Undefined, call)
    return _Flat(ctx.eval(call))


_registry.flatten = flatten
