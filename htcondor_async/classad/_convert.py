"""Python values to nodes and back.

==================  =========================================================
ClassAd             Python
==================  =========================================================
integer             ``int`` (of 64 bits)
real                ``float``
string              ``str`` (``bytes`` are taken too, as UTF-8)
boolean             ``bool``
undefined           ``Undefined``; ``None`` is taken for it
error               ``Error``
absolute time       aware ``datetime``; a naive one is taken as local time
relative time       ``timedelta``
list                ``list``; any other iterable but ``str`` is taken too
ad                  :class:`ClassAd`; any mapping is taken
anything else       :class:`ExprTree`
==================  =========================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from . import _registry
from ._errors import ClassAdValueError
from ._nodes import AdNode, ListNode, Literal, Node
from ._store import AdStore
from ._times import from_datetime, to_datetime
from ._values import AbsTime, AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined, Value

__all__ = ["MAX_PYTHON_DEPTH", "node_to_python", "to_ad", "to_node", "to_python"]

MAX_PYTHON_DEPTH = 200
"""How deep Python lists and mappings given as values may nest."""

_INT_MIN, _INT_MAX = -0x8000000000000000, 0x7FFFFFFFFFFFFFFF
_UNDEFINED = Literal(Undefined)
_ERROR = Literal(Error)
_TRUE = Literal(True)
_FALSE = Literal(False)


def to_node(value: Any, depth: int = 0) -> Node:
    """Return a Python value as a node.

    :raises ClassAdValueError: it has no value in the language, or nests too deeply.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise ClassAdValueError("a string of the ClassAd language contains no NUL")
        return Literal(str(value))
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if value is None or value is Undefined:
        return _UNDEFINED
    if value is Error:
        return _ERROR
    if isinstance(value, int):
        number = int(value)
        if not _INT_MIN <= number <= _INT_MAX:
            raise ClassAdValueError(f"{number} does not fit 64 bits")
        return Literal(number)
    if isinstance(value, float):
        return Literal(float(value))
    if isinstance(value, _registry.expr_class):
        return value._node
    return _compound_node(value, depth)


def _compound_node(value: Any, depth: int) -> Node:
    if isinstance(value, AdStore):
        return value._node()
    if isinstance(value, datetime):
        return Literal(from_datetime(value))
    if isinstance(value, timedelta):
        return Literal(RelTime(value.total_seconds()))
    if isinstance(value, (bytes, bytearray)):
        return to_node(bytes(value).decode("utf-8", "surrogateescape"))
    if depth >= MAX_PYTHON_DEPTH:
        raise ClassAdValueError(f"values nest deeper than {MAX_PYTHON_DEPTH}")
    if isinstance(value, Mapping):
        pairs = []
        for name, item in value.items():
            check_name(name)
            pairs.append((str(name), to_node(item, depth + 1)))
        return _ad_node(pairs)
    if isinstance(value, Iterable) and not isinstance(value, date):
        return ListNode(tuple([to_node(item, depth + 1) for item in value]))
    if hasattr(value, "__index__"):
        return to_node(value.__index__(), depth + 1)
    if hasattr(value, "__float__"):
        return Literal(float(value))
    raise ClassAdValueError(f"a {type(value).__name__} has no value in the ClassAd language")


def check_name(name: object) -> None:
    """Raise ClassAdValueError unless ``name`` can name an attribute."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise ClassAdValueError(f"the name of an attribute is a non-empty str without NUL, not {name!r}")


def _ad_node(pairs: list[tuple[str, Node]]) -> AdNode:
    return _registry.ad_class._from_pairs(pairs)._node()


def to_ad(value: Any) -> AdStore:
    """Return an ad or a mapping as an ad; raises ClassAdValueError for anything else."""
    if isinstance(value, AdStore):
        return value
    if isinstance(value, Mapping):
        return _registry.ad_class(value)
    raise ClassAdValueError(f"expected an ad or a mapping, not a {type(value).__name__}")


def scalar_to_python(value: RuntimeValue) -> Any:
    """Return a value that is neither list nor ad as a Python value."""
    if isinstance(value, AbsTime):
        return to_datetime(value)
    if isinstance(value, RelTime):
        return timedelta(seconds=value.seconds)
    return value


def to_python(value: RuntimeValue) -> Any:
    """Return a value that evaluation gave as a Python value."""
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or kind is Value:
        return value
    if isinstance(value, ListValue):
        return list_to_python(value.items, value.scope)
    if isinstance(value, AdBase):
        # An ad of an evaluation is a copy; only ads that hold it are still to be seen from it, not sides of a match.
        around = value._parent if isinstance(value._parent, AdStore) else None
        return _registry.ad_class._from_pairs(value._pairs(), around)
    return scalar_to_python(value)


def list_to_python(items: Iterable[Node], scope: AdBase | None) -> list[Any]:
    """Return the items of a list as Python values; lists in it become lists, without recursion."""
    result: list[Any] = []
    todo: list[tuple[Iterable[Node], AdBase | None, list[Any]]] = [(items, scope, result)]
    while todo:
        nodes, where, into = todo.pop()
        for node in nodes:
            inner: tuple[Iterable[Node], AdBase | None] | None = None
            if type(node) is ListNode:
                inner = (node.items, where)
            elif type(node) is Literal and isinstance(node.value, ListValue):
                inner = (node.value.items, node.value.scope)
            if inner is None:
                into.append(node_to_python(node, where))
            else:
                into.append([])
                todo.append((*inner, into[-1]))
    return result


def node_to_python(node: Node, scope: AdBase | None) -> Any:
    """Return a node as a Python value without evaluating it: what is no constant, list or ad is an expression."""
    if type(node) is Literal:
        return to_python(node.value)
    if type(node) is AdNode:
        return _registry.ad_class._from_node(node, scope)
    if type(node) is ListNode:
        return list_to_python(node.items, scope)
    return _registry.expr_class._of(node, scope)
