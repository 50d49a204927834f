"""Immutable expression trees.

A node never changes once built, so trees are shared between ads and threads.  ``depth`` bounds how deep the tree is;
``_run`` caches the compiled form (:mod:`._compile`), filled at the first evaluation by one assignment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ._values import RelTime, fold

if TYPE_CHECKING:
    from ._context import EvalContext
    from ._values import RuntimeValue

__all__ = [
    "AdNode",
    "AttrRef",
    "BinaryOp",
    "Conditional",
    "FunctionCall",
    "ListNode",
    "Literal",
    "Node",
    "Paren",
    "Subscript",
    "UnaryOp",
]


class Node:
    """Base of all nodes."""

    __slots__ = ("_run", "depth")

    depth: int
    _run: Callable[[EvalContext], RuntimeValue] | None


class Literal(Node):
    """A constant.  ``value`` is any runtime value; lists and ads computed by functions are carried this way too."""

    __slots__ = ("result", "value")

    def __init__(self, value: RuntimeValue) -> None:
        self.value = value
        # A relative time that is written evaluates to its seconds: a peculiarity of HTCondor's library.
        self.result: RuntimeValue = value.seconds if type(value) is RelTime else value
        self.depth = 1
        self._run = None


class AttrRef(Node):
    """``name``, ``.name`` (absolute) or ``base.name``."""

    __slots__ = ("absolute", "base", "lower", "name")

    def __init__(self, base: Node | None, name: str, absolute: bool = False) -> None:
        self.base = base
        self.name = name
        self.lower = name.lower() if name.isascii() else fold(name)
        self.absolute = absolute
        self.depth = 1 if base is None else base.depth + 1
        self._run = None


class UnaryOp(Node):
    """A unary operator: one of ``+ - ! ~``."""

    __slots__ = ("op", "operand")

    def __init__(self, op: str, operand: Node) -> None:
        self.op = op
        self.operand = operand
        self.depth = operand.depth + 1
        self._run = None


class Paren(Node):
    """An expression in parentheses (they are kept for printing)."""

    __slots__ = ("inner",)

    def __init__(self, inner: Node) -> None:
        self.inner = inner
        self.depth = inner.depth + 1
        self._run = None


class BinaryOp(Node):
    """A binary operator; ``op`` as in new syntax (``is`` for ``=?=``, ``isnt`` for ``=!=``, ``?:`` for a default)."""

    __slots__ = ("left", "op", "right")

    def __init__(self, op: str, left: Node, right: Node) -> None:
        self.op = op
        self.left = left
        self.right = right
        first, second = left.depth, right.depth
        self.depth = (first if first > second else second) + 1
        self._run = None


class Subscript(Node):
    """``base[index]``."""

    __slots__ = ("base", "index")

    def __init__(self, base: Node, index: Node) -> None:
        self.base = base
        self.index = index
        self.depth = max(base.depth, index.depth) + 1
        self._run = None


class Conditional(Node):
    """``test ? yes : no``."""

    __slots__ = ("no", "test", "yes")

    def __init__(self, test: Node, yes: Node, no: Node) -> None:
        self.test = test
        self.yes = yes
        self.no = no
        self.depth = max(test.depth, yes.depth, no.depth) + 1
        self._run = None


class FunctionCall(Node):
    """``name(args)``; ``name`` as written."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, args: tuple[Node, ...]) -> None:
        self.name = name
        self.args = args
        self.depth = max((arg.depth for arg in args), default=0) + 1
        self._run = None


class ListNode(Node):
    """``{ a, b }``."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Node, ...]) -> None:
        self.items = items
        self.depth = max((item.depth for item in items), default=0) + 1
        self._run = None


class AdNode(Node):
    """``[ a = 1; b = 2 ]``: names as written, in order, no name twice."""

    __slots__ = ("pairs", "table")

    def __init__(self, pairs: tuple[tuple[str, Node], ...]) -> None:
        self.pairs = pairs
        self.table = {fold(name): (name, node) for name, node in pairs}
        self.depth = max((node.depth for _, node in pairs), default=0) + 1
        self._run = None
