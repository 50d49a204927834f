"""``classad.ClassAd`` of v1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import (
    ClassAdEvaluationError,
    ClassAdParseError,
    ClassAdTypeError,
    ClassAdValueError,
    _registry,
)
from htcondor_async.classad._cache import MISSING, literal_value
from htcondor_async.classad._evaluate import matches as _matches
from htcondor_async.classad._evaluate import symmetric_match as _symmetric_match
from htcondor_async.classad._json import unparse_json
from htcondor_async.classad._nodes import Literal, Node
from htcondor_async.classad._read import parse_new_ad
from htcondor_async.classad._same import same_tree
from htcondor_async.classad._store import AdStore
from htcondor_async.classad._unparse import unparse_ad, unparse_ad_old
from htcondor_async.classad._values import Value as CoreValue
from htcondor_async.classad._values import fold
from htcondor_sync._arguments import UNSET

from ._calls import ArgumentError, checked, text_of
from ._convert import NO_KEY, Late, checked_key, decoded, node_to_python, sorted_keys, to_node, to_python
from ._expr import ExprTree, as_ad, evaluated, parse_error
from ._values import from_core
from ._world import WORLD

__all__ = ["ClassAd"]

_SMALL = 0x7FFFFFFFFFFFFFFF
_OWN = frozenset({"_table", "_raw", "_shared", "_parent", "_alternate"})


class iterator(chain[Any]):
    """Iterates over names, values or pairs of an ad."""

    __slots__ = ()


iterator.__module__ = "builtins"  # the class has no module of v1's either


class ClassAd(AdStore):
    """An ad, in many respects like a ``dict``: names, which ignore case and keep it, and values.

    Reading an attribute gives a constant as a Python value, a list as ``list``, an ad as ``dict``, both copies, and
    any other expression as :class:`ExprTree`; :meth:`eval` gives its value.  Attributes come in v1's order: the
    shorter name first, then alphabetically.

    :param input: an ad in new syntax, or a ``dict``.
    :raises ClassAdParseError: the text is no ad.
    """

    @checked
    def __init__(self, input: Any = UNSET) -> None:
        """Make an empty ad, or one of text or a ``dict``."""
        self._table = {}
        if input is UNSET:
            return
        if isinstance(input, dict):
            for name, value in _plain_items(input):
                self[checked_key(name, ClassAdValueError(NO_KEY))] = value
        elif isinstance(input, (str, bytes)):
            try:
                self._table = dict(parse_new_ad(text_of(input, "ClassAd")).table)
            except ClassAdParseError as error:
                raise parse_error("Unable to parse string into a ClassAd.", error) from None
        else:
            raise ArgumentError(f"ClassAd: expected a str or a dict, not {type(input).__name__}")

    @classmethod
    def _wrap(cls, ad: AdStore) -> ClassAd:
        """Return this class's ad with the content of another; bytes and table are shared until one is changed."""
        wrapped = cls.__new__(cls)
        _share(ad, wrapped)
        return wrapped

    def _unwrap(self) -> CoreAd:
        """Return the ad as one of the core; bytes and table are shared until one is changed."""
        ad = CoreAd.__new__(CoreAd)
        _share(self, ad)
        return ad

    # Mapping

    def __getitem__(self, key: str) -> Any:
        """Return an attribute; raises KeyError, and ClassAdParseError if what was received is faulty."""
        if type(key) is not str:
            key = text_of(key, "ClassAd.__getitem__")
        lower = key.lower() if key.isascii() else fold(key)
        table = self._table
        if table is None:
            text = self._peek(lower)
            if text is not None:
                value = literal_value(text)
                kind = type(value)
                if kind is int or (kind is str and value.isascii()) or kind is bool or kind is float:  # type: ignore[attr-defined]  # a str
                    return value
            table = self._index()
        entry = table.get(lower)
        if entry is None:
            raise KeyError(key)
        if len(entry) == 3:
            value = literal_value(entry[2])
            kind = type(value)
            if kind is int or (kind is str and value.isascii()) or kind is bool or kind is float:  # type: ignore[attr-defined]  # a str
                return value
            if value is not MISSING:
                return from_core(value) if isinstance(value, CoreValue) else decoded(value)  # type: ignore[arg-type]  # a str
            return node_to_python(self._parsed(table, lower, entry), self)
        return node_to_python(entry[1], self)

    def __setitem__(self, key: str, value: Any) -> None:
        """Set an attribute to a Python value or an expression; raises ClassAdValueError, TypeError, OverflowError."""
        if type(key) is not str or not key.isascii():
            key = text_of(key, "ClassAd.__setitem__")
        if not key:
            raise AttributeError("")
        kind = type(value)
        text = ""
        if kind is int:
            # Kept as text, like what comes from the wire: most values that are set are only ever sent.
            text = str(value) if -_SMALL <= value <= _SMALL else ""
        elif kind is str and value.isascii() and '"' not in value and "\0" not in value:
            text = f'"{value}"'
        node = None if text else to_node(value)
        table = self._table
        if table is None or self._shared:
            table = self._own()
        lower = key.lower() if key.isascii() else fold(key)
        entry = table.get(lower)
        # An attribute that exists keeps the spelling of its name.
        name = key if entry is None else entry[0]
        table[lower] = (name, " = ", text) if node is None else (name, node)

    def __delitem__(self, key: str) -> bool:  # type: ignore[override,unused-ignore]  # v1's tells whether it was there
        """Delete an attribute; one that is not there is no error."""
        return self._remove(text_of(key, "ClassAd.__delitem__"))

    def __contains__(self, key: Any) -> bool:
        """Return whether there is an attribute of that name."""
        return fold(text_of(key, "ClassAd.__contains__")) in self._index()

    def __len__(self) -> int:
        """Return the number of attributes."""
        return len(self._index())

    def _sorted_names(self) -> list[str]:
        table = self._index()
        names = [table[key][0] for key in sorted_keys(table)]
        return names if all(map(str.isascii, names)) else list(map(decoded, names))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iterator(self._sorted_names())

    def keys(self) -> Iterator[str]:
        """Iterate over the names."""
        return iterator(self._sorted_names())

    def values(self) -> Iterator[Any]:
        """Iterate over the values."""
        return iterator(value for _, value in self._in_order())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Iterate over pairs of name and value."""
        return iterator(self._in_order())

    def _in_order(self) -> Iterator[tuple[str, Any]]:
        """Yield names and values in one pass; what is deleted meanwhile is left out."""
        for lower in sorted_keys(self._index()):
            table = self._index()
            entry = table.get(lower)
            if entry is None:
                continue
            name = entry[0]
            if len(entry) == 3:
                value = literal_value(entry[2])
                kind = type(value)
                if not (kind is int or (kind is str and value.isascii()) or kind is bool or kind is float):  # type: ignore[attr-defined]  # a str
                    value = self[name]
            else:
                value = node_to_python(entry[1], self)
            yield (name if name.isascii() else decoded(name)), value

    def get(self, key: Any = UNSET, default: Any = None, /, *extra: Any, **keywords: Any) -> Any:
        """``get(name, default=None)``: return an attribute, or ``default`` if there is none."""
        if extra or keywords:
            raise ArgumentError("ClassAd.get takes a name and a default, by position")
        try:
            return self[key]
        except KeyError:
            return default

    @checked
    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """Return an attribute, a list and an ad as :class:`ExprTree`; if there is none, set it to ``default``."""
        node = self._lookup(fold(text_of(key, "ClassAd.setdefault")))
        if node is None:
            self[key] = default
            return default
        return self[key] if type(node) is Literal else ExprTree._of(node, self)

    @checked
    def update(self, source: Any, /) -> None:
        """Set the attributes of another ad, of a mapping, or of pairs.

        :raises ClassAdTypeError: it is none of these.
        """
        if isinstance(source, AdStore):
            for name, node in list(source._pairs()):
                self._put(name, node)
        elif isinstance(source, Mapping):
            self._merge_items(source.items())
        elif hasattr(source, "items"):
            self._merge_items(_pairs_of(source.items()))
        elif hasattr(source, "__iter__"):
            self._merge_items(_pairs_of(iter(source)))
        else:
            raise ClassAdTypeError("Must provide a dictionary-like object to update()")

    def _merge_items(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        for name, value in pairs:
            self[checked_key(name)] = value

    # Comparison, copying

    def __eq__(self, other: object) -> bool:
        """Return whether the other is an ad with the same expressions."""
        return isinstance(other, AdStore) and same_tree(self._node(), other._node())

    def __ne__(self, other: object) -> bool:
        """Return whether the other is no ad with the same expressions."""
        return not self == other

    __hash__ = object.__hash__

    def __copy__(self) -> ClassAd:
        """Return a copy; changing one does not change the other."""
        copied = type(self)._wrap(self)
        copied.__dict__.update(self._user_attributes())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> ClassAd:
        """Return a copy: what an ad holds never changes, so it need not be copied."""
        from copy import deepcopy

        copied = memo[id(self)] = type(self)._wrap(self)
        copied.__dict__.update(deepcopy(self._user_attributes(), memo))
        return copied

    def _user_attributes(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _OWN}

    def __getinitargs__(self) -> tuple[str]:
        """Return what pickling stores: the text."""
        return (str(self),)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as text in new syntax."""
        return (type(self), self.__getinitargs__(), self._user_attributes() or None)

    # Text

    def __str__(self) -> str:
        """Return the ad in new syntax, one attribute a line."""
        return unparse_ad(self._ordered(), indent=True)

    def __repr__(self) -> str:
        """Return the ad in new syntax on one line."""
        return unparse_ad(self._ordered())

    @checked
    def printOld(self) -> str:
        """Return the ad in old syntax, one attribute a line; raises UnicodeDecodeError for bytes that are no UTF-8."""
        return decoded("\n".join(unparse_ad_old(self._pairs())) + "\n")

    @checked
    def printJson(self) -> str:
        """Return the ad as JSON; raises UnicodeDecodeError for bytes that are no UTF-8."""
        return decoded(unparse_json(self._node()))

    # Evaluation

    def _required(self, name: Any, function: str) -> Node:
        text = text_of(name, function)
        node = self._lookup(fold(text))
        if node is None:
            raise KeyError(text)
        return node

    @checked
    def lookup(self, attr: Any) -> ExprTree:
        """Return the expression of an attribute, even if it is a constant; raises KeyError."""
        return ExprTree._of(self._required(attr, "ClassAd.lookup"), self)

    @checked
    def eval(self, attr: Any) -> Any:
        """Return the value of an attribute; raises KeyError, and ClassAdEvaluationError if that fails as a whole."""
        return to_python(evaluated(self._required(attr, "ClassAd.eval"), self))

    @checked
    def flatten(self, expr: Any) -> Any:
        """Return an expression with everything replaced that this ad determines: a value or an :class:`ExprTree`."""
        around = expr._scope if isinstance(expr, ExprTree) else None
        try:
            node = _registry.flatten(to_node(expr), self, around)
        except ClassAdEvaluationError:
            raise ClassAdValueError("Unable to flatten expression.") from None
        if type(node) is Literal and not isinstance(expr, (list, tuple, dict)):
            return to_python(node.value)
        return ExprTree._of(node, None)

    @checked
    def matches(self, ad: Any) -> bool:
        """Return whether the ``Requirements`` of ``ad`` hold with this ad as the other side."""
        return _matches(self, ad if type(ad) is ClassAd else as_ad(ad), WORLD)

    @checked
    def symmetricMatch(self, ad: Any) -> bool:
        """Return whether the ``Requirements`` of both ads hold."""
        return _symmetric_match(self, ad if type(ad) is ClassAd else as_ad(ad), WORLD)

    @checked
    def externalRefs(self, expr: Any) -> list[str]:
        """Return the attributes that an expression refers to outside this ad."""
        return _references(_registry.external_refs, to_node(expr), self)

    @checked
    def internalRefs(self, expr: Any) -> list[str]:
        """Return the attributes of this ad that an expression refers to."""
        return _references(_registry.internal_refs, to_node(expr), self)


def _references(find: Any, node: Node, ad: ClassAd) -> list[str]:
    try:
        return [decoded(name) for name in find(node, ad)]
    except ClassAdValueError:
        raise ClassAdValueError("Unable to determine external references.") from None


def _share(ad: AdStore, into: AdStore) -> None:
    """Give ``into`` the content of ``ad``; the one that is changed first takes a copy."""
    table = ad._table
    if table is None:
        into._raw = ad._raw
        # Between the two looks another thread may have built the table and let go of the bytes.
        table = ad._table
    if table is not None:
        into._table = table
        ad._shared = into._shared = True


def _plain_items(values: dict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    if type(values) is not dict and values:
        raise TypeError(f"{type(values.keys()).__name__!r} object is not subscriptable")
    return values.items()


def _pairs_of(pairs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for pair in pairs:
        if not isinstance(pair, tuple):
            raise TypeError(f"Expecting an object of type tuple; got an object of type {type(pair).__name__} instead")
        if len(pair) < 2:
            raise IndexError("tuple index out of range")
        yield pair[0], pair[1]


Late.ad = ClassAd
