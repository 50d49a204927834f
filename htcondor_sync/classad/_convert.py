"""Python values to nodes and back, by the rules of v1.

What differs from :mod:`htcondor_async.classad._convert`: ads come back as ``dict``, instants as naive local
``datetime``, spans as ``float``; ``timedelta``, ``Decimal`` and the like are not taken; integers beyond 64 bits
overflow.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from htcondor_async.classad import ClassAdInternalError, ClassAdValueError
from htcondor_async.classad import ExprTree as CoreExpr
from htcondor_async.classad import Value as CoreValue
from htcondor_async.classad._convert import MAX_PYTHON_DEPTH
from htcondor_async.classad._nodes import AdNode, ListNode, Literal, Node
from htcondor_async.classad._store import AdStore
from htcondor_async.classad._values import (
    AbsTime,
    AdBase,
    Error,
    ListValue,
    RelTime,
    RuntimeValue,
    Undefined,
    fold,
    to_bytes,
)

from ._values import Value, from_core

if TYPE_CHECKING:
    from ._ad import ClassAd
    from ._expr import ExprTree

__all__ = [
    "NO_KEY",
    "Late",
    "ad_to_python",
    "checked_key",
    "decoded",
    "node_to_python",
    "sorted_keys",
    "to_node",
    "to_python",
]


class Late:
    """The classes that use this module; they put themselves in."""

    ad: type[ClassAd]
    expr: type[ExprTree]


_INT_MIN, _INT_MAX = -0x8000000000000000, 0x7FFFFFFFFFFFFFFF
NO_KEY = "Unable to insert value into classad for key "
_TRUE, _FALSE, _UNDEFINED, _ERROR = Literal(True), Literal(False), Literal(Undefined), Literal(Error)


def decoded(text: str) -> str:
    """Return text that is not ASCII as it was, if its bytes are UTF-8; raises UnicodeDecodeError."""
    return to_bytes(text).decode("utf-8")


# Values of the language to Python


def scalar(value: RuntimeValue) -> Any:
    """Return a value that is neither list nor ad as a Python value; raises UnicodeDecodeError for other bytes."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else decoded(value)  # type: ignore[union-attr,arg-type]  # a str
    if kind is int or kind is float or kind is bool:
        return value
    if isinstance(value, CoreValue):
        return from_core(value)
    if isinstance(value, AbsTime):
        return datetime.fromtimestamp(value.secs)
    assert isinstance(value, RelTime)
    return float(value.seconds)


def to_python(value: RuntimeValue) -> Any:
    """Return what evaluation gave as a Python value.  Items and attributes that are no constants stay expressions."""
    if isinstance(value, ListValue):
        return list_to_python(value.items, None)
    if isinstance(value, AdBase):
        return ad_to_python(Late.ad._from_pairs(value._pairs()))
    return scalar(value)


def node_to_python(node: Node, scope: AdBase | None) -> Any:
    """Return a node as a Python value, unevaluated; an expression is evaluated in ``scope`` later."""
    kind = type(node)
    if kind is Literal:
        return to_python(node.value)  # type: ignore[attr-defined]  # a Literal
    if (kind is ListNode or kind is AdNode) and node.depth > MAX_PYTHON_DEPTH:
        raise ClassAdValueError(f"the value nests deeper than {MAX_PYTHON_DEPTH}")
    if kind is ListNode:
        return list_to_python(node.items, None)  # type: ignore[attr-defined]  # a ListNode
    if kind is AdNode:
        return ad_to_python(Late.ad._from_node(node))  # type: ignore[arg-type]  # an AdNode
    return Late.expr._of(node, scope)


def list_to_python(items: Iterable[Node], scope: AdBase | None) -> list[Any]:
    """Return nodes as a list."""
    return [node_to_python(node, scope) for node in items]


def ad_to_python(ad: AdStore) -> dict[str, Any]:
    """Return a nested ad as a ``dict``; its expressions are evaluated in it, and see nothing around it."""
    return {name: node_to_python(node, ad) for name, node in sorted_pairs(ad)}


def sorted_keys(table: Iterable[str]) -> list[str]:
    """Return lower-case names in v1's order: the shorter first, then alphabetically."""
    keys = sorted(table)
    keys.sort(key=len if all(map(str.isascii, keys)) else lambda key: len(to_bytes(key)))
    return keys


def sorted_pairs(ad: AdStore) -> list[tuple[str, Node]]:
    """Return (name, node) of each attribute in v1's order."""
    pairs = {fold(pair[0]): pair for pair in ad._pairs()}
    return [(decoded(name), node) for name, node in (pairs[key] for key in sorted_keys(pairs))]


# Python values to nodes


def to_node(value: Any, depth: int = 0) -> Node:
    """Return a Python value as a node.

    :raises ClassAdValueError: it has no value in the language, or nests too deeply.
    :raises OverflowError: an integer does not fit 64 bits.
    :raises TypeError: a subclass of ``dict``, or a mapping with keys that are no text.
    :raises ClassAdInternalError: a :class:`Value` that is neither of the two.
    """
    kind = type(value)
    if kind is str:
        if not value.isascii():
            value.encode()
        return Literal(value)
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is int:
        return _integer(value)
    if kind is float:
        return Literal(value)
    if value is None:
        return _UNDEFINED
    if isinstance(value, (Late.expr, CoreExpr)):
        return value._node
    if isinstance(value, (int, str, bytes, float)):
        return _subclass(value)
    return _compound(value, depth)


def _integer(value: int) -> Node:
    if not _INT_MIN <= value <= _INT_MAX:
        raise OverflowError("int too big to convert")
    return Literal(value)


def _subclass(value: Any) -> Node:
    """Return text in bytes, or a value of a subclass of a built-in type."""
    if isinstance(value, (Value, CoreValue)):
        number = int.__add__(value, 0)
        if number not in (1, 2):
            raise ClassAdInternalError("Unknown ClassAd Value type.")
        return _UNDEFINED if number == 2 else _ERROR
    if isinstance(value, bytes):
        return Literal(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, str):
        return to_node(str.__str__(value))
    if isinstance(value, int):
        return _integer(int.__add__(value, 0))
    return Literal(float.__float__(value))


def _compound(value: Any, depth: int) -> Node:
    if isinstance(value, AdStore):
        return value._node()
    if isinstance(value, datetime):
        # The zone and what is below a second are lost, as in v1: the clock's time is taken as local.
        return Literal(AbsTime(int(time.mktime(value.timetuple())), 0))
    if depth >= MAX_PYTHON_DEPTH:
        raise ClassAdValueError(f"values nest deeper than {MAX_PYTHON_DEPTH}")
    if isinstance(value, dict) and type(value) is not dict and value:
        raise TypeError(f"{type(value.keys()).__name__!r} object is not subscriptable")
    if isinstance(value, Mapping) or (hasattr(value, "keys") and hasattr(value, "__getitem__")):
        names = [(checked_key(name, ClassAdValueError(NO_KEY)), name) for name in value.keys()]  # noqa: SIM118
        return Late.ad._from_pairs([(key, to_node(value[name], depth + 1)) for key, name in names])._node()
    try:
        items = iter(value)
    except TypeError:
        raise ClassAdValueError("Unable to convert Python object to a ClassAd expression.") from None
    return ListNode(tuple([to_node(item, depth + 1) for item in items]))


def checked_key(name: Any, empty: Exception | None = None) -> str:
    """Return the name of an attribute in a mapping; raises TypeError for what is no text.

    :param empty: the error that is raised for an empty name, where it is not AttributeError.
    """
    if isinstance(name, bytes):
        name = name.decode("utf-8", "surrogateescape")
    if not isinstance(name, str):
        raise TypeError(f"the name of an attribute is a str, not {type(name).__name__}")
    if not name:
        raise AttributeError("") if empty is None else empty
    if not name.isascii():
        name.encode("utf-8", "surrogateescape")
    return str(name)
