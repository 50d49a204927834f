"""Parsed values of old-syntax lines, shared between ads: the ads of a queue repeat the same expressions."""

from __future__ import annotations

import re

from ._nodes import Literal, Node
from ._parser import parse_old_value
from ._values import Error, RuntimeValue, Undefined

__all__ = ["MISSING", "clear_cache", "literal_value", "node_of_text"]

MAX_ENTRIES = 4096
MAX_TEXT = 16384
"""Longer texts are not kept: they are data, not expressions that repeat."""

MISSING = object()
"""Returned by :func:`literal_value` for what is not a plain constant."""

_CONSTANTS: dict[str, RuntimeValue] = {}
for _word, _value in (("true", True), ("false", False), ("undefined", Undefined), ("error", Error)):
    for _spelling in (_word, _word.upper(), _word.capitalize()):
        _CONSTANTS[_spelling] = _value
_REAL = re.compile(r"-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)\Z")
_nodes: dict[str, Node] = {}


def clear_cache() -> None:
    """Forget all cached expressions."""
    _nodes.clear()


def literal_value(text: str) -> RuntimeValue | object:
    """Return the value of an old-syntax constant without building a node, or :data:`MISSING` if it is something else.

    Knows the forms that daemons write: plain integers and reals, strings without an inner quote, and the constants.
    """
    first = text[:1]
    if first == '"':
        # One quote at the end and none between: nothing is escaped.
        if text.find('"', 1) == len(text) - 1 > 0:
            return text[1:-1]
        return MISSING
    if first.isalpha():
        return _CONSTANTS.get(text, MISSING)
    if text.isdigit():
        if (first != "0" or len(text) == 1) and len(text) < 19 and text.isascii():
            return int(text)
        return MISSING
    if _REAL.match(text):
        return float(text)
    if first == "-" and len(text) < 20:
        digits = text[1:]
        if digits.isdigit() and digits[0] != "0" and digits.isascii():
            return int(text)
    return MISSING


def node_of_text(text: str) -> Node:
    """Return the node of an old-syntax value; raises ClassAdParseError."""
    node = _nodes.get(text)
    if node is None:
        value = literal_value(text)
        if value is not MISSING:
            return Literal(value)  # type: ignore[arg-type]  # what is not MISSING is a value
        node = parse_old_value(text)
        if len(text) <= MAX_TEXT:
            if len(_nodes) >= MAX_ENTRIES:
                _nodes.clear()
            _nodes[text] = node
    return node
