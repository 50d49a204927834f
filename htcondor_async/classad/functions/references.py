"""``unresolved``: which names an attribute's expression needs that are not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htcondor_async.classad import _regex
from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._nodes import (
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
from htcondor_async.classad._scope import find_name
from htcondor_async.classad._unparse import unparse_node
from htcondor_async.classad._values import AdBase, Error, RuntimeValue, Undefined, fold

from . import builtin, regexps
from .contexts import look_up

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext


class _UnknownError(Exception):
    """The references cannot be told: the search ends with what was found so far."""


def _children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside one, each of which may cost a level of depth."""
    if isinstance(node, UnaryOp):
        return (node.operand,)
    if isinstance(node, Paren):
        return (node.inner,)
    if isinstance(node, BinaryOp):
        return node.left, node.right
    if isinstance(node, Subscript):
        return node.base, node.index
    if isinstance(node, Conditional):
        return node.test, node.yes, node.no
    if isinstance(node, FunctionCall):
        return node.args
    if isinstance(node, ListNode):
        return node.items
    if isinstance(node, AdNode):
        return tuple(value for _, value in node.pairs)
    if isinstance(node, Literal) and isinstance(node.value, AdBase):
        return tuple(value for _, value in node.value._pairs())
    return ()


def _collect(ctx: EvalContext, node: Node, found: dict[str, str]) -> None:
    if isinstance(node, AttrRef):
        _collect_reference(ctx, node, found)
        return
    counts = isinstance(node, (FunctionCall, ListNode, AdNode, Literal))
    for child in _children(node):
        if counts:
            if ctx.depth <= 0:
                raise _UnknownError
            ctx.depth -= 1
        try:
            _collect(ctx, child, found)
        finally:
            ctx.depth += counts


def _collect_reference(ctx: EvalContext, node: AttrRef, found: dict[str, str]) -> None:
    start = ctx.root if node.absolute else ctx.ad
    if node.base is not None:
        try:
            base = ctx.eval(node.base)
        except EvaluationFailed:
            raise _UnknownError from None
        if base is Undefined:
            name = f"{unparse_node(node.base)}.{node.name}"
            found.setdefault(fold(name), name)
            return
        start = base if isinstance(base, AdBase) else None
    if start is None:
        raise _UnknownError
    try:
        meaning = find_name(ctx, start, node.lower)
    except EvaluationFailed:
        raise _UnknownError from None
    if meaning is None:
        found.setdefault(node.lower, node.name)
        return
    expression, ad = meaning
    if ctx.depth <= 0:
        raise _UnknownError
    saved, ctx.ad = ctx.ad, ad
    ctx.depth -= 1
    try:
        _collect(ctx, Literal(expression) if isinstance(expression, AdBase) else expression, found)
    finally:
        ctx.depth += 1
        ctx.ad = saved


def _unresolved(ctx: EvalContext, expression: Node) -> list[str]:
    found: dict[str, str] = {}
    try:
        _collect(ctx, expression, found)
    except _UnknownError:
        return []
    names = [found[key] for key in sorted(found)]
    return [name[7:] if fold(name).startswith("target.") else name for name in names]


@builtin("unresolved", 1, 2)
def unresolved(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``unresolved(name)``: the names, with commas; ``unresolved(name, pattern)``: whether one matches."""
    if not isinstance(args[0], AttrRef):
        return Error
    saved = ctx.ad
    try:
        expression = look_up(ctx, args[0])
    except EvaluationFailed:
        expression = None
    if expression is None:
        return Undefined
    pattern: RuntimeValue = ""
    options = _regex.Options(caseless=True)
    if len(args) > 1:
        pattern = ctx.eval(args[1])
        if not isinstance(pattern, str):
            return ctx.fail()
        if not regexps.valid(pattern, options):
            return Error
    names = _unresolved(ctx, expression) if saved is not None else []
    if len(args) == 1:
        return ",".join(names)
    return any(regexps.match(str(pattern), name, options, nonempty=True) is True for name in names)
