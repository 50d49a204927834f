"""Expressions as Python objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _registry
from ._errors import ClassAdEvaluationError, ClassAdTypeError
from ._nodes import AttrRef, BinaryOp, FunctionCall, ListNode, Literal, Node, Paren, Subscript, UnaryOp
from ._parser import parse_expression
from ._precedence import BINARY, DEFAULT, UNARY
from ._same import same_tree
from ._unparse import pretty, unparse_node, unparse_wire
from ._values import Value

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

    from ._values import AdBase

__all__ = ["ExprTree", "attr", "function", "literal"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED_NAMES = frozenset({"error", "false", "is", "isnt", "parent", "true", "undefined"})
_PRECEDENCE = {**BINARY, "?:": DEFAULT}


class ExprTree:
    """An expression of the ClassAd language.

    ``str(expr)`` is the expression in new syntax.  Python's operators build larger expressions; ``==`` does so too, so
    compare two with :meth:`same_as`.

    :param text: an expression in new syntax, or another expression.
    :raises ClassAdParseError: it is none.
    """

    __slots__ = ("_node", "_scope")

    _node: Node
    _scope: AdBase | None

    def __init__(self, text: str | ExprTree) -> None:
        if isinstance(text, ExprTree):
            self._node, self._scope = text._node, text._scope
        elif isinstance(text, str):
            self._node, self._scope = parse_expression(text), None
        else:
            raise ClassAdTypeError(f"an expression is made from text, not from {type(text).__name__}")

    @classmethod
    def _of(cls, node: Node, scope: AdBase | None = None) -> ExprTree:
        """Return the expression of a node, evaluated in ``scope`` when no other is given."""
        expr = cls.__new__(cls)
        expr._node = node
        expr._scope = scope
        return expr

    def __str__(self) -> str:
        """Return the expression in new syntax, on one line."""
        return unparse_node(self._node)

    def __repr__(self) -> str:
        """Return ``ExprTree('...')``."""
        return f"ExprTree({str(self)!r})"

    def old(self) -> str:
        """Return the expression in old syntax, as the value in a line of an ad that is sent.

        Unlike HTCondor's own printer this writes strings that old syntax cannot hold so that they are read back as they
        are, and nothing in them can change what the expression means.
        """
        return unparse_wire(self._node)

    def pretty(self) -> str:
        """Return the expression in new syntax with ads and lists on several lines."""
        return pretty(self._node)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as text; the ad it came from is not pickled with it."""
        return (ExprTree, (str(self),))

    def eval(
        self,
        ad: Mapping[str, Any] | None = None,
        target: Mapping[str, Any] | None = None,
        *,
        environment: Environment | None = None,
    ) -> Any:
        """Return the value of the expression as a Python value.

        :param ad: the ad in which names are looked up (``MY``); by default the ad that the expression came from.
        :param target: the ad it is matched with (``TARGET``).
        :param environment: the world; by default that of the process.
        :raises ClassAdEvaluationError: the evaluation fails as a whole: a cycle, too deep.
        """
        convert = _registry.convert
        scope = self._scope if ad is None else convert.to_ad(ad)
        other = None if target is None else convert.to_ad(target)
        return convert.to_python(_registry.evaluate(self._node, scope, other, environment))

    def simplify(self, ad: Mapping[str, Any] | None = None, target: Mapping[str, Any] | None = None) -> ExprTree:
        """Return the value of the expression as a constant expression; the parameters as for :meth:`eval`."""
        convert = _registry.convert
        scope = self._scope if ad is None else convert.to_ad(ad)
        other = None if target is None else convert.to_ad(target)
        return ExprTree._of(Literal(_registry.evaluate(self._node, scope, other, None)))

    def same_as(self, other: ExprTree) -> bool:
        """Return whether the two are the same expression, as written (names with their case)."""
        return same_tree(self._node, other._node)

    def __bool__(self) -> bool:
        """Return the truth of the value; raises ClassAdEvaluationError where it has none."""
        value = self.eval()
        if isinstance(value, (Value, str)) or not isinstance(value, (bool, int, float)):
            raise ClassAdEvaluationError(f"the value of {self} is neither true nor false")
        return bool(value)

    def __int__(self) -> int:
        """Return the value as an int; raises ClassAdEvaluationError where it has none."""
        return int(self._number())

    def __float__(self) -> float:
        """Return the value as a float; raises ClassAdEvaluationError where it has none."""
        return float(self._number())

    def _number(self) -> float | str:
        value = self.eval()
        if isinstance(value, Value) or not isinstance(value, (bool, int, float, str)):
            raise ClassAdEvaluationError(f"the value of {self} is not a number")
        return value

    def _binary(self, op: str, other: Operand, reflected: bool = False) -> ExprTree:
        node = _registry.convert.to_node(other)
        left, right = (node, self._node) if reflected else (self._node, node)
        level = _PRECEDENCE[op]
        return ExprTree._of(BinaryOp(op, _wrapped(left, level), _wrapped(right, level + 1)), self._scope)

    def __eq__(self, other: Operand) -> ExprTree:  # type: ignore[override]  # an expression, not a truth
        """Return ``self == other`` as an expression."""
        return self._binary("==", other)

    def __ne__(self, other: Operand) -> ExprTree:  # type: ignore[override]  # as above
        """Return ``self != other`` as an expression."""
        return self._binary("!=", other)

    __hash__ = None  # type: ignore[assignment]  # equality does not compare

    def __lt__(self, other: Operand) -> ExprTree:
        """Return ``self < other`` as an expression."""
        return self._binary("<", other)

    def __le__(self, other: Operand) -> ExprTree:
        """Return ``self <= other`` as an expression."""
        return self._binary("<=", other)

    def __gt__(self, other: Operand) -> ExprTree:
        """Return ``self > other`` as an expression."""
        return self._binary(">", other)

    def __ge__(self, other: Operand) -> ExprTree:
        """Return ``self >= other`` as an expression."""
        return self._binary(">=", other)

    def __add__(self, other: Operand) -> ExprTree:
        """Return ``self + other`` as an expression."""
        return self._binary("+", other)

    def __radd__(self, other: Operand) -> ExprTree:
        """Return ``other + self`` as an expression."""
        return self._binary("+", other, True)

    def __sub__(self, other: Operand) -> ExprTree:
        """Return ``self - other`` as an expression."""
        return self._binary("-", other)

    def __rsub__(self, other: Operand) -> ExprTree:
        """Return ``other - self`` as an expression."""
        return self._binary("-", other, True)

    def __mul__(self, other: Operand) -> ExprTree:
        """Return ``self * other`` as an expression."""
        return self._binary("*", other)

    def __rmul__(self, other: Operand) -> ExprTree:
        """Return ``other * self`` as an expression."""
        return self._binary("*", other, True)

    def __truediv__(self, other: Operand) -> ExprTree:
        """Return ``self / other`` as an expression."""
        return self._binary("/", other)

    def __rtruediv__(self, other: Operand) -> ExprTree:
        """Return ``other / self`` as an expression."""
        return self._binary("/", other, True)

    def __mod__(self, other: Operand) -> ExprTree:
        """Return ``self % other`` as an expression."""
        return self._binary("%", other)

    def __rmod__(self, other: Operand) -> ExprTree:
        """Return ``other % self`` as an expression."""
        return self._binary("%", other, True)

    def __and__(self, other: Operand) -> ExprTree:
        """Return the bitwise ``self & other`` as an expression; the logical one is :meth:`and_`."""
        return self._binary("&", other)

    def __rand__(self, other: Operand) -> ExprTree:
        """Return the bitwise ``other & self`` as an expression."""
        return self._binary("&", other, True)

    def __or__(self, other: Operand) -> ExprTree:
        """Return the bitwise ``self | other`` as an expression; the logical one is :meth:`or_`."""
        return self._binary("|", other)

    def __ror__(self, other: Operand) -> ExprTree:
        """Return the bitwise ``other | self`` as an expression."""
        return self._binary("|", other, True)

    def __xor__(self, other: Operand) -> ExprTree:
        """Return the bitwise ``self ^ other`` as an expression."""
        return self._binary("^", other)

    def __rxor__(self, other: Operand) -> ExprTree:
        """Return the bitwise ``other ^ self`` as an expression."""
        return self._binary("^", other, True)

    def __lshift__(self, other: Operand) -> ExprTree:
        """Return ``self << other`` as an expression."""
        return self._binary("<<", other)

    def __rlshift__(self, other: Operand) -> ExprTree:
        """Return ``other << self`` as an expression."""
        return self._binary("<<", other, True)

    def __rshift__(self, other: Operand) -> ExprTree:
        """Return ``self >> other`` as an expression."""
        return self._binary(">>", other)

    def __rrshift__(self, other: Operand) -> ExprTree:
        """Return ``other >> self`` as an expression."""
        return self._binary(">>", other, True)

    def __neg__(self) -> ExprTree:
        """Return ``-self`` as an expression."""
        return ExprTree._of(UnaryOp("-", _wrapped(self._node, UNARY)), self._scope)

    def __invert__(self) -> ExprTree:
        """Return the bitwise ``~self`` as an expression; the logical one is :meth:`not_`."""
        return ExprTree._of(UnaryOp("~", _wrapped(self._node, UNARY)), self._scope)

    def __getitem__(self, index: Operand) -> ExprTree:
        """Return ``self[index]`` as an expression."""
        return ExprTree._of(Subscript(_wrapped(self._node, DEFAULT), _registry.convert.to_node(index)), self._scope)

    __iter__ = None  # with __getitem__ alone Python would ask for one item after the other, without end

    def and_(self, other: Operand) -> ExprTree:
        """Return ``self && other`` as an expression."""
        return self._binary("&&", other)

    def or_(self, other: Operand) -> ExprTree:
        """Return ``self || other`` as an expression."""
        return self._binary("||", other)

    def not_(self) -> ExprTree:
        """Return ``!self`` as an expression."""
        return ExprTree._of(UnaryOp("!", _wrapped(self._node, UNARY)), self._scope)

    def is_(self, other: Operand) -> ExprTree:
        """Return ``self =?= other`` as an expression."""
        return self._binary("is", other)

    def isnt_(self, other: Operand) -> ExprTree:
        """Return ``self =!= other`` as an expression."""
        return self._binary("isnt", other)

    def in_(self, values: Any) -> ExprTree:
        """Return ``member(self, {values})`` as an expression."""
        items = ListNode(tuple(_registry.convert.to_node(value) for value in values))
        return ExprTree._of(FunctionCall("member", (self._node, items)), self._scope)


Operand = ExprTree | Any


def _level(node: Node) -> int:
    """Return the precedence of a node's outermost operator; 13 for what needs no parentheses."""
    if isinstance(node, BinaryOp):
        return _PRECEDENCE.get(node.op, 0)
    if isinstance(node, UnaryOp):
        return UNARY
    if type(node).__name__ == "Conditional":
        return 0
    if isinstance(node, Literal) and type(node.value) in (int, float) and node.value < 0:  # type: ignore[operator]
        return UNARY
    return 13


def _wrapped(node: Node, level: int) -> Node:
    """Return ``node``, in parentheses if it binds less tightly than ``level``."""
    return Paren(node) if _level(node) < level else node


def attr(name: str, scope: str | None = None) -> ExprTree:
    """Return a reference to an attribute, whatever characters its name has.

    ``attr("Owner") == name`` is a constraint that no content of ``name`` can change the meaning of.

    :param name: the attribute.
    :param scope: ``"MY"`` or ``"TARGET"``, to say of which ad.
    """
    if not isinstance(name, str) or not name:
        raise ClassAdTypeError("an attribute name is a non-empty str")
    if "\0" in name:
        raise ClassAdTypeError("an attribute name contains no NUL")
    if scope is None:
        return ExprTree._of(AttrRef(None, name))
    if scope.upper() not in ("MY", "TARGET"):
        raise ClassAdTypeError(f"the scope of an attribute is MY or TARGET, not {scope!r}")
    base = AttrRef(None, scope)
    if not _PLAIN.match(name) or name.lower() in _RESERVED_NAMES:
        # Behind a point names are printed without quotes; as an index nothing in the name can change the meaning.
        return ExprTree._of(Subscript(base, Literal(name)))
    return ExprTree._of(AttrRef(base, name))


def literal(value: Any) -> ExprTree:
    """Return a Python value as a constant expression; raises ClassAdValueError for one that has none."""
    return ExprTree._of(_registry.convert.to_node(value))


def function(name: str, *arguments: Any) -> ExprTree:
    """Return a call of a function of the language with arguments that are expressions or Python values."""
    if not isinstance(name, str) or not _PLAIN.match(name) or name.lower() in _RESERVED_NAMES:
        raise ClassAdTypeError(f"not the name of a function: {name!r}")
    return ExprTree._of(FunctionCall(name, tuple(_registry.convert.to_node(argument) for argument in arguments)))
