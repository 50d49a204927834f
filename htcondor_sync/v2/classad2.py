"""v2's ``classad2``: the ClassAd language of the core, in v2's spelling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import (
    ClassAdException,
    ExprTree,
    Parser,
    ParserType,
    Value,
    parse_ads,
    parse_next,
    parse_one,
    quote,
    unquote,
)
from htcondor_sync.classad import lastError, version
from htcondor_sync.classad._ad import _share

__all__ = [
    "ClassAd",
    "ClassAdException",
    "ExprTree",
    "Parser",
    "ParserType",
    "Value",
    "lastError",
    "parseAds",
    "parseNext",
    "parseOne",
    "quote",
    "unquote",
    "version",
]


class ClassAd(CoreAd):
    """An ad: a mutable mapping whose names ignore case."""

    @classmethod
    def _of(cls, ad: CoreAd) -> ClassAd:
        """Return an ad of the core as this class; bytes and table are shared until one is changed."""
        made = cls.__new__(cls)
        _share(ad, made)
        return made

    def eval(self, attr: str) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the value of an attribute."""
        return super().eval(attr)

    def lookup(self, attr: str) -> ExprTree:
        """Return the expression of an attribute; raises KeyError."""
        return super().lookup(attr)

    def flatten(self, expr: ExprTree) -> Any:
        """Return an expression with everything replaced that this ad determines."""
        return super().flatten(expr)

    def matches(self, ad: CoreAd) -> bool:  # type: ignore[override]  # the signature is v2's
        """Return whether this ad is accepted by the other's Requirements."""
        return super().matches(ad)

    def printOld(self) -> str:
        """Return the ad in old syntax."""
        return self.print_old()

    def formatOld(self) -> str:
        """Return the ad in old syntax."""
        return self.print_old()

    def printJson(self) -> str:
        """Return the ad as JSON."""
        return self.print_json()

    def formatJson(self) -> str:
        """Return the ad as JSON."""
        return self.print_json()

    def symmetricMatch(self, ad: CoreAd) -> bool:
        """Return whether each ad's Requirements accept the other."""
        return self.symmetric_match(ad)

    def externalRefs(self, expr: ExprTree) -> list[str]:
        """Return the attributes of other ads that an expression refers to."""
        return self.external_refs(expr)

    def internalRefs(self, expr: ExprTree) -> list[str]:
        """Return the attributes of this ad that an expression refers to."""
        return self.internal_refs(expr)


def parseAds(input: Any, parser: ParserType = ParserType.Auto) -> Iterator[ClassAd]:
    """Yield the ads of a text or a file."""
    return (ClassAd._of(ad) for ad in parse_ads(input, parser))


def parseNext(input: Any, parser: ParserType = ParserType.Auto) -> ClassAd:
    """Return the next ad of a file."""
    found = parse_next(input, parser)
    if found is None:
        raise StopIteration("there are no more ads")
    return ClassAd._of(found)


def parseOne(input: Any, parser: ParserType = ParserType.Auto) -> ClassAd:
    """Return the ads of a text or a file as one."""
    return ClassAd._of(parse_one(input, parser))
