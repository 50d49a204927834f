"""Ads as JSON, as HTCondor writes and reads it.

Expressions that are no constants are strings ``"\\/Expr(...)\\/"``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _lexer
from ._errors import ClassAdParseError
from ._lexer import parse_error
from ._nodes import AdNode, ListNode, Literal, Node
from ._parser import MAX_NESTING, parse_expression
from ._unparse import attribute_order, format_real_old, scalar_text, unparse_node
from ._values import AdBase, ListValue, RelTime, RuntimeValue, Undefined, Value, fold

if TYPE_CHECKING:
    from ._ad import ClassAd

__all__ = ["parse_json", "parse_json_ads", "parse_one_json", "unparse_json"]

_SIMPLE = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r'["\\\x01-\x1f]')


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: _SIMPLE.get(match.group()) or f"\\u00{ord(match.group()):02X}", text)


def _expression(text: str) -> str:
    return f'"\\/Expr({_escape(text)})\\/"'


def _constant(value: RuntimeValue) -> str:
    if isinstance(value, str):
        return f'"{_escape(value)}"'
    if value is Undefined:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_real_old(value) if math.isfinite(value) else _expression(format_real_old(value))
    if isinstance(value, int) and not isinstance(value, Value):
        return str(value)
    return _expression(scalar_text(value))


def unparse_json(root: Node, *, indent: bool = True) -> str:
    """Return an expression as JSON: two spaces a level, or all on one line."""
    out: list[str] = []
    todo: list[str | Node | int] = [root]
    level = 0
    while todo:
        piece = todo.pop()
        if isinstance(piece, str):
            out.append(piece)
        elif isinstance(piece, int):
            level += piece
        else:
            parts = _parts(piece, "\n" + " " * level if indent else "", "\n" + " " * (level + 2) if indent else "")
            todo.extend(reversed(parts))
    return "".join(out)


def _parts(node: Node, outer: str, inner: str) -> list[str | Node | int]:
    value = node.value if isinstance(node, Literal) else None
    if isinstance(value, RelTime):
        # A relative time is written as the seconds it evaluates to.
        value = value.seconds
    if isinstance(node, ListNode) or isinstance(value, ListValue):
        items = node.items if isinstance(node, ListNode) else value.items  # type: ignore[union-attr]  # one of the two
        parts: list[str | Node | int] = ["[", 2]
        for index, item in enumerate(items):
            parts += ["," * bool(index) + inner, item]
        return [*parts, -2, outer + "]"]
    if isinstance(node, AdNode) or isinstance(value, AdBase):
        pairs = node.pairs if isinstance(node, AdNode) else value._pairs()  # type: ignore[union-attr]  # one of the two
        parts = ["{", 2]
        for index, (name, item) in enumerate(sorted(pairs, key=lambda pair: attribute_order(pair[0]))):
            parts += [f'{"," * bool(index)}{inner}"{_escape(name)}": ', item]
        return [*parts, -2, outer + "}"]
    if isinstance(node, Literal):
        return [_constant(value)]  # type: ignore[arg-type]  # a scalar
    return [_expression(unparse_node(node))]


_TOKEN = re.compile(
    _lexer.SKIP.pattern + r"(?:([\[\]{},:])|(\"(?:[^\"\\]|\\.)*\"(?:[ \t\n\v\f\r]*\"(?:[^\"\\]|\\.)*\")*)"
    r"|(-?\.?[0-9]|\.\.[0-9])|([A-Za-z_][A-Za-z0-9_]*))",
    re.DOTALL,
)
_CONSTANTS: dict[str, RuntimeValue] = {"true": True, "false": False, "null": Undefined}


class _Reader:
    """Reads one JSON value with its own stack."""

    def __init__(self, text: str) -> None:
        self.text = text

    def string(self, raw: str, position: int) -> str:
        body = raw[1:-1]
        if '"' in body:
            body = _lexer._join_adjacent(body, '"')
        try:
            return _lexer.unescape_json(body)
        except ValueError as error:
            raise parse_error(self.text, position, f"a valid string ({error})") from None

    def scalar(self, match: re.Match[str]) -> tuple[Node, int]:
        """Return a value that is neither list nor object, and where it ends."""
        text = self.text
        if match.group(2) is not None:
            raw = match.group(2)
            value = self.string(raw, match.start(2))
            quoted = len(raw) >= 6 and raw[1:3] == "\\/" and raw[-3:-1] == "\\/"
            if quoted and value[:6].lower() == "/expr(" and value.endswith(")/"):
                return self.quoted(value[6:-2], match), match.end()
            return Literal(value), match.end()
        if match.group(3) is not None:
            number, end = _lexer.lex_number(text, match.start(3))
            return Literal(number), end
        if match.group(4) is not None and match.group(4).lower() in _CONSTANTS:
            return Literal(_CONSTANTS[match.group(4).lower()]), match.end()
        raise parse_error(text, match.start(), "a value")

    def quoted(self, inner: str, match: re.Match[str]) -> Node:
        """Return the expression in a string; a fault in it is one of the string."""
        try:
            return parse_expression(inner)
        except ClassAdParseError as error:
            raise parse_error(
                self.text, match.start(2), f"an expression in it ({error.message})", match.end()
            ) from None

    def token(self, position: int, expected: str) -> re.Match[str]:
        match = _TOKEN.match(self.text, position)
        if match is None:
            raise parse_error(self.text, position, expected)
        return match

    def read(self, position: int) -> tuple[AdNode, int]:
        """Return the object at ``position`` and where it ends; raises ClassAdParseError."""
        match = self.token(position, "'{'")
        if match.group(1) != "{":
            raise parse_error(self.text, match.start(), "'{'")
        # A frame is a dict of pairs for an object, a list for a list; the name that waits for a value is at "".
        stack: list[Any] = [{}]
        position = self.name(match.end(), stack[-1], True)
        while True:
            done: Node | None = None
            frame = stack[-1]
            if isinstance(frame, dict) and "" not in frame:
                done = AdNode(tuple(frame.values()))
            else:
                match = self.token(position, "a value")
                token = match.group(1)
                if token == "]" and isinstance(frame, list) and not frame:
                    position, done = match.end(), ListNode(())
                elif token in ("{", "["):
                    if len(stack) >= MAX_NESTING:
                        raise parse_error(self.text, match.start(), f"at most {MAX_NESTING} levels of nesting")
                    stack.append({} if token == "{" else [])
                    position = self.name(match.end(), stack[-1], True) if token == "{" else match.end()
                    continue
                else:
                    if token is not None:
                        raise parse_error(self.text, match.start(), "a value")
                    node, position = self.scalar(match)
                    position, done = self.put(frame, node, position)
            while done is not None:
                stack.pop()
                if not stack:
                    assert isinstance(done, AdNode)
                    return done, position
                position, done = self.put(stack[-1], done, position)

    def name(self, position: int, pairs: dict[str, Any], first: bool) -> int:
        """Take the next name of an object, after any commas, or its end."""
        while True:
            match = self.token(position, "a name or '}'")
            position = match.end()
            token = match.group(1)
            if token == ",":
                first = False
            elif token == "}" and (first or pairs):
                return position
            elif match.group(2) is not None:
                break
            else:
                raise parse_error(self.text, match.start(), "a name in double quotes")
        pairs[""] = self.string(match.group(2), match.start(2))
        match = self.token(position, "':'")
        if match.group(1) != ":":
            raise parse_error(self.text, match.start(), "':'")
        return match.end()

    def put(self, frame: Any, node: Node, position: int) -> tuple[int, Node | None]:
        """Add a value to a list or object and take what separates it from the next; return the frame if it ended."""
        match = self.token(position, "',' or a closing bracket")
        token = match.group(1)
        if isinstance(frame, list):
            frame.append(node)
            if token == ",":
                return match.end(), None
            if token == "]":
                return match.end(), ListNode(tuple(frame))
            raise parse_error(self.text, match.start(), "',' or ']'")
        name = frame.pop("")
        lower = fold(name)
        frame[lower] = (frame[lower][0] if lower in frame else name, node)
        if token not in (",", "}"):
            raise parse_error(self.text, match.start(), "',' or '}'")
        position = self.name(match.start(), frame, False)
        return position, None if "" in frame else AdNode(tuple(frame.values()))


def parse_json(text: str, position: int = 0) -> tuple[AdNode, int]:
    """Return the ad that is the JSON object at ``position``, and where it ended; raises ClassAdParseError.

    Comments and empty members are let pass, as in HTCondor; names of attributes ignore case.
    """
    return _Reader(text).read(position)


def parse_one_json(text: str) -> AdNode:
    """Return the ad of a text that is one JSON object, read as HTCondor 24 reads it.

    Nothing may follow the object.  Faulty text is an empty ad if the fault shows only at the end of the text.

    :raises ClassAdParseError: a fault shows earlier, or something follows.
    """
    start = _TOKEN.match(text)
    inside = start.end() if start is not None and start.group(1) == "[" else 0
    try:
        node, end = parse_json(text, inside)
    except ClassAdParseError as error:
        if _lexer.read_through(text, error.position) >= len(text):
            return AdNode(())
        raise
    if end != len(text):
        raise parse_error(text, end, "the end", end + 1)
    return node


def parse_json_ads(text: str) -> Iterator[ClassAd]:
    """Yield the ads of a JSON object, of several, or of a list of objects; raises ClassAdParseError."""
    from ._ad import ClassAd

    position, end = 0, len(text)
    in_list = False
    while True:
        skip = _lexer.SKIP.match(text, position)
        assert skip is not None
        position = skip.end()
        if position >= end and not in_list:
            return
        token = text[position : position + 1]
        if not in_list and token == "[":
            in_list, position = True, position + 1
            continue
        if in_list and token == "]":
            in_list, position = False, position + 1
            continue
        if in_list and token == ",":
            position += 1
            continue
        if token != "{":
            raise parse_error(text, position, "'{'")
        node, position = parse_json(text, position)
        yield ClassAd._from_node(node)
