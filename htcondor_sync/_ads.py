"""Ads and expressions on their way between v1's classes and those of the core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import ExprTree as CoreExpr
from htcondor_sync._facade import ClassAd, ExprTree, adopt, unwrap, wrap, wrap_expression

__all__ = ["ClassAd", "CoreExpr", "ExprTree", "ad_in", "ad_out", "ads_out", "expression_in", "expression_out"]


def ad_out(ad: CoreAd) -> ClassAd:
    """Return an ad of the core as v1's class; both share what was received."""
    return wrap(ad)


def ads_out(ads: Iterable[CoreAd]) -> list[ClassAd]:
    """Return ads that the core has just made, and does not keep, as a list of v1's class."""
    found: list[Any] = ads if isinstance(ads, list) else list(ads)
    adopt(found)
    return found


def ad_in(ad: Any) -> CoreAd:
    """Return an ad of v1, or a mapping, as one of the core."""
    found = unwrap(ad)
    if isinstance(found, CoreAd):
        return found
    if isinstance(ad, Mapping):
        return CoreAd({name: expression_in(value) for name, value in ad.items()})
    raise TypeError(f"expected a ClassAd, not {type(ad).__name__}")


def expression_in(value: Any) -> Any:
    """Return an expression of v1 as one of the core; anything else as it is."""
    return unwrap(value)


def expression_out(value: CoreExpr) -> ExprTree:
    """Return an expression of the core as v1's class."""
    return wrap_expression(value)
