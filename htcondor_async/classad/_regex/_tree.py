"""Syntax trees of patterns: what the parser builds, the writer prints for ``re``, and the cost estimate walks."""

from __future__ import annotations

import enum
from typing import Union

import attrs

__all__ = [
    "ANY",
    "DIGITS",
    "HORIZONTAL",
    "NEWLINE",
    "SPACES",
    "VERTICAL",
    "WORD",
    "Anchor",
    "AnchorKind",
    "Atomic",
    "BackReference",
    "Call",
    "Chars",
    "Choice",
    "Condition",
    "Fail",
    "Group",
    "Keep",
    "Look",
    "Node",
    "PatternError",
    "Repeat",
    "RepeatMode",
    "Sequence",
    "UnsupportedPattern",
    "byte_set",
]


class PatternError(ValueError):
    """The pattern is not a valid PCRE pattern: PCRE would refuse it too."""


class UnsupportedPattern(ValueError):
    """The pattern is valid, or may be, but has a construct without an equal in Python's ``re``."""


def byte_set(data: bytes) -> int:
    """Return a set of bytes as a bit mask."""
    mask = 0
    for byte in data:
        mask |= 1 << byte
    return mask


ANY = (1 << 256) - 1
NEWLINE = byte_set(b"\n")
DIGITS = byte_set(b"0123456789")
SPACES = byte_set(b" \t\n\v\f\r")
WORD = byte_set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
HORIZONTAL = byte_set(b"\t \xa0")
VERTICAL = byte_set(b"\n\v\f\r\x85")


class RepeatMode(enum.Enum):
    """How a repeat gives back what it took."""

    GREEDY = ""
    LAZY = "?"
    POSSESSIVE = "+"


class AnchorKind(enum.Enum):
    """Positions in the subject; the value is the ``re`` text."""

    SUBJECT_START = r"\A"
    LINE_START = r"(?:\A|(?<=\n)(?!\Z))"
    SUBJECT_END = r"\Z"
    LAST_LINE_END = r"(?=\n?\Z)"
    LINE_END = r"(?=\n|\Z)"
    WORD_BOUNDARY = r"\b"
    NO_WORD_BOUNDARY = r"(?!\b)"
    WORD_START = r"\b(?=\w)"
    WORD_END = r"\b(?<=\w)"
    SEARCH_START = r"\A(?#search)"


@attrs.frozen(slots=True)
class Chars:
    """One byte out of a set, a bit mask."""

    mask: int


@attrs.frozen(slots=True)
class Sequence:
    """One after the other; empty matches the empty string."""

    items: tuple[Node, ...] = ()


@attrs.frozen(slots=True)
class Choice:
    """The first that leads to a match."""

    branches: tuple[Node, ...]


@attrs.frozen(slots=True)
class Group:
    """A capturing group."""

    number: int
    body: Node


@attrs.frozen(slots=True)
class Repeat:
    """``body`` between ``low`` and ``high`` times (None: no upper limit)."""

    body: Node
    low: int
    high: int | None
    mode: RepeatMode


@attrs.frozen(slots=True)
class Atomic:
    """A body whose first match is final."""

    body: Node


@attrs.frozen(slots=True)
class Look:
    """A look ahead or behind."""

    body: Node
    behind: bool
    negative: bool


@attrs.frozen(slots=True)
class BackReference:
    """What the groups of these numbers captured, whichever is set."""

    numbers: tuple[int, ...]
    caseless: bool


@attrs.frozen(slots=True)
class Call:
    """The pattern of a group, used again."""

    number: int


@attrs.frozen(slots=True)
class Condition:
    """``yes`` or ``no``, by a group that is set, a look, or a constant."""

    test: int | Look | bool
    yes: Node
    no: Node


@attrs.frozen(slots=True)
class Anchor:
    """A position."""

    kind: AnchorKind


@attrs.frozen(slots=True)
class Keep:
    r"""``\K``: the match counts from here."""


@attrs.frozen(slots=True)
class Fail:
    """Never matches."""


Node = Union[  # noqa: UP007 - the names before it are used in strings
    Chars, Sequence, Choice, Group, Repeat, Atomic, Look, BackReference, Call, Condition, Anchor, Keep, Fail
]
