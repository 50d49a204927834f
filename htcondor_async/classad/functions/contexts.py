"""Functions that evaluate an expression in each ad of a list: ``evalInEachContext`` and ``countMatches``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htcondor_async.classad import _registry
from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._match import MatchAd
from htcondor_async.classad._nodes import AttrRef, ListNode, Literal
from htcondor_async.classad._operators import as_bool
from htcondor_async.classad._scope import find_name
from htcondor_async.classad._values import AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined

from . import builtin
from ._coerce import to_int32

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node

__all__ = ["look_up"]


def _outermost(ctx: EvalContext, ad: AdBase) -> AdBase:
    """Return where a search for a name that nothing has ends: HTCondor goes on in that ad."""
    current = ad
    while current is not ctx.root and current._parent is not None and current._parent is not ad:
        current = current._parent
    return current


def look_up(ctx: EvalContext, reference: AttrRef) -> Node | None:
    """Return the expression that a reference leads to, or None.

    The current ad is afterwards the one in which the search ended, as in HTCondor: the rest of the evaluation goes on
    there.
    """
    if reference.base is not None:
        base = ctx.eval(reference.base)
        if isinstance(base, ListValue):
            return Literal(ctx.eval(reference))
        if not isinstance(base, AdBase):
            return None
        start = base
    else:
        scope = ctx.root if reference.absolute else ctx.ad
        if scope is None:
            if reference.absolute:
                ctx.fail()
            return None
        start = scope
    places = [start]
    if reference.base is None and not reference.absolute and start._alternate is not None:
        places.append(start._alternate)
    for ad in places:
        found = find_name(ctx, ad, reference.lower)
        if found is not None:
            meaning, ctx.ad = found
            return Literal(meaning) if isinstance(meaning, AdBase) else meaning
        ctx.ad = _outermost(ctx, ad)
    return None


def _sides(ctx: EvalContext) -> list[AdBase]:
    """Return the two ads of the match that is being evaluated, if any."""
    return [ctx.root.left, ctx.root.right] if isinstance(ctx.root, MatchAd) else []


def _within(ad: AdBase | None, side: AdBase) -> bool:
    """Return whether ``ad`` is ``side`` or one of the ads around it."""
    current: AdBase | None = side
    while current is not None:
        if current is ad:
            return True
        current = current._parent
    return False


def _in_context(ctx: EvalContext, expression: Node, ad: RuntimeValue) -> RuntimeValue:
    if not isinstance(ad, AdBase):
        return Undefined if ad is Undefined else Error
    saved = ad._alternate
    for side in _sides(ctx):
        if _within(ad._parent, side):
            ad._alternate = side._alternate
            break
    try:
        return _registry.evaluate_fresh(expression, ad, ctx)
    except EvaluationFailed:
        return Error
    finally:
        ad._alternate = saved


def _each(ctx: EvalContext, args: tuple[Node, ...]) -> list[RuntimeValue] | RuntimeValue:
    """Return the value in each ad; or Undefined or Error where there is no list of ads."""
    expression = args[0]
    written_in = ctx.ad
    if isinstance(expression, AttrRef):
        expression = look_up(ctx, expression) or expression
    if isinstance(args[1], ListNode):
        ads: RuntimeValue = ListValue(args[1].items, written_in)
    else:
        try:
            ads = ctx.eval(args[1])
        except EvaluationFailed:
            ads = Error
    if not isinstance(ads, ListValue):
        return Undefined if ads is Undefined else Error
    results: list[RuntimeValue] = []
    for item in ads.items:
        try:
            ad = ctx.element(ads, item)
        except EvaluationFailed:
            ad = Error
        results.append(_in_context(ctx, expression, ad))
    return results


@builtin("evalInEachContext", 2, 2)
def eval_in_each_context(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``evalInEachContext(expression, list)``: the list of its values in each ad of a list."""
    results = _each(ctx, args)
    if not isinstance(results, list):
        return results
    # A relative time loses its fraction when it becomes a constant.
    whole = [RelTime(float(to_int32(each.seconds))) if isinstance(each, RelTime) else each for each in results]
    return ctx.new_list(whole)


@builtin("countMatches", 2, 2)
def count_matches(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``countMatches(expression, list)``: in how many ads of a list it is true."""
    results = _each(ctx, args)
    if isinstance(results, list):
        return sum(1 for value in results if as_bool(value))
    return 0 if results is Undefined else results
