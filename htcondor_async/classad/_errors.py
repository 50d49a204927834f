"""Errors of the ClassAd language; the names and built-in bases are those of the v1 module.

::

    ClassAdException
      +-- ClassAdParseError       (ValueError, SyntaxError, RuntimeError)
      +-- ClassAdEvaluationError  (TypeError, RuntimeError)
      +-- ClassAdValueError       (ValueError, RuntimeError, TypeError)
      +-- ClassAdTypeError        (TypeError, ValueError)
      +-- ClassAdEnumError        (TypeError)
      +-- ClassAdInternalError    (ValueError, RuntimeError)
      +-- ClassAdOSError          (OSError, RuntimeError)
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ClassAdEnumError",
    "ClassAdEvaluationError",
    "ClassAdException",
    "ClassAdInternalError",
    "ClassAdOSError",
    "ClassAdParseError",
    "ClassAdTypeError",
    "ClassAdValueError",
]


class ClassAdException(Exception):
    """Base of all errors of the ClassAd language."""


class ClassAdParseError(ClassAdException, ValueError, SyntaxError, RuntimeError):
    """Text that is not what it should be.

    :param message: what is wrong, in a sentence.
    :param line: line of the fault, from 1; 0 if unknown.
    :param column: column of the fault in characters, from 1; 0 if unknown.
    :param found: what stands there.
    :param expected: what should stand there.
    :param attribute: the attribute whose value is faulty, if it is known.
    """

    def __init__(
        self,
        message: str,
        line: int = 0,
        column: int = 0,
        found: str = "",
        expected: str = "",
        attribute: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.found = found
        self.expected = expected
        self.attribute = attribute
        self.position = -1
        self.pending = -1
        self.lineno = line or None
        self.offset = column or None

    def __str__(self) -> str:
        """Return the message."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with all fields."""
        return (type(self), (self.message, self.line, self.column, self.found, self.expected, self.attribute))

    def for_attribute(self, name: str) -> ClassAdParseError:
        """Return the same error, saying that it is in the value of attribute ``name``."""
        return type(self)(f"{name}: {self.message}", self.line, self.column, self.found, self.expected, name)


class ClassAdEvaluationError(ClassAdException, TypeError, RuntimeError):
    """An evaluation that failed as a whole: a cycle, too deep, a wrong argument that has no value."""


class ClassAdValueError(ClassAdException, ValueError, RuntimeError, TypeError):
    """A Python value that has no ClassAd value, or the reverse."""


class ClassAdTypeError(ClassAdException, TypeError, ValueError):
    """An argument of the wrong type."""


class ClassAdEnumError(ClassAdException, TypeError):
    """Not a member of an enumeration."""


class ClassAdInternalError(ClassAdException, ValueError, RuntimeError):
    """Something that should not happen."""


class ClassAdOSError(ClassAdException, OSError, RuntimeError):
    """The operating system refused something."""
