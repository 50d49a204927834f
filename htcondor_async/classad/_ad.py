"""The ClassAd of the public interface."""

from __future__ import annotations

import html
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import _registry
from ._cache import MISSING, literal_value
from ._convert import MAX_PYTHON_DEPTH, check_name, node_to_python, to_ad, to_node, to_python
from ._errors import ClassAdTypeError, ClassAdValueError
from ._expr import ExprTree
from ._nodes import AdNode, ListNode, Literal, Node
from ._parser import parse_ad_at
from ._same import same_tree
from ._store import AdStore
from ._unparse import unparse_ad, unparse_ad_old, unparse_node
from ._values import Value, fold

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

__all__ = ["ClassAd"]

_T = TypeVar("_T")
_PLAIN = frozenset({int, float, str, bool, Value})  # values that are the same in Python
_SMALL = 0x7FFFFFFFFFFFFFFF


class ClassAd(AdStore, MutableMapping[str, Any]):
    """An ad: a mapping of names, which ignore case and keep it, to values.

    Reading an attribute gives a constant as a Python value, a list as ``list``, an ad as :class:`ClassAd`, and any
    other expression as :class:`ExprTree`, unevaluated; :meth:`eval` gives its value.  Setting takes Python values and
    expressions (see :mod:`._convert`).  Lists and ads that were read are copies.

    An ad that came from a daemon or a file keeps its text, and converts an attribute when it is read.  A faulty value
    raises :class:`ClassAdParseError`, naming the attribute, then.

    :param source: an ad in new syntax, or a mapping, or pairs; nothing makes an empty ad.
    """

    def __init__(
        self, source: str | AdStore | Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, **kwargs: Any
    ) -> None:
        self._table = {}
        if isinstance(source, str):
            from ._read import parse_new_ad

            self._table = dict(parse_new_ad(source).table)
        elif isinstance(source, AdStore):
            self._table = dict(source._index())
        elif source is not None:
            self.update(source)
        if kwargs:
            self.update(kwargs)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClassAd:
        """Return an ad of a mapping; nested mappings become ads.  Raises ClassAdValueError."""
        return cls(values)

    @classmethod
    def parse(cls, text: str) -> ClassAd:
        """Return the ad that ``text`` is in new syntax; raises ClassAdParseError."""
        return cls(text)

    @classmethod
    def parse_old(cls, text: str) -> ClassAd:
        """Return the ad that ``text`` is in old syntax, one attribute a line; raises ClassAdParseError."""
        from ._read import parse_old

        return parse_old(text)

    def to_dict(self, *, evaluate: bool = False) -> dict[str, Any]:
        """Return the ad as a plain ``dict``, nested ads as dicts too.

        :param evaluate: give the values of expressions; otherwise they stay :class:`ExprTree`.
        :raises ClassAdEvaluationError: an evaluation fails as a whole.
        :raises ClassAdValueError: ads nest too deeply for Python values.
        """
        if any(node.depth > MAX_PYTHON_DEPTH for _, node in self._pairs() if type(node) in (AdNode, ListNode)):
            raise ClassAdValueError(f"the ad nests deeper than {MAX_PYTHON_DEPTH}")
        return {name: _plain(self.eval(name) if evaluate else self[name], evaluate) for name in self}

    # Mapping

    def __getitem__(self, key: str) -> Any:
        """Return the value of an attribute; raises KeyError, and ClassAdParseError if it is faulty."""
        try:
            lower = key.lower() if key.isascii() else fold(key)
        except AttributeError:
            raise ClassAdTypeError(f"the name of an attribute is a str, not {type(key).__name__}") from None
        table = self._table
        if table is None:
            text = self._peek(lower)
            if text is not None and (value := literal_value(text)) is not MISSING:
                return value
            table = self._index()
        entry = table.get(lower)
        if entry is None:
            raise KeyError(key)
        if len(entry) == 2:
            node = entry[1]
            return node.value if type(node) is Literal and type(node.value) is str else node_to_python(node, self)
        value = literal_value(entry[2])
        return node_to_python(self._parsed(table, lower, entry), self) if value is MISSING else value

    def __setitem__(self, key: str, value: Any) -> None:
        """Set an attribute to a Python value or an expression; raises ClassAdValueError."""
        kind = type(value)
        text = ""
        if kind is int:
            # Kept as text, like what comes from the wire: most values that are set are only ever sent.
            text = str(value) if -_SMALL <= value <= _SMALL else ""
        elif kind is str and '"' not in value and "\0" not in value:
            text = f'"{value}"'
        node = None if text else to_node(value)
        if type(key) is not str or not key or "\0" in key:
            check_name(key)
        table = self._table
        if table is None or self._shared:
            table = self._own()
        lower = key.lower() if key.isascii() else fold(key)
        entry = table.get(lower)
        # An attribute that exists keeps the spelling of its name.
        name = key if entry is None else entry[0]
        table[lower] = (name, " = ", text) if node is None else (name, node)

    def __delitem__(self, key: str) -> None:
        """Delete an attribute; raises KeyError."""
        if not isinstance(key, str) or not self._remove(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        """Return whether there is an attribute of that name."""
        return isinstance(key, str) and fold(key) in self._index()

    def __iter__(self) -> Iterator[str]:
        """Yield the names, as they were written, in the order they came."""
        return iter(self._names())

    def __len__(self) -> int:
        """Return the number of attributes."""
        return len(self._index())

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return KeysView(self)

    def values(self) -> ValuesView[Any]:
        """Return the values."""
        return _Values(self)

    def items(self) -> ItemsView[str, Any]:
        """Return the pairs of name and value."""
        return _Items(self)

    def _read_all(self) -> Iterator[tuple[str, Any]]:
        """Yield names and values; attributes that are set or deleted meanwhile may or may not be among them."""
        table = self._index()
        for lower, entry in list(table.items()):
            if len(entry) == 2:
                node = entry[1]
            elif (value := literal_value(entry[2])) is not MISSING:
                yield entry[0], value
                continue
            else:
                node = self._parsed(table, lower, entry)
            plain = type(node) is Literal and type(node.value) in _PLAIN
            yield entry[0], node.value if plain else node_to_python(node, self)  # type: ignore[attr-defined]  # as told

    def copy(self) -> ClassAd:
        """Return a copy; changing one does not change the other."""
        ad = ClassAd()
        ad._table = dict(self._index())
        return ad

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> ClassAd:
        """Return a copy: what an ad holds never changes, so it need not be copied."""
        return self.copy()

    def __eq__(self, other: object) -> bool:
        """Return whether the other is an ad, or a mapping that makes one, with the same expressions."""
        if isinstance(other, AdStore):
            return same_tree(self._node(), other._node())
        if isinstance(other, Mapping):
            try:
                return same_tree(self._node(), to_ad(other)._node())
            except ValueError:
                return False
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the lines of old syntax, which hold any ad."""
        return (_unpickle, (str(self),))

    # Text

    def __str__(self) -> str:
        """Return the ad in new syntax on one line."""
        return unparse_ad(self._ordered())

    def __repr__(self) -> str:
        """Return ``ClassAd('[ ... ]')``; an ad that does not parse says so."""
        return f"ClassAd({str(self)!r})"

    def pretty(self) -> str:
        """Return the ad in new syntax, one attribute a line, nested ads indented."""
        return unparse_ad(self._ordered(), indent=True)

    def print_old(self) -> str:
        """Return the ad in old syntax, one attribute a line."""
        return "\n".join(unparse_ad_old(self._pairs())) + "\n"

    def print_json(self, *, indent: bool = True) -> str:
        """Return the ad as JSON; expressions become strings ``"\\/Expr(...)\\/"``."""
        from ._json import unparse_json

        return unparse_json(self._node(), indent=indent)

    def print_xml(self, *, indent: bool = True) -> str:
        """Return the ad as a ``<c>`` element of HTCondor's XML."""
        from ._xml import unparse_xml

        return unparse_xml(self._node(), indent=indent)

    def _repr_html_(self) -> str:
        """Return the ad as an HTML table, for notebooks."""
        rows = "".join(
            f"<tr><td><code>{html.escape(name)}</code></td><td><code>{html.escape(unparse_node(node))}</code></td></tr>"
            for name, node in self._pairs()
        )
        return f"<table><thead><tr><th>Attribute</th><th>Value</th></tr></thead><tbody>{rows}</tbody></table>"

    # Evaluation

    def lookup(self, name: str) -> ExprTree:
        """Return the expression of an attribute, unevaluated, even if it is a constant; raises KeyError."""
        node = self._lookup(fold(name))
        if node is None:
            raise KeyError(name)
        return ExprTree._of(node, self)

    def eval(
        self, name: str, target: Mapping[str, Any] | None = None, *, environment: Environment | None = None
    ) -> Any:
        """Return the value of an attribute.

        :param name: the attribute.
        :param target: the ad it is matched with (``TARGET``).
        :param environment: the world; by default that of the process.
        :raises KeyError: there is no such attribute.
        :raises ClassAdEvaluationError: the evaluation fails as a whole.
        """
        node = self._lookup(fold(name))
        if node is None:
            raise KeyError(name)
        return self._value(node, target, environment)

    def _value(
        self, node: Node, target: Mapping[str, Any] | None = None, environment: Environment | None = None
    ) -> Any:
        if type(node) is Literal and type(node.value) is not float:
            return to_python(node.value)
        other = None if target is None else to_ad(target)
        return to_python(_registry.evaluate(node, self, other, environment))

    def flatten(self, expression: ExprTree | Any) -> Any:
        """Return an expression with everything replaced that this ad determines: a value, or an :class:`ExprTree`."""
        around = expression._scope if isinstance(expression, ExprTree) else None
        return node_to_python(_registry.flatten(to_node(expression), self, around), self)

    def matches(self, target: Mapping[str, Any], *, environment: Environment | None = None) -> bool:
        """Return whether the ``Requirements`` of ``target`` hold with this ad as the other side (as in v1)."""
        return _registry.matches(self, to_ad(target), environment)

    def symmetric_match(self, target: Mapping[str, Any], *, environment: Environment | None = None) -> bool:
        """Return whether the ``Requirements`` of both ads hold."""
        return _registry.symmetric_match(self, to_ad(target), environment)

    def external_refs(self, expression: ExprTree | Any) -> list[str]:
        """Return the attributes that an expression refers to outside this ad, sorted."""
        return _registry.external_refs(to_node(expression), self)

    def internal_refs(self, expression: ExprTree | Any) -> list[str]:
        """Return the attributes of this ad that an expression refers to, sorted."""
        return _registry.internal_refs(to_node(expression), self)

    # Typed access

    @overload
    def get_str(self, name: str) -> str | None: ...
    @overload
    def get_str(self, name: str, default: _T) -> str | _T: ...
    def get_str(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value if it is a string, else ``default``."""
        value = self._scalar(name)
        return value if isinstance(value, str) else default

    @overload
    def get_int(self, name: str) -> int | None: ...
    @overload
    def get_int(self, name: str, default: _T) -> int | _T: ...
    def get_int(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value if it is an integer (reals are cut, booleans are 0 and 1), else ``default``."""
        value = self._scalar(name)
        if isinstance(value, float):
            return int(value) if value == value and abs(value) != float("inf") else default
        return int(value) if isinstance(value, int) else default

    @overload
    def get_float(self, name: str) -> float | None: ...
    @overload
    def get_float(self, name: str, default: _T) -> float | _T: ...
    def get_float(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value as a float if it is a number, else ``default``."""
        value = self._scalar(name)
        return float(value) if isinstance(value, (int, float)) else default

    @overload
    def get_bool(self, name: str) -> bool | None: ...
    @overload
    def get_bool(self, name: str, default: _T) -> bool | _T: ...
    def get_bool(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value if it is a boolean (numbers count: 0 is false), else ``default``."""
        value = self._scalar(name)
        return bool(value) if isinstance(value, (int, float)) else default

    def _scalar(self, name: str) -> str | float | None:
        """Return the value of an attribute, evaluated, if it is a string, number or boolean."""
        try:
            value = self[name]
        except KeyError:
            return None
        if isinstance(value, ExprTree):
            value = self.eval(name)
        if isinstance(value, Value) or not isinstance(value, (str, int, float)):
            return None
        return value


def _plain(value: Any, evaluate: bool) -> Any:
    if isinstance(value, ClassAd):
        return value.to_dict(evaluate=evaluate)
    if isinstance(value, list):
        return [_plain(item, evaluate) for item in value]
    if evaluate and isinstance(value, ExprTree):
        return _plain(value.eval(), evaluate)
    return value


def _unpickle(text: str) -> ClassAd:
    ad = ClassAd()
    ad._table = dict(parse_ad_at(text)[0].table)
    return ad


def _make_ad(pairs: list[tuple[str, Node]], parent: Any) -> ClassAd:
    return ClassAd._from_pairs(pairs, parent)


_registry.ad_class = ClassAd
_registry.expr_class = ExprTree
_registry.make_ad = _make_ad


class _Values(ValuesView[Any]):
    """All values in one pass over the table, instead of a look-up for each."""

    _mapping: ClassAd

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._mapping._read_all())


class _Items(ItemsView[str, Any]):
    """All names and values in one pass over the table, instead of a look-up for each."""

    _mapping: ClassAd

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._mapping._read_all()
