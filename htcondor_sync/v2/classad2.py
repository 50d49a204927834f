"""v2's ``classad2``: the ClassAd language of the core, in v2's spelling."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, cast

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import (
    ClassAdException,
    Parser,
    ParserType,
    Value,
    _registry,
    parse_ads,
    parse_next,
    parse_one,
    quote,
    unquote,
)
from htcondor_async.classad import ExprTree as CoreExpr
from htcondor_async.classad._convert import to_python
from htcondor_async.classad._nodes import Literal, Node
from htcondor_sync.classad import lastError, version
from htcondor_sync.classad._ad import _share
from htcondor_sync.classad._convert import sorted_keys

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


class ExprTree(CoreExpr):
    """An expression of the ClassAd language.

    It knows no ad that it came from: :meth:`eval` takes those that names are looked up in.  ``==`` compares, and what
    an expression is worth is not its truth.

    :param expr: an expression in new syntax, or another expression; without it, ``undefined``.
    :raises ClassAdParseError: it is none.
    """

    __slots__ = ()

    def __init__(self, expr: Any = None) -> None:
        """Parse."""
        super().__init__("undefined" if expr is None else str(expr))

    def __eq__(self, other: object) -> bool:  # type: ignore[override]  # a truth, in v2
        """Return whether the other is the same expression, as written."""
        return isinstance(other, ExprTree) and self.same_as(other)

    def __ne__(self, other: object) -> bool:  # type: ignore[override]  # as above
        """Return whether the other is not the same expression."""
        return not self == other

    __hash__ = None

    def __bool__(self) -> bool:
        """Return True: there is an expression."""
        return True

    def __str__(self) -> str:
        """Return the expression in new syntax, lists and ads in it on several lines."""
        return self.pretty()

    def __repr__(self) -> str:
        """Return the expression in new syntax on one line."""
        return CoreExpr.__str__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as text."""
        return (ExprTree, (repr(self),))

    def eval(self, scope: Any = None, target: Any = None) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the value.

        :param scope: the ad in which names are looked up.
        :param target: the ad it is matched with.
        :raises TypeError: these are no :class:`ClassAd`.
        :raises ClassAdEvaluationError: the evaluation fails as a whole.
        """
        return _out(super().eval(*_sides(scope, target)))

    def simplify(self, scope: Any = None, target: Any = None) -> ExprTree:
        """Return the value as an expression; the parameters as for :meth:`eval`."""
        return _expression(super().simplify(*_sides(scope, target))._node)


class ClassAd(CoreAd):
    """An ad: a mutable mapping whose names ignore case, the shorter name first, then the alphabet.

    :param input: an ad in new syntax, or a ``dict``.
    :raises TypeError: it is neither.
    """

    def __init__(self, input: Any = None) -> None:
        """Make an empty ad, or one of text or a ``dict``."""
        if input is not None and not isinstance(input, (str, dict)):
            raise TypeError("input must be None, str, or dict")
        super().__init__(input)

    @classmethod
    def _of(cls, ad: CoreAd) -> ClassAd:
        """Return an ad of the core as this class; bytes and table are shared until one is changed."""
        made = cls.__new__(cls)
        _share(ad, made)
        return made

    def copy(self) -> ClassAd:
        """Return a copy; changing one does not change the other."""
        return type(self)._of(self)

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as text in new syntax."""
        return (_restored, (repr(self),))

    # Mapping

    def __getitem__(self, key: str) -> Any:
        """Return an attribute; raises KeyError."""
        value = super().__getitem__(_name(key))
        return value if type(value) in _PLAIN else _out(value)

    def __setitem__(self, key: str, value: Any) -> None:
        """Set an attribute to a Python value or an expression."""
        super().__setitem__(_name(key), value.astimezone(timezone.utc) if isinstance(value, datetime) else value)

    def __delitem__(self, key: str) -> None:
        """Delete an attribute; raises KeyError."""
        super().__delitem__(_name(key))

    def __contains__(self, key: object) -> bool:
        """Return whether there is an attribute of that name."""
        return super().__contains__(_name(key))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        table = self._index()
        return iter([table[key][0] for key in sorted_keys(table)])

    def _read_all(self) -> Iterator[tuple[str, Any]]:
        """Yield names and values in order; what is deleted meanwhile is left out."""
        for name in self:
            if name in self:
                yield name, self[name]

    def __eq__(self, other: object) -> bool:
        """Return whether the other is an ad with the same expressions."""
        return super().__eq__(other) if isinstance(other, CoreAd) else NotImplemented

    __hash__ = None

    # Text

    def __str__(self) -> str:
        """Return the ad in new syntax, one attribute a line."""
        return self.pretty()

    def __repr__(self) -> str:
        """Return the ad in new syntax on one line."""
        return CoreAd.__str__(self)

    def printOld(self) -> str:
        """Return the ad in old syntax."""
        return self.print_old()

    def printJson(self) -> str:
        """Return the ad as JSON."""
        return self.print_json()

    formatOld, formatJson = printOld, printJson

    # Evaluation

    def eval(self, attr: str) -> Any:  # type: ignore[override]  # the signature is v2's
        """Return the value of an attribute; raises KeyError."""
        return _out(super().eval(_name(attr)))

    def lookup(self, attr: str) -> ExprTree:
        """Return the expression of an attribute; raises KeyError."""
        return _expression(super().lookup(_name(attr))._node)

    def flatten(self, expr: Any) -> Any:
        """Return an expression with everything replaced that this ad determines; raises TypeError for anything else."""
        node = _registry.flatten(_checked(expr)._node, self, None)
        return _out(to_python(node.value)) if type(node) is Literal else _expression(node)

    def matches(self, ad: Any) -> bool:  # type: ignore[override]  # the signature is v2's
        """Return whether this ad is accepted by the other's Requirements; raises TypeError for what is no ad."""
        if not isinstance(ad, CoreAd):
            raise TypeError("ad must be a ClassAd")
        return super().matches(ad)

    def symmetricMatch(self, ad: Any) -> bool:
        """Return whether each ad's Requirements accept the other; raises TypeError for what is no ad."""
        return self.matches(ad) and self.symmetric_match(ad)

    def externalRefs(self, expr: Any) -> list[str]:
        """Return the attributes of other ads that an expression refers to; raises TypeError for anything else."""
        return self.external_refs(_checked(expr))

    def internalRefs(self, expr: Any) -> list[str]:
        """Return the attributes of this ad that an expression refers to; raises TypeError for anything else."""
        return self.internal_refs(_checked(expr))


_PLAIN = frozenset({int, float, str, bool})


def _out(value: Any) -> Any:
    """Return a value of the core as v2 has it: instants in UTC, spans in seconds, its own classes."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, CoreAd):
        return ClassAd._of(value)
    if isinstance(value, CoreExpr):
        return _expression(value._node)
    if kind is list:
        return [_out(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc)
    return value.total_seconds() if isinstance(value, timedelta) else value


def _expression(node: Node) -> ExprTree:
    """Return the expression of a node, in no ad."""
    return cast("ExprTree", ExprTree._of(node))


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("ClassAd keys are strings")
    return key


def _checked(expr: Any) -> CoreExpr:
    if not isinstance(expr, CoreExpr):
        raise TypeError("expr must be an ExprTree")
    return expr


def _sides(scope: Any, target: Any) -> tuple[CoreAd | None, CoreAd | None]:
    """Return the two ads of an evaluation; without a scope there is no match."""
    for ad, name in ((scope, "scope"), (target, "target")):
        if ad is not None and not isinstance(ad, CoreAd):
            raise TypeError(f"{name} must be a ClassAd")
    return scope, None if scope is None else target


def _restored(text: str) -> ClassAd:
    return ClassAd(text)


def parseAds(input: Any, parser: ParserType = ParserType.Auto) -> Iterator[ClassAd]:
    """Yield the ads of a text or a file."""
    return (ClassAd._of(ad) for ad in parse_ads(input, parser))


def parseNext(input: Any, parser: ParserType = ParserType.Auto) -> ClassAd | None:
    """Return the next ad of a text or a file; None if there is none."""
    found = parse_next(input, parser)
    return None if found is None else ClassAd._of(found)


def parseOne(input: Any, parser: ParserType = ParserType.Auto) -> ClassAd:
    """Return the ads of a text or a file as one."""
    return ClassAd._of(parse_one(input, parser))
