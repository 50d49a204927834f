"""Bytes and lines of an ad to its attributes, lazily: what a value is, is found out when it is read.

A table maps lower-case names to entries: ``(name, " = ", text)`` for a value not yet looked at, ``(name, node)`` for
one that was.  For the first few reads from received bytes there is not even a table: :class:`Peek` searches the bytes.
"""

from __future__ import annotations

import re

from ._cache import MISSING, literal_value
from ._errors import ClassAdParseError
from ._nodes import Literal, Node
from ._values import fold

__all__ = ["Entry", "Peek", "Table", "clear_line_cache", "index_lines", "index_wire", "split_line", "wire_lines"]

Entry = tuple[str, str, str] | tuple[str, Node]
Table = dict[str, Entry]

_PREFIXED = re.compile(rb"(.{8}[^\0]*)\0", re.DOTALL)
"""A string with its length in front; the NUL at its end is cut off."""
_SPACES = b" \t\n\v\f\r"
_SPACE_BYTES = frozenset(_SPACES)
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_.")
_ZEROS = b"\0\0\0\0\0\0"
_SPACE = " \t\n\v\f\r"
PEEKS = 6
"""So many values are searched for in the bytes before a table is built: about what the table costs."""
FEW = 12
"""The table of an ad of so many attributes costs less than two searches."""
PLACES = 16
"""Where the bytes of a name stand in more places than this, the table is asked."""


_LENGTHS = "the strings of the ad do not have the lengths that stand before them"


def _unprefixed(string: bytes) -> bytes:
    """Return a string without the length in front of it; raises ClassAdParseError if that is not its length."""
    if int.from_bytes(string[:8], "big") != len(string) - 7:
        raise ClassAdParseError(_LENGTHS)
    return string[8:]


def _plain(data: bytes, prefixed: bool) -> bytes:
    """Return the strings of an ad, each ended by a NUL, without lengths; raises ClassAdParseError."""
    if prefixed:
        strings = _PREFIXED.findall(data)
        if sum(map(len, strings)) + len(strings) != len(data):
            raise ClassAdParseError(_LENGTHS)
        lines = [_unprefixed(string) for string in strings]
        lines.append(b"")
        return b"\0".join(lines)
    if data and data[-1]:
        raise ClassAdParseError("the last string of the ad does not end")
    return data


class Peek:
    """The bytes of an ad as received, for finding a few values without taking all lines apart.

    What it finds is what the table would say: every place where the name's bytes stand is looked at, in whatever case;
    where two lines could be meant, or one is spaced as no daemon spaces it, the table decides.
    """

    __slots__ = ("count", "data", "left", "low", "prefixed")

    def __init__(self, data: bytes, count: int, prefixed: bool) -> None:
        self.data = data
        self.count = count
        self.prefixed = prefixed
        self.low = low = data.lower()
        # Where markers count as lines the number of lines is to be checked first.
        self.left = 0 if b"zkm\0" in low or (not prefixed and low.count(b"\0") != count) else PEEKS

    def find(self, lower: str) -> str | None:
        """Return the text of a value, or None if the table must be asked."""
        if self.left <= 0 or not lower or "=" in lower or "\0" in lower:
            return None
        self.left -= 1
        low, name, prefixed = self.low, lower.encode("utf-8", "surrogateescape"), self.prefixed
        size = len(name)
        begin = -1
        places = PLACES
        at = low.find(name)
        while at >= 0:
            # The length before a line shorter than 64 KiB begins with six NULs.
            if low[at - 8 : at - 2] == _ZEROS if prefixed else not at or not low[at - 1]:
                stop = at + size
                if low[stop : stop + 3] != b" = ":
                    if low[stop] not in _NAME_BYTES:
                        return None
                elif begin >= 0:
                    return None
                else:
                    begin = at
            elif low[at - 1] in _SPACE_BYTES and self._indented(at):
                return None
            places -= 1
            if not places:
                return None
            at = low.find(name, at + 1)
        if begin < 0:
            return None
        end = self.data.find(b"\0", begin)
        if end < 0 or (self.prefixed and int.from_bytes(self.data[begin - 8 : begin], "big") != end - begin + 1):
            return None
        return self.data[begin + size + 3 : end].decode("utf-8", "surrogateescape")

    def _indented(self, at: int) -> bool:
        """Return whether nothing but space stands between ``at`` and what may be the beginning of a line."""
        while at > 0 and self.low[at - 1] in _SPACE_BYTES:
            at -= 1
        return self.low[at - 8 : at - 2] == _ZEROS if self.prefixed else not at or not self.low[at - 1]

    def lines(self) -> list[str]:
        """Return the lines of the ad; raises ClassAdParseError if there are not as many as announced."""
        lines = _plain(self.data, self.prefixed).decode("utf-8", "surrogateescape").split("\0")
        lines.pop()
        if len(lines) != self.count:
            lines = _without_markers(lines)
            if len(lines) != self.count:
                raise ClassAdParseError(f"the ad has {len(lines)} attributes, {self.count} were announced")
        return lines


def wire_lines(data: bytes, count: int, prefixed: bool) -> list[str]:
    """Return the lines of an ad as received; raises ClassAdParseError if there are not ``count``."""
    return Peek(data, count, prefixed).lines()


def _without_markers(lines: list[str]) -> list[str]:
    """Return the lines without ``ZKM``, which announces that the next one is private."""
    kept: list[str] = []
    after_marker = False
    for line in lines:
        if line == "ZKM" and not after_marker:
            after_marker = True
        else:
            kept.append(line)
            after_marker = False
    return kept


_sent: dict[bytes, tuple[str, Entry]] = {}
_lines: dict[str, tuple[str, Entry]] = {}
_CACHED_LINES = 4096
_CACHED_LENGTH = 256


def clear_line_cache() -> None:
    """Forget the lines kept."""
    _lines.clear()
    _sent.clear()


def _line_entry(line: str) -> tuple[str, Entry] | None:
    """Return (lower-case name, entry) of a line as daemons write them, None for any other, and keep it.

    The ads of a queue have most of their lines in common. A constant is kept as a node, so that it is read once for all
    of them; what needs a parser stays text until somebody looks.
    """
    name, equals, text = line.partition(" = ")
    if not equals or not name.isascii() or not name.isidentifier():
        return None
    value = literal_value(text)
    lower = name.lower()
    entry: Entry = (name, " = ", text) if value is MISSING else (name, Literal(value))  # type: ignore[arg-type]
    if len(line) <= _CACHED_LENGTH:
        if len(_lines) >= _CACHED_LINES:
            _lines.clear()
        _lines[line] = (lower, entry)
    return lower, entry


def _sent_entry(string: bytes, prefixed: bool) -> tuple[str, Entry] | None:
    """Do as :func:`_line_entry` for a line as received, with its length in front or not.

    The length is checked here and kept as a part of the key: what is found again has been checked.
    """
    line = _unprefixed(string) if prefixed else string
    entry = _line_entry(line.decode("utf-8", "surrogateescape"))
    if entry is not None and len(line) <= _CACHED_LENGTH:
        if len(_sent) >= _CACHED_LINES:
            _sent.clear()
        _sent[string] = entry
    return entry


def index_wire(data: bytes, count: int, prefixed: bool) -> Table:
    """Return the table of an ad as received: of an honest one in one pass, of any other by its lines.

    :raises ClassAdParseError: the ad is damaged.
    """
    if prefixed:
        strings = _PREFIXED.findall(data)
        whole = sum(map(len, strings)) + count == len(data)
    else:
        strings = data.split(b"\0")
        whole = not strings.pop()
    if whole and len(strings) == count:
        known = _sent.get
        entries = [known(string) or _sent_entry(string, prefixed) for string in strings]
        if None not in entries:
            table: Table = dict(entries)  # type: ignore[arg-type]  # there is no None among them
            # A schedd may send a name twice, of a job and of its cluster: see index_lines().
            if len(table) == count or len({entry[1][0] for entry in entries if entry}) == len(table):
                return table
    return index_lines(wire_lines(data, count, prefixed))


def index_lines(lines: list[str]) -> Table:
    """Return the table of an ad given as old-syntax lines; of a name that comes twice the last value counts.

    :raises ClassAdParseError: a line has no name or no ``=``.
    """
    known = _lines.get
    entries = [known(line) or _line_entry(line) for line in lines]
    if None in entries:
        return _index_slowly(lines)
    table: Table = dict(entries)  # type: ignore[arg-type]  # there is no None among them
    # A name that comes twice keeps its place and has its last value, as it should; were it spelled in two ways, it
    # would have the wrong spelling.
    if len(table) != len(entries) and len({entry[1][0] for entry in entries if entry}) != len(table):
        return _index_slowly(lines)
    return table


def _index_slowly(lines: list[str]) -> Table:
    table: Table = {}
    for line in lines:
        name, value = split_line(line)
        lower = fold(name)
        known = table.get(lower)
        # The first spelling of a name is kept, the last value counts.
        table[lower] = (name if known is None else known[0], " = ", value)
    return table


def split_line(line: str) -> tuple[str, str]:
    """Return the name and the text of the value of an old-syntax line; raises ClassAdParseError.

    The name is what stands before the first ``=``, quotes and all, as in HTCondor.
    """
    name, equals, value = line.lstrip(_SPACE).partition("=")
    name = name.rstrip(" ")
    if not equals or not name:
        shown = repr(line[:60])
        raise ClassAdParseError(f"not a line of an ad: {shown}", 1, 1, shown, "Name = value")
    return name, value.lstrip(" ")
