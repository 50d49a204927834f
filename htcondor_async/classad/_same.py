"""Whether two expressions are the same, as written."""

from __future__ import annotations

from ._nodes import (
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
from ._values import AdBase, ListValue

__all__ = ["same_tree"]


def same_tree(first: Node, second: Node) -> bool:
    """Return whether two trees are equal: same operators, constants of the same type and value, same names.

    Names of attributes in references and of functions are compared with their case, names in ads without.
    """
    todo: list[tuple[Node, Node]] = [(first, second)]
    while todo:
        left, right = todo.pop()
        if left is right:
            continue
        left, right = _opened(left), _opened(right)
        if type(left) is not type(right):
            return False
        pairs = _children(left, right)
        if pairs is None:
            return False
        todo.extend(pairs)
    return True


def _opened(node: Node) -> Node:
    """Return lists and ads that were computed as the nodes they would be written as."""
    if type(node) is Literal:
        if isinstance(node.value, ListValue):
            return ListNode(node.value.items)
        if isinstance(node.value, AdBase):
            return AdNode(tuple(node.value._pairs()))
    return node


def _children(left: Node, right: Node) -> list[tuple[Node, Node]] | None:
    """Return the pairs of subtrees that must be equal for two nodes of one type to be, or None if they cannot be."""
    if isinstance(left, Literal) and isinstance(right, Literal):
        same = type(left.value) is type(right.value) and left.value == right.value
        return [] if same else None
    if isinstance(left, AttrRef) and isinstance(right, AttrRef):
        if left.name != right.name or left.absolute != right.absolute or (left.base is None) != (right.base is None):
            return None
        return [] if left.base is None or right.base is None else [(left.base, right.base)]
    if isinstance(left, BinaryOp) and isinstance(right, BinaryOp):
        return [(left.left, right.left), (left.right, right.right)] if left.op == right.op else None
    if isinstance(left, UnaryOp) and isinstance(right, UnaryOp):
        return [(left.operand, right.operand)] if left.op == right.op else None
    if isinstance(left, Paren) and isinstance(right, Paren):
        return [(left.inner, right.inner)]
    if isinstance(left, Subscript) and isinstance(right, Subscript):
        return [(left.base, right.base), (left.index, right.index)]
    if isinstance(left, Conditional) and isinstance(right, Conditional):
        return [(left.test, right.test), (left.yes, right.yes), (left.no, right.no)]
    if isinstance(left, FunctionCall) and isinstance(right, FunctionCall):
        if left.name != right.name or len(left.args) != len(right.args):
            return None
        return list(zip(left.args, right.args, strict=False))
    if isinstance(left, ListNode) and isinstance(right, ListNode):
        return list(zip(left.items, right.items, strict=False)) if len(left.items) == len(right.items) else None
    assert isinstance(left, AdNode) and isinstance(right, AdNode)
    if left.table.keys() != right.table.keys():
        return None
    return [(node, right.table[lower][1]) for lower, (_, node) in left.table.items()]
