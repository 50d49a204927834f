"""ClassAd expressions as job ads are made of them.

Attributes are kept as nodes of :mod:`htcondor_async.classad`, so that an ad is made of them without any conversion. A
constant is shown to the commands as the Python value it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from htcondor_async.classad._ad import ClassAd
from htcondor_async.classad._errors import ClassAdException
from htcondor_async.classad._expr import ExprTree
from htcondor_async.classad._nodes import (
    AdNode,
    AttrRef,
    BinaryOp,
    Conditional,
    FunctionCall,
    ListNode,
    Literal,
    Node,
    Paren,
    Subscript,
    UnaryOp,
)
from htcondor_async.classad._parser import parse_expression
from htcondor_async.classad._same import same_tree
from htcondor_async.classad._unparse import unparse_node
from htcondor_async.classad._values import Undefined

__all__ = [
    "UNDEFINED",
    "ExpressionError",
    "constant_int",
    "evaluate_in",
    "internal_references",
    "is_expression",
    "is_valid",
    "literal",
    "make_ad",
    "node_of",
    "nodes_of",
    "parse",
    "references",
    "same",
    "shown",
    "unparse",
    "wrapped_for_and",
    "wrapped_for_or",
]

UNDEFINED = Undefined

_CACHE_SIZE = 2000
_MAX_CACHED_TEXT = 4096
_cache: dict[str, Node] = {}

# Operators that bind more tightly than ``&&``; ``||`` and the conditional do not.
_LOOSER_THAN_AND = frozenset({"||", "?:"})


class ExpressionError(ValueError):
    """A text is no ClassAd expression; the message says why."""


def parse(text: str) -> Node:
    """Return the expression ``text`` (old syntax).

    Raises
    ------
    ExpressionError
        It is none.
    """
    node = _cache.get(text)
    if node is None:
        try:
            node = parse_expression(text, old=True)
        except ClassAdException as error:
            raise ExpressionError(str(error)) from error
        if len(text) <= _MAX_CACHED_TEXT:
            if len(_cache) >= _CACHE_SIZE:
                _cache.clear()
            _cache[text] = node
    return node


def is_valid(text: str) -> bool:
    """Return whether ``text`` is an expression."""
    try:
        parse(text)
    except ExpressionError:
        return False
    return True


def nodes_of(ad: ClassAd) -> Iterator[tuple[str, Node]]:
    """Give the attributes of an ad as they are written."""
    for name in ad:
        yield name, ad.lookup(name)._node


def node_of(value: Any) -> Node:
    """Return a Python constant or a node as a node."""
    return value if isinstance(value, Node) else Literal(value)


def shown(node: Node | None) -> Any:
    """Return a constant as its Python value, other nodes as they are, and None for None."""
    return node.value if type(node) is Literal else node


def is_expression(value: Any) -> bool:
    """Return whether a value of :func:`shown` needs evaluation."""
    return isinstance(value, Node)


def same(first: Node | None, second: Node) -> bool:
    """Return whether two attributes are equal by type and value, expressions as they are written."""
    if first is None:
        return False
    if type(first) is Literal and type(second) is Literal:
        return type(first.value) is type(second.value) and first.value == second.value
    return first is second or same_tree(first, second)


def literal(value: Any) -> tuple[bool, Any]:
    """Return whether a value (a constant, or a node) is a constant, perhaps in parentheses, and the constant."""
    while isinstance(value, Paren):
        value = value.inner
    if isinstance(value, Literal):
        return True, value.value
    if isinstance(value, Node) or value is None:
        return False, None
    return True, value


def unparse(value: Any) -> str:
    """Return the text of a constant or a node."""
    return unparse_node(node_of(value))


def evaluate_in(value: Node, ad: ClassAd) -> Any:
    """Return what an expression evaluates to in an ad; Undefined if it cannot be evaluated."""
    try:
        return ExprTree._of(value).eval(ad)
    except ClassAdException:
        return Undefined


def constant_int(text: str) -> int | None:
    """Return the integer that an expression without references stands for, or None.

    Raises
    ------
    ExpressionError
        ``text`` is no expression.
    """
    node = parse(text)
    if _walk(node):
        return None
    try:
        value = ExprTree._of(node).eval()
    except ClassAdException:
        return None
    if type(value) is float:
        return int(value) if abs(value) < 2.0**63 else None
    return int(value) if type(value) in (bool, int) else None


def make_ad(pairs: Iterable[tuple[str, Node]]) -> ClassAd:
    """Return an ad of names and nodes."""
    return ClassAd._from_pairs(pairs)


def table_ad(table: dict[str, Any]) -> ClassAd:
    """Return an ad that owns ``table``, a mapping of lower-case names to (name, node)."""
    ad = ClassAd.__new__(ClassAd)
    ad._table = table
    return ad


# -- references


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, BinaryOp):
        return (node.left, node.right)
    if isinstance(node, Paren):
        return (node.inner,)
    if isinstance(node, UnaryOp):
        return (node.operand,)
    if isinstance(node, Conditional):
        return (node.test, node.yes, node.no)
    if isinstance(node, FunctionCall):
        return node.args
    if isinstance(node, Subscript):
        return (node.base, node.index)
    if isinstance(node, ListNode):
        return node.items
    if isinstance(node, AdNode):
        return tuple(child for _, child in node.pairs)
    return ()


def _walk(node: Node) -> list[tuple[str, str]]:
    """Return the references of an expression as (scope, name), lower case; the scope is "" for a plain name."""
    found: list[tuple[str, str]] = []
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, AttrRef):
            base = current.base
            if base is None:
                found.append(("", current.lower))
            elif isinstance(base, AttrRef) and base.base is None:
                found.append((base.lower, current.lower))
            else:
                pending.append(base)
        else:
            pending.extend(_children(current))
    return found


def references(text: str, own: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the names that an expression takes from the job and from the machine, lower case.

    Parameters
    ----------
    text
        The expression; nothing is found in what is none.
    own
        Names that a plain reference takes from the job; all others come from the machine.
    """
    job: set[str] = set()
    machine: set[str] = set()
    try:
        found = _walk(parse(text)) if text.strip() else []
    except ExpressionError:
        return job, machine
    for scope, name in found:
        if scope in ("", "my"):
            (job if name in own else machine).add(name)
        elif scope in ("target", "other"):
            machine.add(name)
        else:
            (job if scope in own else machine).add(scope)
    return job, machine


def internal_references(value: Any, own: Collection[str]) -> set[str]:
    """Return which of the names ``own`` (lower case) an expression refers to, plainly or with MY."""
    if not isinstance(value, Node):
        return set()
    return {name for scope, name in _walk(value) if scope in ("", "my") and name in own}


# -- joining


def _is_loose(node: Node, looser: Collection[str]) -> bool:
    return isinstance(node, Conditional) or (isinstance(node, BinaryOp) and node.op in looser)


def wrapped_for_or(text: str) -> str:
    """Return an expression so that it can stand beside ``||``.

    Raises
    ------
    ExpressionError
        ``text`` is no expression.
    """
    return f"({text})" if _is_loose(parse(text), {"?:"}) else text


def wrapped_for_and(text: str) -> str:
    """Return an expression so that it can stand beside ``&&``; raises ExpressionError."""
    return f"({text})" if _is_loose(parse(text), _LOOSER_THAN_AND) else text
