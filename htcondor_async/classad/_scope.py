"""Names: in which ad they are found, and what comes of finding them.

A name is looked up in the current ad and then in the ads around it, outwards to the root.  ``MY``, ``SELF``,
``PARENT``, ``ROOT``, ``TOPLEVEL`` and ``CurrentTime`` mean something of their own where no attribute has that name.
"""

from __future__ import annotations

from . import _registry
from ._context import EvalContext, EvaluationFailed, _root_of
from ._nodes import AdNode, FunctionCall, ListNode, Literal, Node, Paren
from ._operators import subscript_list, to_c_int
from ._values import AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined, fold

__all__ = ["SPECIAL", "Found", "evaluate_found", "find_name", "loose_value", "project", "subscript"]

SPECIAL = frozenset({"toplevel", "root", "self", "parent", "my", "currenttime"})
_CURRENT_TIME = FunctionCall("time", ())

Found = tuple[Node | AdBase, AdBase]
"""What a name means (an expression, or an ad itself), and the ad it was found in."""


def find_name(ctx: EvalContext, ad: AdBase, lower: str) -> Found | None:
    """Return what a lower-case name means when it is looked up in ``ad``, or None.

    :raises EvaluationFailed: the root is asked for and there is none, as the ads around are a circle.
    """
    current: AdBase | None = ad
    root = ctx.root
    special = lower in SPECIAL
    while current is not None:
        node = current._lookup(lower)
        if node is not None:
            return node, current
        outer = None if current is root else current._parent
        if special:
            return _special(lower, current, outer, root)
        if outer is ad:
            return None
        current = outer
    return None


def _special(lower: str, current: AdBase, outer: AdBase | None, root: AdBase | None) -> Found | None:
    if lower in ("self", "my"):
        return current, current
    if lower == "parent":
        return None if outer is None else (outer, current)
    if lower == "currenttime":
        return _CURRENT_TIME, current
    if root is None:
        raise EvaluationFailed
    return root, current


def loose_value(ctx: EvalContext, node: Node, around: AdBase | None) -> RuntimeValue:
    """Return the value of ``node`` in an expression that is in no ad, but perhaps was taken from one, ``around``.

    An ad that is written there sees the attributes of ``around`` and not those of the current ad.
    """
    inner = node
    while isinstance(inner, Paren):
        inner = inner.inner
    if isinstance(inner, AdNode):
        return _registry.ad_class._from_node(inner, around)
    return ctx.eval(node)


def evaluate_found(ctx: EvalContext, meaning: Node | AdBase, ad: AdBase) -> RuntimeValue:
    """Return the value of what was found, in the ad it was found in, one level deeper."""
    if ctx.depth <= 0:
        raise EvaluationFailed
    if isinstance(meaning, AdBase):
        return meaning
    ctx.steps -= 1
    if ctx.steps < 0:
        raise EvaluationFailed
    saved = ctx.ad
    ctx.ad = ad
    ctx.depth -= 1
    try:
        run = meaning._run
        if run is None:
            run = _registry.compile_node(meaning)
        return run(ctx)
    finally:
        ctx.ad = saved
        ctx.depth += 1


def project(ctx: EvalContext, items: ListValue, lower: str) -> RuntimeValue:
    """Return ``list.name``: the list of that attribute of each item."""
    saved = ctx.root, ctx.debug, ctx.depth
    ctx.root = _root_of(ctx.ad)
    ctx.debug = False
    try:
        results: list[Node] = [Literal(_detached(_select_item(ctx, items, item, lower))) for item in items.items]
    finally:
        ctx.root, ctx.debug, ctx.depth = saved
    if ctx.depth <= 0:
        raise EvaluationFailed
    return ListValue(tuple(results), None)


def _select_item(ctx: EvalContext, items: ListValue, item: Node, lower: str) -> RuntimeValue:
    kind = type(item)
    # Ads and lists in the list keep the ad they were written in; other items are evaluated in the current one.
    value = ctx.eval_in(item, items.scope) if kind is AdNode or kind is ListNode else ctx.eval(item)
    if isinstance(value, ListValue):
        return project(ctx, value, lower)
    if isinstance(value, AdBase):
        found = find_name(ctx, value, lower)
        return Undefined if found is None else evaluate_found(ctx, *found)
    return value if value is Undefined else Error


def _detached(value: RuntimeValue) -> RuntimeValue:
    """Return a list or ad without the ad around it; a relative time loses its fraction as it becomes a constant."""
    if isinstance(value, RelTime):
        return RelTime(float(to_c_int(value.seconds)))
    if isinstance(value, ListValue):
        return ListValue(value.items, None)
    if isinstance(value, AdBase):
        return _registry.ad_class._from_pairs(value._pairs())
    return value


def subscript(ctx: EvalContext, base: RuntimeValue, index: RuntimeValue) -> RuntimeValue:
    """Return ``base[index]``: an item of a list by its number, an attribute of an ad by its name."""
    if base is Error or index is Error:
        return Error
    if base is Undefined or index is Undefined:
        return Undefined
    if isinstance(base, ListValue) and type(index) is int:
        position = subscript_list(base, index)
        return Error if position is None else ctx.eval_item(base, position)
    if isinstance(base, AdBase) and type(index) is str:
        node = base._lookup(fold(index))
        if node is None:
            return Undefined
        try:
            # A fresh evaluation, as HTCondor has it: its own depth, its own root.
            return _registry.evaluate_fresh(node, base, ctx)
        except EvaluationFailed:
            return Error
    return Error
