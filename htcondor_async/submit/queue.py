"""The arguments of the QUEUE statement [src/condor_utils/submit_utils.cpp, SubmitForeachArgs].

``queue [N] [variables] [in|from|matching [files|dirs|any] | from table(options)] [slice] [items]``
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

import attrs

from .problems import SubmitError
from .values import INT_MAX, leading_int, parse_bool, parse_int
from .words import split_list

__all__ = ["ItemMode", "QueueStatement", "Slice", "TableOptions", "split_row"]

_BLANKS = " \t\n\v\f\r"
_KEYWORD = re.compile(r"(?<![^\s(])(in|from|matching)(?=[\s(])", re.IGNORECASE)
_WORD = re.compile(r"([^\s(]*)(?=[\s(])")
_MAX_COLUMNS = 1000


class ItemMode(enum.Enum):
    """Where items come from."""

    NONE = "none"
    IN = "in"
    FROM = "from"
    MATCHING = "matching"
    MATCHING_FILES = "matching files"
    MATCHING_DIRECTORIES = "matching dirs"
    MATCHING_ANY = "matching any"

    @property
    def is_glob(self) -> bool:
        """Whether items are patterns of file names."""
        return self.value.startswith("matching")


@attrs.frozen
class Slice:
    """``[start:end:step]``: which items are used. Items keep the index they have in the whole list."""

    start: int | None = None
    end: int | None = None
    step: int | None = None

    @classmethod
    def parse(cls, text: str) -> tuple[Slice, int]:
        """Return the slice that ``text`` begins with, and its length.

        Raises
        ------
        SubmitError
            It is not one.
        """
        match = re.match(r"\[\s*([+-]?\d*)(?::\s*([+-]?\d*)(?::\s*([+-]?\d*))?)?\]", text)
        if match is None:
            raise SubmitError(f"invalid slice {text.split(']')[0]}]", expected="[start:end:step] without blanks")
        numbers = [leading_int(part) if part and part not in "+-" else None for part in match.groups()]
        found = cls(*numbers)
        if found.step is not None and found.step <= 0:
            raise SubmitError(f"invalid slice {match[0]}", expected="a step of at least 1")
        return found, match.end()

    def indexes(self, length: int) -> range:
        """Return the indexes of a list of ``length`` items that are selected."""
        start = 0 if self.start is None else (self.start + length if self.start < 0 else self.start)
        end = length if self.end is None else (self.end + length if self.end < 0 else self.end)
        return range(max(0, start), min(end, length), self.step or 1)

    def __str__(self) -> str:
        parts = ("" if part is None else str(part) for part in (self.start, self.end, self.step))
        return f"[{':'.join(parts)}]"


@attrs.frozen
class TableOptions:
    """How rows are cut into fields, and which of them are not data."""

    header: int = -1
    skip: int = 0
    blanks_separate: bool = True
    trim: bool = True
    separator: str = ","

    @property
    def is_standard(self) -> bool:
        """Whether this is the ordinary way, without the word table."""
        return self == _STANDARD

    def updated(self, text: str) -> TableOptions:
        """Return these options changed by those in ``text``, left to right; unknown words are ignored."""
        options = self
        for word in re.findall(r"[^,]+", text):
            word = word.strip(_BLANKS)
            if word.lower() == "standard":
                options = _STANDARD
            elif word.lower() == "csv":
                options = _CSV
            name, equals, value = (part.strip(_BLANKS) for part in word.partition("="))
            if not equals:
                continue
            options = options._with(name.lower(), value)
        return options

    def _with(self, name: str, value: str) -> TableOptions:
        number = parse_int(value) if name in ("header", "skip") else None
        if name == "header":
            if number is not None:
                return attrs.evolve(self, header=min(number, INT_MAX))
            return attrs.evolve(self, header=-1) if value.lower() == "none" else self
        if name == "skip":
            return self if number is None else attrs.evolve(self, skip=min(number, INT_MAX))
        if name in ("trim", "comma_sep"):
            flag = parse_bool(value)
            if flag is None:
                return self
            return (
                attrs.evolve(self, trim=flag) if name == "trim" else attrs.evolve(self, separator="," if flag else "")
            )
        if name == "sep":
            return attrs.evolve(self, separator=value[:1])
        return self


_STANDARD = TableOptions()
_TABLE = TableOptions(header=0, blanks_separate=False)
_CSV = TableOptions(blanks_separate=False)


def split_row(row: str, columns: int, options: TableOptions = _STANDARD) -> list[str]:
    """Return the fields of a row.

    Parameters
    ----------
    row
        One item.
    columns
        How many fields are wanted; the last one takes the rest. At least :data:`1000` for as many as there are.
    options
        How to cut.
    """
    row = row.rstrip("\0").removesuffix("\n").removesuffix("\r")
    standard = options.is_standard
    if standard and "\x1f" in row:
        separators, blank = "\x1f", False
    else:
        separators, blank = options.separator or ", \t", bool(options.separator) and options.blanks_separate
    if blank:
        separators += " \t"
    trim = standard or options.trim
    if trim:
        row = row.strip(" \t")
    if not row:
        return []
    pattern = _separator_pattern(separators)
    fields = [row]
    while len(fields) < columns:
        match = pattern.search(fields[-1])
        if match is None:
            if columns >= _MAX_COLUMNS:
                break
            fields.extend([""] * (columns - len(fields)))
            break
        last = fields[-1]
        head, tail = last[: match.start()], last[match.end() :]
        if trim:
            head, tail = head.rstrip(" \t"), tail.lstrip(" \t")
        fields[-1] = head
        fields.append(tail)
    return fields


_patterns: dict[str, re.Pattern[str]] = {}


def _separator_pattern(separators: str) -> re.Pattern[str]:
    pattern = _patterns.get(separators)
    if pattern is None:
        pattern = _patterns[separators] = re.compile("[" + re.escape(separators) + "]")
    return pattern


@attrs.define
class QueueStatement:
    """A parsed QUEUE statement.

    Attributes
    ----------
    count
        Jobs for each item.
    variables
        Names of the loop variables.
    mode
        Where items come from.
    items
        Items or patterns in the statement itself.
    filename
        File or command (ending in ``|``) to read items from; ``<`` for the lines that follow; "" for neither.
    slice
        Which items are used.
    table
        How rows are cut.
    """

    count: int = 1
    variables: list[str] = attrs.field(factory=list)
    mode: ItemMode = ItemMode.NONE
    items: list[str] = attrs.field(factory=list)
    filename: str = ""
    slice: Slice | None = None
    table: TableOptions = _STANDARD

    @classmethod
    def parse(cls, text: str) -> QueueStatement:
        """Return the statement with these arguments, macros already expanded.

        Raises
        ------
        SubmitError
            They cannot be understood.
        """
        text = text.lstrip(_BLANKS)
        statement = cls()
        match = _find_keyword(text)
        if match is None:
            statement.count = _count(text)
            return statement
        statement.mode = ItemMode(match[1].lower())
        before, rest = text[: match.start()].rstrip(_BLANKS), text[match.end() :].lstrip(_BLANKS)
        rest = statement._qualifiers(rest)
        statement._item_text(rest)
        variables = _variables_start(before)
        statement.variables = split_list(before[variables:])
        statement.count = _count(before[:variables])
        if not statement.variables:
            statement.variables = ["Item"]
        return statement

    def _qualifiers(self, text: str) -> str:
        if text.startswith("("):
            return text
        while True:
            if text.startswith("[") and _WORD.match(text) is not None:
                self.slice, length = Slice.parse(text)
                text = text[length:].lstrip(_BLANKS)
                continue
            match = _WORD.match(text)
            word = match[1].lower() if match else ""
            if word in ("files", "dirs", "any"):
                if not self.mode.is_glob:
                    raise SubmitError(f"the word {word} does not go with {self.mode.value}", expected="matching")
                self.mode = ItemMode(f"matching {word}")
            elif word == "table":
                if self.mode is not ItemMode.FROM:
                    raise SubmitError(f"the word table does not go with {self.mode.value}", expected="from")
                text = self._table_options(text[len(word) :])
                continue
            else:
                return text
            text = text[len(word) :].lstrip(_BLANKS)

    def _table_options(self, text: str) -> str:
        self.table = _TABLE
        if text.startswith("("):
            end = _closing(text)
            if end < 0:
                raise SubmitError("the options of table have no closing parenthesis")
            self.table = _TABLE.updated(text[1:end])
            text = text[end + 1 :]
        return text.lstrip(_BLANKS)

    def _item_text(self, text: str) -> None:
        one_line = text.startswith("(") and text.endswith(")")
        if text.startswith("(") and not one_line:
            rest = text[1:].lstrip(_BLANKS)
            if rest:
                self.items = [rest] if self.mode is ItemMode.FROM else split_list(rest)
            self.filename = "<"
            return
        if one_line:
            text = text[1:-1]
            if text.startswith("("):
                # what is left is taken for the beginning of a list of several lines
                self._item_text(f"{text} ")
                return
        if self.mode is ItemMode.FROM:
            text = text.lstrip(_BLANKS)
            if one_line:
                self.items = [text]
            else:
                self.filename = text.strip(_BLANKS)
        else:
            self.items = split_list(text)


def _find_keyword(text: str) -> re.Match[str] | None:
    return _KEYWORD.search(text)


def _variables_start(text: str) -> int:
    """Return where the variable names at the end of ``text`` begin.

    They are made of letters, digits after a letter, blanks, and ``_ . ,``.
    """
    position = start = len(text)
    while position > 0:
        char = text[position - 1]
        if char.isascii() and char.isdigit():
            position -= 1
            while position > 0:
                char = text[position - 1]
                if char.isascii() and char.isalpha():
                    break
                if not (char.isascii() and char.isdigit()):
                    return start
                position -= 1
            else:
                return start
        if not (char in _BLANKS or char in ",_." or (char.isascii() and char.isalpha())):
            break
        position -= 1
        start = position
    return start


def _count(text: str) -> int:
    text = text.strip(_BLANKS)
    if not text:
        return 1
    value = parse_int(text)
    if value is None:
        raise SubmitError(
            f"invalid queue count {text!r}", expected="a whole number, or 'in', 'from' or 'matching' items"
        )
    if not 0 <= value < INT_MAX:
        raise SubmitError(f"the queue count {value} is out of range", expected=f"0 to {INT_MAX - 1}")
    return value


def _closing(text: str, depth: int = 25) -> int:
    """Return where the bracket at the start of ``text`` is closed, quotes and inner brackets considered, or -1."""
    pairs = {"(": ")", "[": "]"}
    stack: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char in pairs:
            stack.append(pairs[char])
            if len(stack) > depth:
                return -1
        elif stack and char == stack[-1]:
            stack.pop()
            if not stack:
                return position
        elif char in "'\"":
            position = _closing_quote(text, position)
            if position < 0:
                return -1
        position += 1
    return -1


def _closing_quote(text: str, position: int) -> int:
    quote = text[position]
    position += 1
    while position < len(text):
        if text[position] == quote:
            return position
        if text[position] == "\\" and text[position + 1 : position + 2] in (quote, "\\"):
            position += 1
        position += 1
    return -1


def join_fields(fields: Sequence[str]) -> str:
    """Return fields as one row in the form a schedd reads."""
    return "\x1f".join(fields)
