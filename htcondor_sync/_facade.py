"""The one place that knows how v1's ``classad`` classes hold those of the core."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import ExprTree as CoreExpr
from htcondor_async.classad._values import Value as CoreValue
from htcondor_sync.classad import ClassAd, ExprTree, Value

__all__ = ["ClassAd", "ExprTree", "adopt", "unwrap", "wrap", "wrap_expression"]


def adopt(ads: Iterable[Any]) -> None:
    """Turn ads of the core, which nobody else holds, into v1's where they are; anything else stays what it is.

    Both classes keep what was received in the same way, so nothing is copied or even looked at: an answer of many ads
    is handed out as fast as the core decodes it.
    """
    for ad in ads:
        if type(ad) is CoreAd:
            ad.__class__ = ClassAd  # type: ignore[assignment]  # the classes have one layout


def wrap(ad: CoreAd) -> ClassAd:
    """Return v1's ad over one of the core."""
    return ClassAd._wrap(ad)


def wrap_expression(expression: CoreExpr) -> ExprTree:
    """Return v1's expression over one of the core."""
    return ExprTree._of(expression._node)


def unwrap(value: Any) -> Any:
    """Return what a v1 object holds; anything else as it is."""
    if isinstance(value, ClassAd):
        return value._unwrap()
    if isinstance(value, ExprTree):
        return CoreExpr._of(value._node)
    if isinstance(value, Value):
        return CoreValue[str(value)]
    return value
