"""Which attributes an expression refers to, within an ad and outside it."""

from __future__ import annotations

from . import _registry
from ._context import MAX_DEPTH, EvalContext, EvaluationFailed
from ._errors import ClassAdValueError
from ._nodes import AdNode, AttrRef, BinaryOp, Conditional, FunctionCall, ListNode, Node, Paren, Subscript, UnaryOp
from ._scope import find_name, loose_value
from ._unparse import unparse_node
from ._values import AdBase, RuntimeValue, Undefined, fold

__all__ = ["external_refs", "internal_refs"]


def _children(node: Node) -> tuple[Node, ...]:
    """Return the expressions a node consists of."""
    if isinstance(node, BinaryOp):
        return (node.left, node.right)
    if isinstance(node, UnaryOp):
        return (node.operand,)
    if isinstance(node, Paren):
        return (node.inner,)
    if isinstance(node, Conditional):
        return (node.test, node.yes, node.no)
    if isinstance(node, Subscript):
        return (node.base, node.index)
    if isinstance(node, FunctionCall):
        return node.args
    if isinstance(node, ListNode):
        return node.items
    if isinstance(node, AdNode):
        return tuple([inner for _, inner in node.pairs])
    return ()


_Step = tuple["Node | AdBase | None", AdBase, int, bool]


class _Walk:
    """Follows references from an expression; an attribute that leads to itself is an error."""

    def __init__(self, ad: AdBase, internal: bool) -> None:
        self.ctx = EvalContext(ad)
        self.ctx.root = ad
        self.ad = ad
        self.internal = internal
        self.names: dict[str, str] = {}
        self.done: set[tuple[int, int, bool]] = set()
        self.path: set[tuple[int, int, bool]] = set()
        self.keys: list[tuple[int, int, bool]] = []
        self.todo: list[_Step] = []

    def run(self, node: Node) -> list[str]:
        """Return the names, sorted without regard to case.

        A step is an expression, the ad it is looked up in, how many attributes led to it, and whether it only says in
        which ad a name is looked up: then the attributes of an ad it names are not references.
        """
        self.todo.append((node, self.ad, 0, False))
        while self.todo:
            current, ad, depth, scoping = self.todo.pop()
            if current is None:
                key = self.keys.pop()
                self.path.remove(key)
                self.done.add(key)
            elif isinstance(current, AttrRef):
                self._reference(current, ad, depth, scoping)
            elif not (scoping and isinstance(current, (AdNode, AdBase))):
                inner = [pair[1] for pair in current._pairs()] if isinstance(current, AdBase) else _children(current)
                # From left to right: of several spellings the first counts.
                self.todo.extend([(child, ad, depth, scoping) for child in reversed(inner)])
        return sorted(self.names.values(), key=fold)

    def _evaluate(self, node: Node, ad: AdBase) -> RuntimeValue:
        self.ctx.ad = ad
        try:
            return loose_value(self.ctx, node, None)
        except (EvaluationFailed, RecursionError):
            raise _undetermined() from None

    def _reference(self, node: AttrRef, ad: AdBase, depth: int, scoping: bool) -> None:
        start: AdBase | None = ad
        if node.base is not None:
            if self.internal:
                self.todo.append((node.base, ad, depth, True))
            value = self._evaluate(node.base, ad)
            if value is Undefined:
                if not self.internal:
                    self._add(f"{unparse_node(node.base)}.{node.name}")
                return
            if not isinstance(value, AdBase):
                raise _undetermined()
            start = value
        elif node.absolute:
            start = self.ctx.root
        assert start is not None
        try:
            found = find_name(self.ctx, start, node.lower)
        except EvaluationFailed:
            raise _undetermined() from None
        if found is None:
            if not self.internal:
                self._add(node.name)
            return
        meaning, where = found
        if self.internal and where is self.ad and self.ad._lookup(node.lower) is not None:
            self._add(node.name)
        self._follow(meaning, where, depth + 1, scoping)

    def _follow(self, meaning: Node | AdBase, ad: AdBase, depth: int, scoping: bool) -> None:
        key = (id(meaning), id(ad), scoping)
        if key in self.done:
            return
        if key in self.path or depth > MAX_DEPTH:
            raise _undetermined()
        self.path.add(key)
        self.keys.append(key)
        self.todo.append((None, ad, depth, scoping))
        self.todo.append((meaning, ad, depth, scoping))

    def _add(self, name: str) -> None:
        self.names.setdefault(fold(name), name)


def _undetermined() -> ClassAdValueError:
    return ClassAdValueError("Unable to determine the references of the expression.")


def external_refs(node: Node, ad: AdBase) -> list[str]:
    """Return the names that an expression refers to and ``ad`` does not have; raises ClassAdValueError."""
    return _Walk(ad, False).run(node)


def internal_refs(node: Node, ad: AdBase) -> list[str]:
    """Return the names of attributes of ``ad`` that an expression refers to; raises ClassAdValueError."""
    return _Walk(ad, True).run(node)


_registry.external_refs = external_refs
_registry.internal_refs = internal_refs
