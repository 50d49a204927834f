"""The enumerations of the v1 module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from htcondor_async.classad import ClassAdEvaluationError, ClassAdInternalError, ClassAdValueError
from htcondor_async.classad import Value as CoreValue
from htcondor_sync._enums import BoostEnum

if TYPE_CHECKING:
    from ._expr import ExprTree

__all__ = ["ERROR", "UNDEFINED", "Parser", "Value", "from_core"]


class Parser(BoostEnum, members={"Auto": 0, "Old": 1, "New": 2}, shown_in="classad.classad"):
    """Which syntax is parsed; ``Auto`` finds out."""

    __slots__ = ()

    Auto: ClassVar[Parser]
    Old: ClassVar[Parser]
    New: ClassVar[Parser]


class Value(BoostEnum, members={"Error": 1, "Undefined": 2}, shown_in="classad.classad"):
    """The two exceptional values, ``Undefined`` and ``Error``.

    They stand for expressions in operators: ``Value.Undefined + 1`` is an :class:`ExprTree`, and so are comparisons,
    but for two: anything ``== Value.Undefined`` is True, and ``== None`` is False.
    """

    __slots__ = ()

    Error: ClassVar[Value]
    Undefined: ClassVar[Value]

    def _expression(self) -> ExprTree:
        from ._expr import literal_of

        return literal_of(CoreValue.Undefined if int.__eq__(self, 2) else CoreValue.Error)

    def __bool__(self) -> bool:
        """Return False for ``Undefined``; raises ClassAdEvaluationError for ``Error``."""
        if int.__eq__(self, 2):
            return False
        if int.__eq__(self, 1):
            raise ClassAdEvaluationError("Expression evaluated to ClassAd ERROR value.")
        raise ClassAdInternalError("Unrecognized ClassAd value.")

    def __int__(self) -> int:
        """Raise ClassAdValueError."""
        raise ClassAdValueError("Unable to convert expression to numeric type.")

    def __float__(self) -> float:
        """Raise ClassAdValueError."""
        raise ClassAdValueError("Unable to convert expression to numeric type.")

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> Any:
        """Return True for ``Value.Undefined``, False for None, otherwise the comparison as an expression."""
        if isinstance(other, Value) and int.__eq__(other, 2):
            return True
        return False if other is None else self._expression() == other


def _delegated(name: str) -> Any:
    def method(self: Value, other: Any) -> Any:
        return getattr(self._expression(), name)(other)

    method.__name__ = name
    method.__qualname__ = f"Value.{name}"
    method.__doc__ = f"Apply ``ExprTree.{name}`` to the value as an expression."
    return method


_BINARY = ("add", "sub", "mul", "div", "truediv", "mod", "and", "or", "xor", "lshift", "rshift")
for _name in ("lt", "le", "ne", "ge", "gt", *_BINARY, *("r" + _each for _each in _BINARY)):
    setattr(Value, f"__{_name}__", _delegated(f"__{_name}__"))


def _invert(self: Value) -> Any:
    """Raise AttributeError, as in v1: expressions have no ``~``."""
    raise AttributeError("'ExprTree' object has no attribute '__invert__'")


setattr(Value, "__invert__", _invert)  # noqa: B010  # mypy would compare it with int's

UNDEFINED: Value = Value.Undefined
ERROR: Value = Value.Error


def from_core(value: CoreValue) -> Value:
    """Return a core's exceptional value as v1's."""
    return UNDEFINED if value is CoreValue.Undefined else ERROR
