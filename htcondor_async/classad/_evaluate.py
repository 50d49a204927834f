"""Evaluation and matching as operations: a node and ads in, a value out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _registry
from ._compile import compile_node
from ._context import EvalContext, EvaluationFailed
from ._deep import run_deep
from ._errors import ClassAdEvaluationError, ClassAdParseError
from ._match import matched
from ._nodes import Node
from ._operators import as_bool
from ._parser import parse_expression
from ._store import AdStore
from ._values import AdBase, RuntimeValue

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

__all__ = ["evaluate", "matched", "matches", "symmetric_match"]


def evaluate(
    node: Node, ad: AdBase | None = None, target: AdStore | None = None, environment: Environment | None = None
) -> RuntimeValue:
    """Return the value of ``node`` in ``ad``, matched with ``target`` if there is one.

    :raises ClassAdEvaluationError: the evaluation fails as a whole.
    """
    if target is not None and target is not ad:
        own = ad if isinstance(ad, AdStore) else _registry.ad_class()
        ad = matched(own, target)[0]
    try:
        return _run(node, ad, environment)
    except EvaluationFailed:
        raise ClassAdEvaluationError("Unable to evaluate expression") from None


def _run(node: Node, ad: AdBase | None, environment: Environment | None, depth: int | None = None) -> RuntimeValue:
    ctx = EvalContext(ad, environment)
    try:
        run = node._run
        if run is None:
            run = compile_node(node)
        return run(ctx)
    except RecursionError:
        # A long chain of attributes: again from the start, without recursion.
        pass
    try:
        return run_deep(node, EvalContext(ad, environment))
    except RecursionError:
        raise EvaluationFailed from None


def evaluate_fresh(node: Node, ad: AdBase, ctx: EvalContext) -> RuntimeValue:
    """Return the value of an attribute of ``ad`` as an evaluation of its own within another one."""
    inner = EvalContext(ad, ctx._environment)
    # HTCondor begins to count anew here.  What is left outside bounds it too, or a cycle through it would never end.
    inner.depth = min(inner.depth, ctx.depth - 1)
    inner.steps = ctx.steps - 1
    inner.calls = ctx.calls
    if inner.depth <= 0 or inner.steps < 0:
        raise EvaluationFailed
    try:
        return inner.eval(node)
    finally:
        ctx.steps = inner.steps


def _requirements_hold(ad: AdStore, ctx: EvalContext) -> bool:
    """Return whether the ``Requirements`` of a side of a match are true."""
    node = ad._lookup("requirements")
    if node is None:
        return False
    ctx.ad = ad
    try:
        try:
            value = (node._run or compile_node(node))(ctx)
        except RecursionError:
            value = _run(node, ad, ctx._environment)
    except EvaluationFailed:
        return False
    return value is True or bool(as_bool(value))


def matches(ad: AdStore, target: AdStore, environment: Environment | None = None) -> bool:
    """Return whether the ``Requirements`` of ``target`` hold with ``ad`` as the other side."""
    other = matched(ad, target)[1]
    return _requirements_hold(other, EvalContext(other, environment))


def symmetric_match(ad: AdStore, target: AdStore, environment: Environment | None = None) -> bool:
    """Return whether the ``Requirements`` of both ads hold."""
    mine, other = matched(ad, target)
    ctx = EvalContext(other, environment)
    return _requirements_hold(other, ctx) and _requirements_hold(mine, ctx)


def _expression_or_none(text: str) -> Node | None:
    """Return the expression that ``text`` is, or None: for functions that take expressions as text."""
    try:
        return parse_expression(text)
    except ClassAdParseError:
        return None


_registry.parse_expression_or_none = _expression_or_none
_registry.evaluate = evaluate
_registry.evaluate_fresh = evaluate_fresh
_registry.matches = matches
_registry.symmetric_match = symmetric_match
