"""Comparisons of constants of the two sides of a match: ``TARGET.Memory >= MY.RequestMemory``, ``MY.Cpus > 0``.

They are what most requirements consist of, so they are evaluated in one step where both sides have constants of the
usual kind; in all other cases the general closure does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._context import EvalContext
from ._nodes import AttrRef, Literal, Node
from ._values import RuntimeValue

__all__ = ["Side", "compared", "compared_with", "side_of"]

Run = Callable[[EvalContext], RuntimeValue]
Side = tuple[bool, str]
"""Whether an attribute is the other side's, and its lower-case name."""


def side_of(node: Node) -> Side | None:
    """Return what ``MY.name`` or ``TARGET.name`` refers to; None for any other expression."""
    if not isinstance(node, AttrRef) or not isinstance(node.base, AttrRef):
        return None
    base = node.base
    if base.base is not None or base.absolute or base.lower not in ("my", "target", "other"):
        return None
    return base.lower != "my", node.lower


def compared_with(side: Side, wanted: Any, test: Callable[[Any, Any], bool], surely: bool, general: Run) -> Run:
    """Return the closure of the comparison of an attribute with a constant.

    :param test: what decides if the attribute is a constant of the same type.
    :param surely: whether only its True is an answer: texts that Python finds unequal may be equal in the language.
    """
    across, lower = side
    kind = type(wanted)

    def compare(ctx: EvalContext) -> RuntimeValue:
        ad = ctx.ad
        if ad is not None and ctx.depth > 2:
            other = ad._across
            if other is not None:
                entry = (other if across else ad)._table.get(lower)
                if entry is not None:
                    found = entry[-1]
                    if type(found) is Literal and type(found.result) is kind:
                        answer = test(found.result, wanted)
                        if answer or not surely:
                            return answer
        return general(ctx)

    return compare


def compared(left: Side, right: Side, test: Callable[[Any, Any], bool], general: Run) -> Run:
    """Return the closure of the comparison of two attributes; ``test`` decides if both are integers."""
    (left_across, left_lower), (right_across, right_lower) = left, right

    def compare(ctx: EvalContext) -> RuntimeValue:
        ad = ctx.ad
        if ad is not None and ctx.depth > 2:
            other = ad._across
            if other is not None:
                one = (other if left_across else ad)._table.get(left_lower)
                two = (other if right_across else ad)._table.get(right_lower)
                if one is not None and two is not None:
                    first, second = one[-1], two[-1]
                    if type(first) is Literal and type(second) is Literal:
                        low, high = first.result, second.result
                        if type(low) is int and type(high) is int:
                            return test(low, high)
        return general(ctx)

    return compare
