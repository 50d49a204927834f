"""Ads from text and streams, one after another.

Old syntax has one attribute a line, ads separated by empty lines; new syntax brackets.  What is let pass, and where
reading ends, is as in HTCondor's v1 Python module: in new syntax reading ends quietly at text that is no ad.
``strict=True`` makes that an error.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any

from . import _registry
from ._ad import ClassAd
from ._cache import MISSING, literal_value, node_of_text
from ._errors import ClassAdParseError, ClassAdTypeError
from ._index import Entry, Table
from ._lexer import meets_end, read_through
from ._nodes import AdNode, Node
from ._parser import parse_ad_at
from ._store import AdStore
from ._values import fold

__all__ = ["Parser", "ParserType", "Source", "parse_ads", "parse_new_ad", "parse_next", "parse_old", "parse_one"]

CHUNK = 65536
MAX_AD = 64 * 1024 * 1024
"""The longest text of one ad, in characters, that is read from a stream."""
_CACHED_LINES = 16384
_CACHED_LENGTH = 1024

Source = str | bytes | IO[str] | IO[bytes] | Iterable[str] | Iterable[bytes]


class ParserType(enum.IntEnum):
    """The syntax of what is parsed."""

    Auto = -1
    Old = 0
    XML = 1
    JSON = 2
    New = 3


Parser = ParserType


class _Lines(dict[str, tuple[str, Entry]]):
    """Lines seen before, as most lines of job ads are, need no parsing; others are parsed when they are asked for.

    A line is kept when it is seen for the second time: what is only in one ad would crowd out what is in all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._once: set[int] = set()

    def __missing__(self, line: str) -> tuple[str, Entry]:
        """Return the entry of a line.

        :raises KeyError: the line has space around it or characters in it that may be line ends, or is not looked at.
        :raises ClassAdParseError: its value is faulty.
        """
        name, equals, value = line.partition(" = ")
        if not line.isprintable():
            raise KeyError(line)
        if equals and literal_value(value) is not MISSING and name.isidentifier() and name.isascii():
            # Left as text: most values of an ad are never looked at.
            entry: tuple[str, Entry] = (name.lower(), (name, equals, value))
        elif line != line.strip() or not line or not _is_attribute(line):
            raise KeyError(line)
        else:
            entry = _line_entry(line, 1)
        key = hash(line)
        if key not in self._once:
            if len(self._once) >= _CACHED_LINES:
                self._once.clear()
            self._once.add(key)
        elif len(line) <= _CACHED_LENGTH:
            if len(self) >= _CACHED_LINES:
                self.clear()
            self[line] = entry
        return entry


_line_cache = _Lines()


def parse_new_ad(text: str) -> AdNode:
    """Return the new-syntax ad that ``text`` begins with; what follows it is ignored.  Raises ClassAdParseError."""
    return parse_ad_at(text)[0]


def _line_entry(line: str, number: int) -> tuple[str, tuple[str, Node]]:
    """Return (lower-case name, (name, node)) of a line that is stripped and not empty; raises ClassAdParseError."""
    name, equals, value = line.partition("=")
    if not equals:
        # HTCondor's reader takes a line without "=" for both name and value.
        value = line
    name = name.rstrip(" ")
    try:
        node = node_of_text(value.lstrip(" "))
    except ClassAdParseError as error:
        column = error.column + len(line) - len(value.lstrip(" ")) if error.column else 0
        message = f"line {number}, column {column}: {name}: found {error.found}, expected {error.expected}"
        fault = ClassAdParseError(message, number, column, error.found, error.expected, name)
        fault.text = line
        raise fault from None
    return fold(name), (name, node)


def _is_attribute(line: str) -> bool:
    """Return whether a stripped line is looked at: it begins with a letter, ``_`` or ``'``."""
    first = line[0]
    return first in "_'" or (first.isascii() and first.isalpha())


def _table_of(lines: list[str], first: int = 1) -> Table:
    """Return the table of stripped lines of one ad; raises ClassAdParseError."""
    try:
        table: Table = dict(map(_line_cache.__getitem__, lines))
        if len(table) == len(lines):
            return table
    except (KeyError, ClassAdParseError):
        pass  # what follows says which line is faulty
    table = {}
    for number, line in enumerate(lines, first):
        if not line or not _is_attribute(line):
            continue
        # Not by subscript: the number of the line is wanted.
        lower, entry = _line_cache.get(line) or _line_entry(line, number)
        known = table.get(lower)
        table[lower] = entry if known is None else (known[0], *entry[1:])
    return table


def _ad_of(table: Table) -> ClassAd:
    ad = ClassAd.__new__(ClassAd)
    ad._table = table
    return ad


def parse_old(text: str | bytes) -> ClassAd:
    """Return the ad that ``text`` is in old syntax, one attribute a line; several ads become one.

    :raises ClassAdParseError: a value is faulty; the error has its line and column.
    """
    text = _text(text)
    table = _quick_table(text)
    return _ad_of(_table_of(list(map(str.strip, text.splitlines()))) if table is None else table)


def _quick_table(text: str) -> Table | None:
    """Return the table of an ad as daemons and tools write it, None for one that needs to be looked at closely."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    try:
        table: Table = dict(map(_line_cache.__getitem__, lines))
    except (KeyError, ClassAdParseError):
        return None  # the caller finds out where
    return table if len(table) == len(lines) else None


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else bytes(data).decode("utf-8", "surrogateescape")


def _lines_of(source: Source) -> Iterator[str]:
    """Yield the lines of a text or stream."""
    for line in source:
        if not isinstance(line, (str, bytes)):
            raise ClassAdTypeError(f"lines of ads are text, not {type(line).__name__}")
        if len(line) > MAX_AD:
            raise ClassAdParseError(f"a line is longer than {MAX_AD} characters")
        yield _text(line)


def _old_ads(lines: Iterator[str]) -> Iterator[ClassAd]:
    """Yield ads of lines in old syntax."""
    block: list[str] = []
    size = 0
    begun = 1
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if line:
            if not block:
                begun = number
            block.append(line)
            size += len(line)
            if size > MAX_AD:
                raise ClassAdParseError(f"an ad is longer than {MAX_AD} characters", number)
        elif block:
            table = _table_of(block, begun)
            block, size = [], 0
            if table:
                yield _ad_of(table)
    if block:
        table = _table_of(block, begun)
        if table:
            yield _ad_of(table)


def _old_ads_of_text(text: str) -> Iterator[ClassAd]:
    """Yield the ads of text in old syntax."""
    lines = list(map(str.strip, text.splitlines()))
    begin, end = 0, len(lines)
    while begin < end:
        try:
            stop = lines.index("", begin)
        except ValueError:
            stop = end
        if stop > begin:
            table = _table_of(lines if begin == 0 and stop == end else lines[begin:stop], begin + 1)
            if table:
                yield _ad_of(table)
        begin = stop + 1


# Brackets outside strings and comments; what is left unfinished at the end of the text so far is in group 1.
_SCAN = re.compile(
    r"[^\[\]\"'/]+|\[|\]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/|/(?=[^/*])"
    r"|(\"(?:[^\"\\]|\\.)*\\?\Z|'(?:[^'\\]|\\.)*\\?\Z|//[^\n]*\Z|/\*(?:[^*]|\*(?!/))*\*?\Z|/\Z)",
    re.DOTALL,
)


class _AdScanner:
    """Finds the ends of new-syntax ads in text that comes in pieces, looking at each character once.

    A string or comment that is not finished yet is looked at again when more has come; pieces are made to grow then, so
    that the whole stays linear.
    """

    def __init__(self) -> None:
        self.text = ""
        self.position = 0
        self.level = 0
        self.wanted = 0

    def feed(self, piece: str) -> None:
        """Add text."""
        self.text += piece

    def next_end(self, final: bool) -> int | None:
        """Return where the next ad ends, or None if that is not to be seen yet."""
        if len(self.text) < self.wanted and not final:
            return None
        position, level = self.position, self.level
        scan = _SCAN.match
        text = self.text
        while match := scan(text, position):
            if match.group(1) is not None and not final:
                self.wanted = len(text) + (len(text) - position)
                break
            position = match.end()
            token = text[match.start()]
            if token == "[" and match.end() - match.start() == 1:
                level += 1
            elif token == "]":
                level -= 1
                if level <= 0:
                    self.position, self.level = position, 0
                    return position
        self.position, self.level = position, level
        return None

    def take(self, end: int) -> str:
        """Return the text up to ``end`` and forget it."""
        taken, self.text = self.text[:end], self.text[end:]
        self.position = 0
        self.wanted = 0
        return taken


_SKIP = re.compile(r"(?:[ \t\n\v\f\r]+|//[^\n]*(?![^\n])|/\*(?:[^*]|\*(?!/))*\*/)*")


def _pieces(source: Any) -> Iterator[str]:
    """Yield the text of a stream in pieces."""
    read = getattr(source, "read", None)
    if read is None:
        for item in source:
            yield _text(item)
        return
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while True:
        piece = read(CHUNK)
        if not piece:
            rest = decoder.decode(b"", True)
            if rest:
                yield rest
            return
        yield piece if isinstance(piece, str) else decoder.decode(piece)


def _new_ads(pieces: Iterator[str], strict: bool, file: bool = False) -> Iterator[ClassAd]:
    """Yield ads of text in new syntax.

    Text that is no ad ends the iteration.  HTCondor reports it only if its lexer stands before the last character then;
    with ``file`` as in files: unless its lexer has met the end.
    """
    scanner = _AdScanner()
    final = False
    line = 0
    while True:
        end = scanner.next_end(final)
        if end is None and not final:
            piece = next(pieces, None)
            if piece is None:
                final = True
            else:
                scanner.feed(piece)
                if len(scanner.text) > MAX_AD:
                    raise ClassAdParseError(f"an ad is longer than {MAX_AD} characters", line + 1)
            continue
        text = scanner.take(len(scanner.text) if end is None else end)
        try:
            node, _ = parse_ad_at(text)
        except ClassAdParseError as error:
            rest = text + scanner.text
            blank = _SKIP.match(rest).end() >= len(rest)  # type: ignore[union-attr]  # the pattern matches anything
            if file:
                fault = not (meets_end(rest, error.position) and final_after(pieces))
            else:
                fault = _bytes_left(rest, error.position) == 1 and final_after(pieces)
            if fault or (strict and not blank):
                error.line += line
                raise
            return
        line += text.count("\n")
        yield ClassAd._from_node(node)


def _new_ads_of_text(text: str, strict: bool) -> Iterator[ClassAd]:
    """Yield ads of text in new syntax; where it ends is as for :func:`_new_ads`."""
    position, end = 0, len(text)
    while True:
        try:
            node, position = parse_ad_at(text, position)
        except ClassAdParseError as error:
            blank = _SKIP.match(text, position).end() >= end  # type: ignore[union-attr]  # it matches anything
            if (strict and not blank) or _bytes_left(text, error.position) == 1:
                raise
            return
        yield ClassAd._from_node(node)


def _bytes_left(text: str, position: int) -> int:
    """Return how many bytes HTCondor's lexer has not read when it has taken the word at ``position``; 2 for more."""
    after = read_through(text, position)
    left = len(text[after : after + 2].encode("utf-8", "surrogateescape"))
    if after > position and text[after - 1] > "\x7f" and text[position] not in "\"'/":
        # A character that no word has in it is read one byte at a time.
        left += len(text[after - 1].encode("utf-8", "surrogateescape")) - 1
    return left


def final_after(pieces: Iterator[str]) -> bool:
    """Return whether nothing more comes."""
    return next((False for piece in pieces if piece), True)


def _detect(source: Source) -> tuple[ParserType, Source]:
    """Return the syntax of a source, and the source as it was: the first character that is no space tells."""
    if isinstance(source, (str, bytes, bytearray)):
        text = _text(source)
        stripped = text.lstrip(" \t\n\v\f\r")
        old = bool(stripped) and stripped[0] not in "/["
        return (ParserType.Old if old else ParserType.New), text
    head: list[str] = []
    pieces = _pieces(source)
    for piece in pieces:
        head.append(piece)
        if piece.strip(" \t\n\v\f\r"):
            break
    text = "".join(head)
    stripped = text.lstrip(" \t\n\v\f\r")
    old = bool(stripped) and stripped[0] not in "/["
    return (ParserType.Old if old else ParserType.New), _Joined(text, pieces)


class _Joined:
    """A stream of which the beginning was already read."""

    def __init__(self, head: str, rest: Iterator[str]) -> None:
        self.head = head
        self.rest = rest

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces."""
        if self.head:
            yield self.head
        yield from self.rest

    def __iter__(self) -> Iterator[str]:
        """Yield the lines."""
        carry = ""
        for piece in self.pieces():
            lines = (carry + piece).split("\n")
            carry = lines.pop()
            if len(carry) > MAX_AD:
                raise ClassAdParseError(f"a line is longer than {MAX_AD} characters")
            yield from lines
        if carry:
            yield carry


def parse_ads(source: Source, parser: ParserType = ParserType.Auto, *, strict: bool = False) -> Iterator[ClassAd]:
    """Return an iterator over the ads of a text or stream, of any length; it holds one ad at a time.

    :param source: text, bytes, a text or binary stream, or an iterable of lines or pieces.
    :param parser: the syntax; by default it is found out (old or new).
    :param strict: text in new syntax that is no ad raises; otherwise reading ends there, as in HTCondor.
    :raises ClassAdParseError: while iterating, for a faulty value in old syntax (with line and column).
    """
    if (
        not isinstance(source, (str, bytes, bytearray))
        and not hasattr(source, "__iter__")
        and not hasattr(source, "read")
    ):
        raise ClassAdTypeError(f"ads are parsed from text or a stream, not from {type(source).__name__}")
    kind = ParserType(parser)
    if kind is ParserType.Auto:
        kind, source = _detect(source)
    if kind is ParserType.JSON:
        from ._json import parse_json_ads

        return parse_json_ads(_whole(source))
    if kind is ParserType.XML:
        from ._xml import parse_xml_ads

        return parse_xml_ads(_whole(source))
    if kind is ParserType.Old:
        if isinstance(source, (str, bytes, bytearray)):
            return _old_ads_of_text(_text(source))
        return _old_ads(_lines_of(source))
    if isinstance(source, (str, bytes, bytearray)):
        return _new_ads_of_text(_text(source), strict)
    return _new_ads(source.pieces() if isinstance(source, _Joined) else _pieces(source), strict)


def _whole(source: Source) -> str:
    """Return all of a source as text, within :data:`MAX_AD`."""
    if isinstance(source, (str, bytes, bytearray)):
        return _text(source)
    parts: list[str] = []
    size = 0
    for piece in _pieces(source):
        parts.append(piece)
        size += len(piece)
        if size > MAX_AD:
            raise ClassAdParseError(f"the text is longer than {MAX_AD} characters")
    return "".join(parts)


def parse_one(source: Source, parser: ParserType = ParserType.Auto, *, strict: bool = False) -> ClassAd:
    """Return all ads of a text or stream merged into one; the parameters as for :func:`parse_ads`.

    With JSON, and without ``strict``, this is one object with nothing behind it, as in HTCondor 24.
    """
    if parser == ParserType.JSON and not strict:
        from ._json import parse_one_json

        return ClassAd._from_node(parse_one_json(_whole(source)))
    if isinstance(source, (str, bytes, bytearray)) and (
        parser == ParserType.Old or (parser == ParserType.Auto and _detect(source)[0] is ParserType.Old)
    ):
        return parse_old(_text(source))
    result = ClassAd()
    for ad in parse_ads(source, parser, strict=strict):
        _merge(result, ad)
    return result


def _merge(into: AdStore, ad: AdStore) -> None:
    for name, node in ad._pairs():
        into._put(name, node)


def parse_next(source: Source, parser: ParserType = ParserType.Auto, *, strict: bool = False) -> ClassAd | None:
    """Return the first ad of a text or stream, or None if there is none; the parameters as for :func:`parse_ads`.

    A stream may have been read further than the end of the ad; to read on, use one iterator of :func:`parse_ads`.
    """
    return next(iter(parse_ads(source, parser, strict=strict)), None)


_registry.clear_line_cache = _line_cache.clear
