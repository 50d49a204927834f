"""Pieces that the bodies of events are made of: lines, numbers, usages, attributes in ClassAd syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from htcondor_async.classad import ClassAd, ClassAdEvaluationError, ClassAdParseError, Error, ExprTree
from htcondor_async.classad._parser import parse_expression

__all__ = [
    "HIDDEN",
    "NO_USAGE",
    "Attributes",
    "BodyError",
    "Lines",
    "ad_lines",
    "byte_count",
    "constant",
    "integer",
    "one_line",
    "parsed_line",
    "read_usage",
    "usage_of",
    "value_in",
    "whole_line",
]

Attributes: TypeAlias = "dict[str, Any]"
"""What a body says, by attribute. A name that begins with :data:`HIDDEN` is needed for writing the event again only."""

HIDDEN = "."
NO_USAGE = "Usr 0 00:00:00, Sys 0 00:00:00"

_INT_MIN, _INT_MAX = -0x8000000000000000, 0x7FFFFFFFFFFFFFFF
_PLAIN_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_REAL = re.compile(r"\t\s*([+-]?[0-9]{1,300}(?:\.[0-9]{0,300})?(?:[eE][+-]?[0-9]{1,3})?)  -  ")
_PLAIN_USAGE = re.compile(
    r"\t\t?(Usr (?:0|[1-9][0-9]{0,8}) (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9], "
    r"Sys (?:0|[1-9][0-9]{0,8}) (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])  -  "
)
"""As HTCondor writes it: nothing is to be carried over."""
_USAGE = re.compile(
    r"\s*Usr ([0-9]{1,9}) ([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9}), "
    r"Sys ([0-9]{1,9}) ([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9})"
)
_LINE_BREAKS = re.compile(r"\r?\n|\r")


class BodyError(Exception):
    """A body is not what its event number promises; the text says what was expected."""


class Lines:
    """The lines of a body, one after another."""

    __slots__ = ("_lines", "_next")

    def __init__(self, body: str) -> None:
        self._lines = [line[:-1] if line.endswith("\r") else line for line in body.split("\n")]
        self._next = 0

    def take(self) -> str | None:
        """Return the next line, or None after the last."""
        if self._next >= len(self._lines):
            return None
        line = self._lines[self._next]
        self._next += 1
        return line

    def peek(self) -> str | None:
        """Return the next line without taking it."""
        return self._lines[self._next] if self._next < len(self._lines) else None

    def need(self, what: str) -> str:
        """Return the next line; raises :class:`BodyError` if there is none."""
        line = self.take()
        if line is None:
            raise BodyError(f"the line with {what} is missing")
        return line

    def after(self, prefix: str) -> str:
        """Return what follows ``prefix`` in the next line; raises :class:`BodyError` if it begins otherwise."""
        line = self.need(repr(prefix.strip()))
        if not line.startswith(prefix):
            raise BodyError(f"expected {prefix!r}, found {line[:80]!r}")
        return line[len(prefix) :]

    def __iter__(self) -> Iterator[str]:
        """Take the lines that are left."""
        while (line := self.take()) is not None:
            yield line


def integer(text: str, what: str) -> int:
    """Return the number that ``text`` begins with, blanks aside; raises :class:`BodyError`."""
    found = _NUMBER.match(text.strip())
    value = int(found[0]) if found else 0
    if found is None or not _INT_MIN <= value <= _INT_MAX:
        raise BodyError(f"{what} is no number of 64 bits: {text.strip()[:40]!r}")
    return value


def read_usage(lines: Lines, what: str) -> str:
    """Return the processor times of a line as ``Usr D HH:MM:SS, Sys D HH:MM:SS``; raises :class:`BodyError`."""
    line = lines.need(what)
    found = _PLAIN_USAGE.match(line)
    if found is not None:
        return found[1]
    found = _USAGE.match(line)
    if found is None:
        raise BodyError(f"the processor times of the {what} do not parse")
    return usage_of(*(sum(int(found[i + k]) * unit for k, unit in enumerate((86400, 3600, 60, 1))) for i in (1, 5)))


def usage_of(user: int, system: int) -> str:
    """Return seconds of user and system time as the log writes them."""
    parts = []
    for label, seconds in (("Usr", user), ("Sys", system)):
        days, rest = divmod(seconds, 86400)
        parts.append(f"{label} {days} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}")
    return ", ".join(parts)


def byte_count(line: str | None, label: str = "") -> float | None:
    """Return the number of a line like ``<tab>12  -  Run Bytes Sent By Job``, or None if it is none with ``label``."""
    found = _REAL.match(line) if line is not None else None
    if line is None or found is None or not line.startswith(label, found.end()):
        return None
    return float(found[1])


def one_line(value: object) -> str:
    """Return a value as text of one line: HTCondor writes line breaks as ``|``."""
    text = value if isinstance(value, str) else str(value)
    return _LINE_BREAKS.sub("|", text) if "\n" in text or "\r" in text else text


def parsed_line(line: str) -> ClassAd | None:
    """Return the ad of one line ``Name = expression``, or None if it is none."""
    if "=" not in line:
        return None
    try:
        ad = ClassAd.parse_old(line.strip())
        for name in ad:
            ad.lookup(name)
    except ClassAdParseError:
        return None
    return ad if len(ad) == 1 else None


def whole_line(line: str) -> ClassAd | None:
    """Return what :func:`parsed_line` does, but None also where something follows the expression."""
    ad = parsed_line(line)
    try:
        parse_expression(line.partition("=")[2].strip(), old=True)
    except ClassAdParseError:
        return None
    return ad


def constant(text: str) -> Any:
    """Return the value of an expression if it is a constant, else the expression; None if it does not parse."""
    digits = text.strip()
    plain = _PLAIN_NUMBER.fullmatch(digits)
    if plain is not None:
        return float(digits) if plain[1] else int(digits)
    if not digits:
        return None
    ad = ClassAd()
    try:
        ad["X"] = ExprTree._of(parse_expression(digits, old=True))
        return ad["X"]
    except ClassAdParseError:
        return None


def value_in(ad: ClassAd, name: str) -> Any:
    """Return the value of an attribute as an event gives it: an expression is evaluated within its ad."""
    value = ad[name]
    if not isinstance(value, ExprTree):
        return value
    try:
        return ad.eval(name)
    except ClassAdEvaluationError:
        return Error
    except RuntimeError:
        # it asks for the time or the like, and a log is no place to answer that
        return value


def ad_lines(ad: Mapping[str, Any], indent: str = "\t") -> list[str]:
    """Return an ad as lines ``Name = expression``, sorted by name."""
    whole = ad if isinstance(ad, ClassAd) else ClassAd(ad)
    return sorted((indent + line for line in whole.print_old().split("\n") if line), key=str.lower)
