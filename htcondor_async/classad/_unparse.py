"""Nodes and values to text, in new and old syntax, character for character as HTCondor prints them.

All printers keep their own stack of what is still to be printed, so that depth costs no Python recursion.  Attributes
of an ad come in HTCondor's order: shorter names first, then alphabetically without regard to case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

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
from ._times import format_abs_time, format_rel_time
from ._values import AbsTime, AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined, to_bytes, to_text

__all__ = [
    "attribute_order",
    "format_real",
    "format_real_old",
    "pretty",
    "quote_new",
    "quote_old",
    "unparse_ad",
    "unparse_ad_old",
    "unparse_name",
    "unparse_node",
    "unparse_value",
    "unparse_wire",
]

_RESERVED = frozenset({"error", "false", "is", "isnt", "parent", "true", "undefined"})
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLAIN_STRING = re.compile(r"[ !#-\[\]-~]*\Z")
_PLAIN_QUOTED = re.compile(r"[ -&(-\[\]-~]*\Z")
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _escapes(delim: str) -> list[str]:
    table = [chr(code) if 32 <= code < 127 else f"\\{code:03o}" for code in range(256)]
    for code, escape in zip(
        (7, 8, 12, 10, 13, 9, 11, 92), ("\\a", "\\b", "\\f", "\\n", "\\r", "\\t", "\\v", "\\\\"), strict=False
    ):
        table[code] = escape
    if delim:
        table[ord(delim)] = "\\" + delim
    return table


_ESCAPES = {delim: _escapes(delim) for delim in ('"', "'", "")}


def attribute_order(name: str) -> tuple[int, str]:
    """Return the sort key of HTCondor's order of attributes."""
    return len(name) if name.isascii() else len(to_bytes(name)), name.lower()


def _pair_order(pair: tuple[str, Node]) -> tuple[int, str]:
    return attribute_order(pair[0])


def escape_new(text: str, delim: str) -> str:
    """Return ``text`` with new-syntax escapes, for use between ``delim`` quotes (empty: between none)."""
    table = _ESCAPES[delim]
    return "".join([table[byte] for byte in to_bytes(text)])


def quote_new(text: str) -> str:
    """Return ``text`` as a new-syntax string literal."""
    if _PLAIN_STRING.match(text):
        return f'"{text}"'
    return f'"{escape_new(text, chr(34))}"'


def quote_old(text: str) -> str:
    """Return ``text`` as an old-syntax string literal."""
    return f'"{text}"' if '"' not in text else '"' + text.replace('"', '\\"') + '"'


def unparse_name(name: str, *, old: bool = False) -> str:
    """Return an attribute name as it is written, in single quotes if it needs them."""
    if name.isascii() and name.isidentifier():
        return f"'{name}'" if name.lower() in _RESERVED else name
    escaped = name.replace("'", "\\'") if old else escape_new(name, "'")
    # HTCondor looks at the escaped text here.
    return escaped if _PLAIN_NAME.match(escaped) and escaped.lower() not in _RESERVED else f"'{escaped}'"


def _special_real(number: float) -> str | None:
    if number == 0.0:
        return f"{number:.1f}"
    if math.isnan(number):
        return 'real("NaN")'
    if math.isinf(number):
        return 'real("INF")' if number > 0 else 'real("-INF")'
    return None


def format_real(number: float) -> str:
    """Return a real as new syntax has it: ``1.500000000000000E+00``."""
    return _special_real(number) or f"{number:.15E}"


def format_real_old(number: float) -> str:
    """Return a real as old syntax and JSON have it: ``1.5``."""
    special = _special_real(number)
    if special:
        return special
    text = f"{number:.16G}"
    return text if "." in text or "E" in text else text + ".0"


_Piece = str | Node | int
_UNARY = {op: f" {op}" for op in "+-!~"}


class Printer:
    """Prints one tree; the variants differ in strings, reals, ``is`` and layout."""

    def __init__(self, *, old: bool = False, xml: bool = False, indent: bool = False, level: int = 0) -> None:
        self.old = old
        self.xml = xml
        self.indent = indent
        self.level = level
        self.wire = False

    def print(self, root: Node) -> str:
        """Return the text of ``root``."""
        out: list[str] = []
        todo: list[_Piece] = [root]
        while todo:
            piece = todo.pop()
            if type(piece) is str:
                out.append(piece)
            elif type(piece) is int:
                self.level += piece
            elif type(piece) is Literal:
                parts = self._constant(piece.value)
                if type(parts) is str:
                    out.append(parts)
                else:
                    todo.extend(reversed(parts))
            else:
                todo.extend(reversed(self._parts(piece)))  # type: ignore[arg-type]  # neither str nor int here
        return "".join(out)

    def _constant(self, value: RuntimeValue) -> str | Sequence[_Piece]:
        kind = type(value)
        if kind is str:
            return self._string(value)  # type: ignore[arg-type]  # mypy does not narrow through type()
        if isinstance(value, ListValue):
            return self._list(value.items)
        if isinstance(value, AdBase):
            return self._ad(value._pairs())
        return scalar_text(value, old=self.old)

    def _string(self, text: str) -> str:
        if self.wire:
            return _quote_wire(text)
        quoted = quote_old(text) if self.old else quote_new(text)
        return quoted.translate(_XML) if self.xml else quoted

    def _parts(self, node: Node) -> Sequence[_Piece]:
        """Return the pieces a compound node is printed as."""
        if isinstance(node, BinaryOp):
            op = node.op
            if op == "? :":
                op = "?:"
            if self.old and op in ("is", "isnt"):
                op = "=?=" if op == "is" else "=!="
            return [node.left, f" {op} ".translate(_XML) if self.xml else f" {op} ", node.right]
        if isinstance(node, AttrRef):
            if node.base is not None:
                return [node.base, "." + node.name]
            name = unparse_name(node.name, old=self.old)
            return ["." + name if node.absolute else name]
        if isinstance(node, Paren):
            return ["(", node.inner, ")"]
        if isinstance(node, FunctionCall):
            return [node.name + "(", *_joined(node.args), ")"]
        if isinstance(node, UnaryOp):
            return [_UNARY[node.op], node.operand]
        if isinstance(node, Conditional):
            return [node.test, " ? ", node.yes, " : ", node.no]
        if isinstance(node, Subscript):
            return [node.base, "[", node.index, "]"]
        if isinstance(node, ListNode):
            return self._list(node.items)
        assert isinstance(node, AdNode)
        return self._ad(node.pairs)

    def _list(self, items: Sequence[Node]) -> Sequence[_Piece]:
        if not self.indent:
            return ["{ ", *_joined(items), " }"]
        outer = "\n" + " " * (self.level + 3)
        pieces: list[_Piece] = [outer + "{", 6]
        for index, item in enumerate(items):
            pieces += [f"{',' if index else ''}{outer}   ", item]
        return [*pieces, -6, outer + "}"]

    def _ad(self, pairs: Iterable[tuple[str, Node]]) -> Sequence[_Piece]:
        ordered = sorted(pairs, key=_pair_order)
        outer = "\n" + " " * (self.level + 4) if self.indent else ""
        inner = outer + "    " if self.indent else ""
        pieces: list[_Piece] = [outer + "[", 8, inner if ordered else ""] if self.indent else ["[ "]
        for index, (name, node) in enumerate(ordered):
            pieces += [f"{'; ' + inner if index else ''}{unparse_name(name, old=self.old)} = ", node]
        return [*pieces, -8, outer + "]"] if self.indent else [*pieces, " ]"]


def _joined(nodes: Sequence[Node]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for index, node in enumerate(nodes):
        if index:
            pieces.append(",")
        pieces.append(node)
    return pieces


def scalar_text(value: RuntimeValue, *, old: bool = False) -> str:
    """Return the text of a value that is neither string nor list nor ad."""
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if isinstance(value, float):
        return format_real_old(value) if old else format_real(value)
    if value is Undefined:
        return "undefined"
    if value is Error:
        return "error"
    if isinstance(value, AbsTime):
        return f'absTime("{format_abs_time(value)}")'
    assert isinstance(value, RelTime)
    return f'relTime("{format_rel_time(value.seconds)}")'


def unparse_node(node: Node, *, old: bool = False, xml: bool = False) -> str:
    """Return an expression on one line.

    :param old: old syntax (as a value in a line of an ad).
    :param xml: new syntax with ``& < >`` written as XML entities.
    """
    if type(node) is Literal:
        value = node.value
        if type(value) is str and not xml:
            return quote_old(value) if old else quote_new(value)
        return unparse_value(value, old=old, xml=xml)
    return Printer(old=old, xml=xml).print(node)


def unparse_value(value: RuntimeValue, *, old: bool = False, xml: bool = False) -> str:
    """Return a value on one line; the parameters as for :func:`unparse_node`."""
    if type(value) is str:
        return Printer(old=old, xml=xml)._string(value)
    if isinstance(value, (ListValue, AdBase)):
        return Printer(old=old, xml=xml).print(Literal(value))
    return scalar_text(value, old=old)


def unparse_wire(node: Node) -> str:
    """Return an expression in old syntax such that it is read back as it is.

    Old syntax cannot hold a string that ends with a backslash anywhere but at the end of the line, nor a quote before a
    line end.  HTCondor's printer does not care; here such strings are written as calls that give them.
    """
    if type(node) is Literal and type(node.value) is str and '"\n' not in node.value:
        return quote_old(node.value)
    printer = Printer(old=True)
    printer.wire = True
    return printer.print(node)


def _quote_wire(text: str) -> str:
    pieces = text.split('"\n')
    if len(pieces) > 1:
        last = len(pieces) - 1
        parts = [("" if not i else "\n") + piece + ("" if i == last else '"') for i, piece in enumerate(pieces)]
        return f"strcat({','.join(map(_quote_wire, parts))})"
    if text.endswith("\\"):
        return f"substr({quote_old(text + 'x')},0,{len(to_bytes(text))})"
    return quote_old(text)


def pretty(node: Node) -> str:
    """Return an expression in new syntax, ads and lists indented, one attribute or item a line."""
    return Printer(indent=True).print(node)


def unparse_ad_old(pairs: Iterable[tuple[str, Node]]) -> list[str]:
    """Return the lines of an ad in old syntax, in HTCondor's order, without line ends."""
    return [
        f"{unparse_name(name, old=True)} = {unparse_node(node, old=True)}"
        for name, node in sorted(pairs, key=_pair_order)
    ]


def unparse_ad(ordered: Iterable[tuple[str, Node]], *, indent: bool = False) -> str:
    """Return an ad in new syntax, given its pairs in HTCondor's order: on one line, or with ``indent`` one line each.

    The same as printing its node, without the detour for the constants that most attributes are.
    """
    parts: list[str] = []
    for name, node in ordered:
        if type(node) is Literal:
            value = node.value
            kind = type(value)
            if kind is str:
                text = quote_new(value)  # type: ignore[arg-type]  # a str
            elif kind is int:
                text = str(value)
            else:
                text = Printer(indent=indent, level=8).print(node)
        else:
            text = Printer(indent=indent, level=8).print(node)
        plain = name.isascii() and name.isidentifier() and name.lower() not in _RESERVED
        parts.append(f"{name if plain else unparse_name(name)} = {text}")
    if not indent:
        return f"[ {'; '.join(parts)} ]"
    inner = "\n        "
    return f"\n    [{inner if parts else ''}{('; ' + inner).join(parts)}\n    ]"


__all__ += ["Printer", "escape_new", "scalar_text", "to_text"]
