"""Strings as literals of the language."""

from __future__ import annotations

from ._errors import ClassAdParseError, ClassAdTypeError
from ._nodes import Literal
from ._parser import parse_expression
from ._unparse import quote_new

__all__ = ["quote", "unquote"]


def quote(text: str) -> str:
    """Return ``text`` as a string literal of new syntax, quotes included, safe to put into an expression.

    :raises ClassAdTypeError: it is no string, or contains a NUL, which no literal can hold.
    """
    if not isinstance(text, str):
        raise ClassAdTypeError(f"only a str can be quoted, not {type(text).__name__}")
    if "\0" in text:
        raise ClassAdTypeError("a string of the ClassAd language contains no NUL")
    return quote_new(text)


def unquote(text: str) -> str:
    """Return the string that a literal of new syntax stands for; raises ClassAdParseError if it is none."""
    node = parse_expression(text)
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise ClassAdParseError(f"not a string literal: {text[:60]!r}", 1, 1, text[:60], "a string literal")
    return node.value
