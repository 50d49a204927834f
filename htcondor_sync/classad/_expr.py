"""``classad.ExprTree`` of v1, and the functions that build expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from htcondor_async.classad import ClassAdEvaluationError, ClassAdParseError, ClassAdValueError, _registry
from htcondor_async.classad import ExprTree as CoreExpr
from htcondor_async.classad import Value as CoreValue
from htcondor_async.classad._nodes import AdNode, AttrRef, BinaryOp, FunctionCall, ListNode, Literal, Node, Subscript
from htcondor_async.classad._parser import parse_expression
from htcondor_async.classad._same import same_tree
from htcondor_async.classad._store import AdStore
from htcondor_async.classad._unparse import pretty, unparse_node
from htcondor_async.classad._values import AdBase, ListValue, RuntimeValue
from htcondor_sync._arguments import UNSET

from ._calls import ArgumentError, checked, text_of
from ._convert import Late, node_to_python, to_node, to_python
from ._world import WORLD

if TYPE_CHECKING:
    from ._ad import ClassAd

__all__ = ["Attribute", "ExprTree", "Function", "Literal_", "literal_of", "parse_error"]

_INT_MIN, _INT_MAX = -0x8000000000000000, 0x7FFFFFFFFFFFFFFF
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_REAL = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:(0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?)"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan(?:\([a-z0-9_]*\))?))\Z",
    re.IGNORECASE,
)
_NO_NUMBER = "Unable to convert expression to numeric type."


def parse_error(message: str, error: ClassAdParseError) -> ClassAdParseError:
    """Return v1's error: ``args[0]`` is v1's message, ``str()`` says where the fault is, too."""
    raised = ClassAdParseError(message, error.line, error.column, error.found, error.expected, error.attribute)
    raised.message = f"{message} {error.message}" if message else error.message
    return raised


def evaluated(node: Node, scope: AdBase | None, target: AdStore | None = None) -> RuntimeValue:
    """Return the value of a node in an ad; raises ClassAdEvaluationError where the evaluation fails as a whole."""
    if type(node) is Literal and type(node.value) is not float:
        return node.value
    return _registry.evaluate(node, scope, target, WORLD)


class ExprTree:
    """An expression of the ClassAd language.

    Python's operators build larger expressions, comparison included; :meth:`sameAs` compares.  The truth of an
    expression, its ``int()`` and its ``float()`` are those of its value.

    :param expr: an expression in new syntax, or another expression.
    :raises ClassAdParseError: it does not parse.
    """

    __slots__ = ("__weakref__", "_node", "_scope")

    _node: Node
    _scope: AdBase | None

    @checked
    def __init__(self, expr: Any) -> None:
        """Parse."""
        if isinstance(expr, (ExprTree, CoreExpr)):
            self._node = expr._node
            return
        if type(expr) is not str or not expr.isascii():
            if not isinstance(expr, (str, bytes)):
                raise TypeError(f"an expression is made from a str, not from {type(expr).__name__}")
            expr = text_of(expr, "ExprTree")
        try:
            self._node = parse_expression(expr)
        except ClassAdParseError as error:
            raise parse_error("Unable to parse string into a ClassAd.", error) from None

    @classmethod
    def _of(cls, node: Node, scope: AdBase | None = None) -> ExprTree:
        """Return the expression of a node, evaluated in ``scope`` when no other is given."""
        expr = object.__new__(cls)
        expr._node = node
        expr._scope = scope
        return expr

    def __getattr__(self, name: str) -> Any:
        """Raise ClassAdValueError if this expression has no content (``simplify`` of a list or ad gives such)."""
        if name == "_node":
            raise ClassAdValueError("Cannot operate on an invalid ExprTree")
        if name == "_scope":
            return None  # made from text: in no ad
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __str__(self) -> str:
        """Return the expression in new syntax, lists and ads in it on several lines."""
        return pretty(self._node)

    def __repr__(self) -> str:
        """Return the expression in new syntax on one line."""
        return unparse_node(self._node)

    def __getinitargs__(self) -> tuple[str]:
        """Return what pickling stores: the text."""
        return (str(self),)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as text; the ad it came from is not pickled with it."""
        return (type(self), self.__getinitargs__(), None)

    __hash__ = object.__hash__

    # Values

    @checked
    def eval(self, scope: Any = None) -> Any:
        """Return the value.

        :param scope: the ad in which names are looked up; what is no :class:`ClassAd` is ignored, and the ad that the
            expression came from, if it is from one, is taken.
        :raises ClassAdEvaluationError: the evaluation fails as a whole: a cycle, too deep.
        """
        return to_python(evaluated(self._node, scope if isinstance(scope, AdStore) else self._scope))

    @checked
    def simplify(self, scope: Any = UNSET, target: Any = UNSET) -> ExprTree:
        """Return the value as a constant expression; that of a list or an ad is unusable, as in v1.

        :param scope: the ad in which names are looked up; what is no :class:`ClassAd` is ignored.
        :param target: the ad it is matched with.
        :raises TypeError: ``target`` is no :class:`ClassAd`.
        """
        if target is not UNSET and scope is UNSET:
            raise ArgumentError("simplify: a target needs a scope")
        if target is UNSET or target is None:
            target = None
        elif not isinstance(target, AdStore):
            raise TypeError(f"the target is a ClassAd, not {type(target).__name__}")
        inside = scope if isinstance(scope, AdStore) else None
        # As in v1, without a scope there is no match.
        other = target if inside is not None else None
        value = _registry.evaluate(self._node, self._scope if inside is None else inside, other, WORLD)
        if type(value) is not bool and isinstance(value, (ListValue, AdBase)):
            return ExprTree.__new__(ExprTree)
        return ExprTree._of(Literal(value))

    def __bool__(self) -> bool:
        """Return the truth of the value: false is what Python finds false, and Undefined.

        :raises ClassAdEvaluationError: the value is Error.
        """
        value = evaluated(self._node, self._scope)
        if value is CoreValue.Error:
            raise ClassAdEvaluationError("Unable to evaluate expression.")
        return value is not CoreValue.Undefined and bool(to_python(value))

    def _number(self) -> bool | int | float | str:
        value = evaluated(self._node, self._scope)
        if isinstance(value, CoreValue) or not isinstance(value, (int, float, str)):
            raise ClassAdValueError(_NO_NUMBER)
        return value

    def __int__(self) -> int:
        """Return the value as an integer, as C converts it; raises ClassAdValueError."""
        value = self._number()
        if isinstance(value, str):
            return _integer_of(value)
        if isinstance(value, float):
            return int(value) if -9223372036854775808.0 <= value < 9223372036854775808.0 else _INT_MIN
        return int(value)

    def __float__(self) -> float:
        """Return the value as a float; raises ClassAdValueError."""
        value = self._number()
        return _real_of(value) if isinstance(value, str) else float(value)

    def __getitem__(self, index: Any) -> Any:
        """Return an item of a list, unevaluated if it is no constant, or a character of a string.

        What is neither is evaluated first, in no ad.

        :raises ClassAdValueError: the expression is neither, and its value too.
        """
        node = self._node
        if type(node) is not ListNode and type(node) is not Literal:
            value = evaluated(node, None)
            if isinstance(value, ListValue):
                node = ListNode(tuple(value.items))
            elif type(value) is str:
                return to_python(value)[index]
        if type(node) is ListNode:
            if not isinstance(index, int):
                raise TypeError(f"list indices are integers, not {type(index).__name__}")
            index = int.__add__(index, 0)  # of a Value, too
            if not _INT_MIN <= index <= _INT_MAX:
                raise OverflowError("Python int too large to convert to C long")
            return node_to_python(node.items[_position(index, len(node.items))], self._scope)
        if type(node) is not Literal:
            raise ClassAdValueError("ClassAd expression is unsubscriptable.")
        return to_python(node.value)[index]

    @checked
    def _get(self, index: Any) -> ExprTree:
        """Return ``self[index]`` as an expression."""
        return ExprTree._of(Subscript(self._node, to_node(index)))

    @checked
    def sameAs(self, expr: Any) -> bool:
        """Return whether the other expression is the same, as written."""
        if not isinstance(expr, ExprTree):
            raise ArgumentError(f"sameAs: expected an ExprTree, not {type(expr).__name__}")
        return same_tree(self._node, expr._node)

    # Operators

    def _binary(self, op: str, other: Any, reflected: bool = False) -> ExprTree:
        # No parentheses are added, as in v1: the tree is right, and prints so that it reads otherwise.
        node = to_node(other)
        return ExprTree._of(BinaryOp(op, node, self._node) if reflected else BinaryOp(op, self._node, node))

    def _comparison(self, op: str, other: Any) -> ExprTree:
        """Return the comparison; what has no value in the language is the same as nothing."""
        try:
            return self._binary(op, other)
        except TypeError:  # ClassAdValueError is one
            return ExprTree._of(Literal(op in ("!=", "isnt")))

    def __eq__(self, other: Any) -> ExprTree:  # type: ignore[override]  # an expression, not a truth
        """Return ``self == other`` as an expression; ``false`` for what has no value in the language."""
        return self._comparison("==", other)

    def __ne__(self, other: Any) -> ExprTree:  # type: ignore[override]  # as above
        """Return ``self != other`` as an expression; ``true`` for what has no value in the language."""
        return self._comparison("!=", other)

    @checked
    def and_(self, expr: Any) -> ExprTree:
        """Return ``self && expr`` as an expression."""
        return self._binary("&&", expr)

    @checked
    def or_(self, expr: Any) -> ExprTree:
        """Return ``self || expr`` as an expression."""
        return self._binary("||", expr)

    @checked
    def is_(self, expr: Any) -> ExprTree:
        """Return ``self =?= expr`` as an expression."""
        return self._comparison("is", expr)

    @checked
    def isnt_(self, expr: Any) -> ExprTree:
        """Return ``self =!= expr`` as an expression."""
        return self._comparison("isnt", expr)


def _operator(name: str, op: str, reflected: bool) -> Any:
    def method(self: ExprTree, other: Any) -> ExprTree:
        return self._binary(op, other, reflected)

    method.__name__ = name
    method.__qualname__ = f"ExprTree.{name}"
    method.__doc__ = f"Return ``{'other' if reflected else 'self'} {op} {'self' if reflected else 'other'}``."
    return method


_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ARITHMETIC = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "truediv": "/", "mod": "%", "and": "&", "or": "|", "xor": "^",
    "lshift": "<<", "rshift": ">>",
}  # fmt: skip
for _name, _op in (*_COMPARISONS.items(), *_ARITHMETIC.items()):
    setattr(ExprTree, f"__{_name}__", _operator(f"__{_name}__", _op, False))
for _name, _op in _ARITHMETIC.items():
    setattr(ExprTree, f"__r{_name}__", _operator(f"__r{_name}__", _op, True))

Late.expr = ExprTree


def _position(index: int, size: int) -> int:
    position = index + size if index < 0 else index
    if not 0 <= position < size:
        raise IndexError("list index out of range")
    return position


def _integer_of(text: str) -> int:
    """Return the integer that a string begins with, as strtoll reads it; nothing may follow it."""
    if not text:
        return 0
    match = _INTEGER.match(text)
    if match is None:
        raise ClassAdValueError("Unable to convert string to integer.")
    digits = match.group(1)
    number = int(digits) if len(digits) < 40 else (_INT_MIN - 1 if digits[0] == "-" else _INT_MAX + 1)
    if number > _INT_MAX:
        raise ClassAdValueError("Overflow when converting to integer.")
    if number < _INT_MIN:
        raise ClassAdValueError("Underflow when converting to integer.")
    if match.end() != len(text):
        raise ClassAdValueError("Unable to convert string to integer.")
    return number


def _real_of(text: str) -> float:
    """Return the real that a string is, as strtod reads it."""
    if not text:
        return 0.0
    match = _REAL.match(text)
    if match is None:
        raise ClassAdValueError("Unable to convert string to integer.")
    digits = match.group(1).lower()
    if "inf" in digits or "nan" in digits:
        return float(digits.partition("(")[0])
    try:
        number = float.fromhex(digits) if match.group(2) else float(digits)
    except OverflowError:
        number = float("inf")
    if abs(number) == float("inf"):
        raise ClassAdValueError("Overflow when converting to integer.")
    if abs(number) < 2.2250738585072014e-308 and re.search("[1-9]", digits.partition("e")[0]):
        raise ClassAdValueError("Underflow when converting to integer.")
    return number


def literal_of(value: RuntimeValue) -> ExprTree:
    """Return a value as an expression."""
    return ExprTree._of(Literal(value))


@checked
def Attribute(name: Any) -> ExprTree:
    """Return a reference to an attribute."""
    return ExprTree._of(AttrRef(None, text_of(name, "Attribute")))


def Function(*args: Any, **kwargs: Any) -> ExprTree:
    """``Function(name, *arguments)``: return a call of a function; keywords are ignored, as in v1."""
    if not args:
        raise ArgumentError("Function: the name is missing")
    name, *arguments = args
    if not isinstance(name, (str, bytes)):
        raise TypeError(f"the name of a function is a str, not {type(name).__name__}")
    return ExprTree._of(FunctionCall(text_of(name, "Function"), tuple([to_node(each) for each in arguments])))


@checked
def Literal_(obj: Any) -> ExprTree:
    """Return a value as a constant expression; an expression is evaluated.

    :raises ClassAdValueError: the value is no constant: a list, an ad.
    """
    node = to_node(obj)
    if type(node) is Literal:
        return ExprTree._of(node)
    value = evaluated(node, None)
    if isinstance(value, (ListValue, AdBase)) or isinstance(node, (ListNode, AdNode)):
        raise ClassAdValueError("Unable to convert expression to literal")
    return literal_of(value)


Literal_.__name__ = Literal_.__qualname__ = "Literal"


def as_ad(value: Any) -> ClassAd:
    """Return an argument that must be an ad; raises TypeError."""
    if not isinstance(value, Late.ad):
        raise TypeError(f"expected a ClassAd, not {type(value).__name__}")
    return value
