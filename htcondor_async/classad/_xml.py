"""Ads as XML, as HTCondor writes and reads it: ``<c>`` ads of ``<a n="Name">`` attributes.

The reader is forgiving as HTCondor's is, and takes no part in what XML has beyond tags, text and three entities: there
is nothing in it that could expand or fetch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import _lexer
from ._errors import ClassAdParseError
from ._nodes import AdNode, ListNode, Literal, Node
from ._parser import MAX_NESTING, parse_prefix
from ._times import format_abs_time, format_rel_time, parse_abs_time, parse_rel_time
from ._unparse import attribute_order, escape_new, unparse_node
from ._values import AbsTime, AdBase, Error, ListValue, RelTime, RuntimeValue, Undefined, fold

if TYPE_CHECKING:
    from ._ad import ClassAd

__all__ = ["XML_FOOTER", "XML_HEADER", "parse_xml_ads", "unparse_xml"]

XML_HEADER = '<?xml version="1.0"?>\n<!DOCTYPE classads SYSTEM "classads.dtd">\n<classads>\n'
XML_FOOTER = "</classads>\n"

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _text(text: str) -> str:
    return escape_new(text, "").translate(_ENTITIES)


def _name(name: str) -> str:
    return escape_new(name, '"').translate(_ENTITIES)


def _real(number: float) -> str:
    if number == 0.0:
        return "0.0"
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "INF" if number > 0 else "-INF"
    return f"{number:.15E}"


def _constant(value: RuntimeValue) -> str:
    if isinstance(value, str):
        return f"<s>{_text(value)}</s>"
    if isinstance(value, bool):
        return f'<b v="{"t" if value else "f"}"/>'
    if value is Undefined:
        return "<un/>"
    if value is Error:
        return "<er/>"
    if isinstance(value, float):
        return f"<r>{_real(value)}</r>"
    if isinstance(value, AbsTime):
        return f"<at>{format_abs_time(value)}</at>"
    if isinstance(value, RelTime):
        return f"<rt>{format_rel_time(value.seconds)}</rt>"
    return f"<i>{value}</i>"


def unparse_xml(root: Node, *, indent: bool = True) -> str:
    """Return an ad as a ``<c>`` element, without the header and footer of a file.

    The attributes come in alphabetical order, those of nested ads in HTCondor's usual one, as its tools print them.

    :param indent: one attribute a line, four spaces a level; otherwise all on one line.
    """
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
            todo.extend(reversed(_parts(piece, level, indent)))
    return "".join(out)


def _parts(node: Node, level: int, indent: bool) -> list[str | Node | int]:
    value = node.value if isinstance(node, Literal) else None
    if isinstance(node, ListNode):
        return ["<l>", *node.items, "</l>"]
    if isinstance(value, ListValue):
        return ["<l>", *value.items, "</l>"]
    if isinstance(node, AdNode) or isinstance(value, AdBase):
        pairs = node.pairs if isinstance(node, AdNode) else value._pairs()  # type: ignore[union-attr]  # one of the two
        end = "\n" if indent else ""
        parts: list[str | Node | int] = ["<c>" + end, 4]
        nested = level > 0
        for name, item in sorted(pairs, key=lambda pair: attribute_order(pair[0]) if nested else (0, fold(pair[0]))):
            parts += [f'{" " * (level + 4) if indent else ""}<a n="{_name(name)}">', item, "</a>" + end]
        return [*parts, -4, (" " * level if indent else "") + "</c>" + (end if level == 0 else "")]
    if isinstance(node, Literal):
        return [_constant(node.value.seconds if isinstance(node.value, RelTime) else node.value)]
    return [f"<e>{unparse_node(node, xml=True)}</e>"]


_TAGS = frozenset(
    {"classads", "c", "a", "i", "r", "s", "b", "un", "er", "at", "rt", "l", "e", "?xml", "?xml-stylesheet", "DOCTYPE"}
)
_TAG = re.compile(r"<\s*([^>]*)>?", re.DOTALL)
_TEXT = re.compile(r"[^<]+")
_ATTRIBUTE = re.compile(r'\s*([^\s=]*)[\s=]*"?((?:[^"\\]|\\.)*)"?', re.DOTALL)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_INTEGER = re.compile(r"-?[0-9]+")
_REAL = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf(?:inity)?|nan))", re.IGNORECASE
)


class _Token:
    """A tag (``name``, ``kind`` one of start, end, empty, and the value of its attribute n or v) or text."""

    __slots__ = ("attributes", "kind", "name", "position", "text")

    def __init__(self, position: int, kind: str, name: str = "", text: str = "") -> None:
        self.position = position
        self.kind = kind
        self.name = name
        self.text = text
        self.attributes: dict[str, str] = {}


def _entities(text: str) -> str:
    return _ENTITY.sub(lambda match: _CHARACTERS[match.group(1)], text)


def _unescape(text: str) -> str | None:
    try:
        return _lexer.unescape_text(text)
    except ValueError:
        return None


class _Reader:
    """Reads ads from XML text, with its own stack."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.last = _Token(0, "text")
        self.peeked: _Token | None = None

    def fault(self, token: _Token | None, expected: str) -> ClassAdParseError:
        return _lexer.parse_error(self.text, self.position if token is None else token.position, expected)

    def peek(self) -> _Token | None:
        if self.peeked is None:
            self.peeked = self._grab()
        return self.peeked

    def take(self) -> _Token | None:
        token = self.peek()
        self.peeked = None
        return token

    def _grab(self) -> _Token | None:
        text, position = self.text, self.position
        if not (self.last.kind == "start" and self.last.name == "s"):
            while position < len(text) and text[position] in " \t\n\v\f\r":
                position += 1
        if position >= len(text):
            self.position = position
            return None
        if text[position] == "<":
            match = _TAG.match(text, position)
            assert match is not None
            self.position = match.end()
            self.last = self._tag(match.group(1), position)
        else:
            match = _TEXT.match(text, position)
            assert match is not None
            self.position = match.end()
            self.last = _Token(position, "text", text=_entities(match.group()))
        return self.last

    def _tag(self, body: str, position: int) -> _Token:
        kind = "start"
        if body.startswith("/"):
            kind, body = "end", body[1:]
        elif body.endswith("/"):
            kind, body = "empty", body[:-1]
        name = re.split(r"\s", body, maxsplit=1)[0]
        token = _Token(position, kind, name if name in _TAGS else "")
        rest = body[len(name) :]
        while rest.strip():
            match = _ATTRIBUTE.match(rest)
            if match is None or not match.end():
                break
            value = _unescape(_entities(match.group(2)))
            if value is None:
                raise self.fault(token, "an attribute without NUL")
            if match.group(1) and value:
                token.attributes[match.group(1)] = value
            rest = rest[match.end() :]
        return token

    def next_ad(self) -> AdNode | None:
        """Return the next ad, or None at the end; raises ClassAdParseError."""
        while (token := self.take()) is not None:
            if token.kind == "start" and token.name == "c":
                return self._ad()
        return None

    def _ad(self) -> AdNode:
        """Return the ad after its ``<c>``."""
        # A frame is a dict of pairs for an ad, a list for a list; the name that waits for a value is at "".
        stack: list[dict[str, tuple[str, Node]] | list[Node]] = [{}]
        names: list[str] = []
        while True:
            frame = stack[-1]
            token = self.take()
            done: Node | None = None
            if token is None:
                if len(stack) == 1 and isinstance(frame, dict):
                    return AdNode(tuple(frame.values()))
                raise self.fault(None, "an end tag")
            if isinstance(frame, list):
                if token.kind == "end" and token.name == "l":
                    stack.pop()
                    done = ListNode(tuple(frame))
                elif token.kind in ("start", "empty"):
                    done = self._value(token, stack)
                    if done is None:
                        continue
            elif token.kind == "end" and token.name == "c":
                stack.pop()
                done = AdNode(tuple(frame.values()))
                if not stack:
                    return done
            elif token.kind == "start" and token.name == "a":
                if not token.attributes.get("n"):
                    raise self.fault(token, 'an attribute n="..." with a name')
                names.append(token.attributes["n"])
                value = self.take()
                if value is None or value.kind not in ("start", "empty"):
                    raise self.fault(value, "a value")
                done = self._value(value, stack)
                if done is None:
                    continue
            if done is not None:
                self._put(stack[-1], names, done)

    def _put(self, frame: dict[str, tuple[str, Node]] | list[Node], names: list[str], node: Node) -> None:
        if isinstance(frame, list):
            frame.append(node)
            return
        name = names.pop()
        lower = fold(name)
        frame[lower] = (frame[lower][0] if lower in frame else name, node)
        self._swallow("a")

    def _swallow(self, name: str) -> None:
        token = self.peek()
        if token is not None and token.kind == "end" and token.name == name:
            self.take()

    def _value(self, token: _Token, stack: list[dict[str, tuple[str, Node]] | list[Node]]) -> Node | None:
        """Return the value that a tag begins; None if it is a list or ad, which is pushed."""
        name = token.name
        if name in ("c", "l") and token.kind == "start":
            if len(stack) >= MAX_NESTING:
                raise self.fault(token, f"at most {MAX_NESTING} levels of nesting")
            stack.append({} if name == "c" else [])
            return None
        if name == "l":
            return ListNode(())
        if name == "b":
            if token.kind == "start":
                self._swallow("b")
            return Literal(token.attributes.get("v") in ("t", "T"))
        if name in ("un", "er"):
            if token.kind == "start":
                self._swallow(name)
            return Literal(Undefined if name == "un" else Error)
        if name not in ("i", "r", "s", "at", "rt", "e"):
            raise self.fault(token, "a value")
        inner = self.peek()
        text = ""
        if inner is not None and inner.kind == "text":
            text = inner.text
            self.take()
        elif name != "s":
            raise self.fault(inner, "text")
        self._swallow(name)
        node = self._scalar(name, text)
        if node is None:
            raise self.fault(token, f"the text of a <{name}>")
        return node

    def _scalar(self, name: str, text: str) -> Node | None:
        if name == "s":
            value = _unescape(text)
            return None if value is None else Literal(value)
        if name == "i":
            match = _INTEGER.match(text)
            number = int(match.group()) if match and len(match.group()) <= 20 else None
            return Literal(number if number is not None and -(2**63) <= number < 2**63 else Error)
        if name == "r":
            match = _REAL.match(text)
            return Literal(float(match.group(1)) if match else Error)
        if name == "e":
            return parse_prefix(text)[0]
        # As HTCondor reads them: an instant loses its offset, a span is a number of seconds.
        if name == "at":
            instant = parse_abs_time(text)
            return None if instant is None else Literal(AbsTime(instant.secs, 0))
        span = parse_rel_time(text)
        return None if span is None else Literal(float(span.seconds))


def parse_xml_ads(text: str) -> Iterator[ClassAd]:
    """Yield the ads of XML text; raises ClassAdParseError."""
    from ._ad import ClassAd

    reader = _Reader(text)
    while (node := reader.next_ad()) is not None:
        yield ClassAd._from_node(node)
