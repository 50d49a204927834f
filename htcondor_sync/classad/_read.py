"""Reading ads from text and files, as v1's functions do.

New syntax comes from text or from a real file; old syntax from text or any iterable of lines.  Reading an ad from a
file leaves the file behind that ad.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from htcondor_async.classad import ClassAdParseError
from htcondor_async.classad._cache import node_of_text
from htcondor_async.classad._lexer import meets_end
from htcondor_async.classad._parser import parse_ad_at
from htcondor_async.classad._read import (
    MAX_AD,
    ParserType,
    _AdScanner,
    _merge,
    _new_ads,
    _old_ads,
    _old_ads_of_text,
    _pieces,
    parse_ads,
    parse_old,
)
from htcondor_async.classad._store import AdStore
from htcondor_sync._arguments import uninstantiable

from ._ad import ClassAd
from ._calls import ArgumentError, checked
from ._expr import parse_error
from ._values import Parser

__all__ = [
    "ClassAdFileIterator",
    "ClassAdStringIterator",
    "OldClassAdIterator",
    "parse",
    "parseAds",
    "parseNext",
    "parseOld",
    "parseOldAds",
    "parseOne",
]

_BYTES = "startswith first arg must be bytes or a tuple of bytes, not str"
_UNDETERMINED = "Unable to determine if input is old or new classad"
_NOT_NEW = "Unable to parse input stream into a ClassAd."
_PIECE = 4096
_INT_MAX = 0x7FFFFFFF
_OLD = Parser.Old


class _Ads:
    """An iterator over ads; it raises v1's errors."""

    _ads: Iterator[AdStore]
    _new = True

    def __iter__(self) -> Any:
        """Return the iterator itself."""
        return self

    def __next__(self) -> ClassAd:
        """Return the next ad; raises ClassAdParseError."""
        try:
            ad = next(self._ads, None)
        except ClassAdParseError as error:
            raise parse_error(_NOT_NEW if self._new else error.text or "", error) from None
        if ad is None:
            raise StopIteration("All ads processed")
        return ClassAd._wrap(ad)


class OldClassAdIterator(_Ads, metaclass=uninstantiable):
    """Iterates over ads in old syntax."""

    _new = False

    def __init__(self, ads: Iterator[AdStore]) -> None:
        """Take the ads."""
        self._ads = ads


class ClassAdStringIterator(_Ads, metaclass=uninstantiable):
    """Iterates over ads in new syntax in text."""

    def __init__(self, ads: Iterator[AdStore]) -> None:
        """Take the ads."""
        self._ads = ads


class ClassAdFileIterator(_Ads):
    """Iterates over ads in new syntax in a file."""

    def __init__(self, source: Any = None) -> None:
        """Read from a file; without one there is nothing to iterate over."""
        self._ads = iter(()) if source is None else _new_ads(_pieces(source), False, file=True)


def _is_file(source: Any) -> bool:
    """Return whether a source is a file of the operating system."""
    try:
        source.fileno()
    except (AttributeError, OSError):
        return False  # neither has a descriptor: the answer
    return True


def _lines(source: Any) -> Iterator[str]:
    """Return the lines of a source of old syntax; raises AttributeError for what has none."""
    if isinstance(source, bytes):
        raise TypeError(_BYTES)
    if isinstance(source, str):
        return iter(source.splitlines())
    if hasattr(source, "readline") and hasattr(source, "tell"):
        # Iterating over a file would forbid to ask where it stands.
        return _checked_lines(_read_lines(source))
    return _checked_lines(source.__iter__())


def _read_lines(source: Any) -> Iterator[Any]:
    while line := source.readline():
        yield line


def _checked_lines(lines: Iterator[Any]) -> Iterator[str]:
    for line in lines:
        if isinstance(line, bytes):
            raise TypeError(_BYTES)
        if not isinstance(line, str):
            raise AttributeError(f"{type(line).__name__!r} object has no attribute 'strip'")
        yield line


def _old(source: Any) -> OldClassAdIterator:
    ads = _old_ads_of_text(source) if isinstance(source, str) else _old_ads(_deferred_lines(source))
    return OldClassAdIterator._make(ads)


def _deferred_lines(source: Any) -> Iterator[str]:
    # Bytes fail when they are read, what has no lines at once.
    return _checked_lines(iter(source.splitlines())) if isinstance(source, bytes) else _lines(source)


def _syntax(source: Any, parser: Any, function: str) -> Parser:
    """Return the syntax of a source: as the caller says, or as its first character that is no space does."""
    if not isinstance(parser, Parser):
        raise ArgumentError(f"{function}: expected a Parser, not {type(parser).__name__}")
    if int.__ne__(parser, 0):
        return parser
    if isinstance(source, (str, bytes)):
        first = source.lstrip()[:1]
        return Parser.New if first in ("", b"", "/", b"/", "[", b"[") else Parser.Old
    try:
        start = source.tell()
        first = source.read(1)
        while first and first.isspace():
            first = source.read(1)
        source.seek(start)
    except (AttributeError, OSError):
        raise ClassAdParseError(_UNDETERMINED) from None
    return Parser.New if first in ("", b"", "/", b"/", "[", b"[") else Parser.Old


def _new_source(source: Any) -> Any:
    """Return a source of new syntax; raises TypeError unless it is text or a file."""
    if isinstance(source, int):
        raise ClassAdParseError(_NOT_NEW)
    if not isinstance(source, (str, bytes)) and not _is_file(source):
        raise TypeError(f"new ClassAds are read from a str or a file, not from {type(source).__name__}")
    return source


def _iterate(source: Any, syntax: Parser) -> _Ads:
    if syntax == Parser.Old:
        return _old(source)
    _new_source(source)
    if isinstance(source, (str, bytes)):
        ads = parse_ads(source, ParserType.New)
        return ClassAdStringIterator._make(ads)
    return ClassAdFileIterator(source)


@checked
def parseAds(input: Any, parser: Any = Parser.Auto) -> Any:
    """Return an iterator over the ads of text or a file.

    :param parser: the syntax; by default it is found out.
    :raises ClassAdParseError: while iterating, for text that is no ad; at once if the syntax cannot be found out.
    """
    return _iterate(input, _syntax(input, parser, "parseAds"))


@checked
def parseOldAds(input: Any) -> OldClassAdIterator:
    """Return an iterator over the ads in old syntax of text or lines."""
    return _old(input)


@checked
def parseOne(input: Any, parser: Any = Parser.Auto) -> ClassAd:
    """Return all ads of text or a file merged into one; the parameters as for :func:`parseAds`."""
    syntax = _syntax(input, parser, "parseOne")
    if syntax is _OLD and type(input) is str:
        try:
            return ClassAd._wrap(parse_old(input))
        except ClassAdParseError as error:
            raise parse_error(error.text or "", error) from None
    if syntax == Parser.Old and isinstance(input, bytes):
        raise TypeError(_BYTES)
    result = ClassAd()
    for ad in _iterate(input, syntax):
        if len(result):
            _merge(result, ad)
        else:
            result = ad
    return result


@checked
def parseNext(input: Any, parser: Any = Parser.Auto) -> ClassAd:
    """Return the next ad of text or a file; a file is left behind it.

    :raises StopIteration: there is no ad any more.
    """
    syntax = _syntax(input, parser, "parseNext")
    if syntax == Parser.New and not isinstance(input, (str, bytes)):
        return _next_in_file(_new_source(input))
    return next(_iterate(input, syntax))


@checked
def parse(input: Any) -> ClassAd:
    """Return the ad in new syntax that text or a file begins with."""
    if isinstance(input, (str, bytes)):
        return ClassAd(input)
    if input is None:
        raise ClassAdParseError(_NOT_NEW)
    # A number is a descriptor, from which nothing is read.
    if not 0 <= input <= _INT_MAX if isinstance(input, int) else not _is_file(input):
        raise ArgumentError(f"parse: expected a str or a file, not {type(input).__name__}")
    try:
        return _next_in_file(_new_source(input))
    except StopIteration:
        raise ClassAdParseError(_NOT_NEW) from None


def _next_in_file(source: Any) -> ClassAd:
    """Return the next ad of a file, reading no further than to its end where the file can be positioned."""
    scanner = _AdScanner()
    positioned = source.seekable()
    start = source.tell() if positioned else 0
    end: int | None = None
    final = False
    while end is None and not final:
        piece = source.read(_PIECE if positioned else 1)
        final = not piece
        scanner.feed(piece if isinstance(piece, str) else piece.decode("latin-1"))
        if len(scanner.text) > MAX_AD:
            raise ClassAdParseError(_NOT_NEW)
        end = scanner.next_end(final)
    text = scanner.take(len(scanner.text) if end is None else end)
    if positioned and end is not None:
        source.seek(start)
        piece = source.read(end)
        text = piece if isinstance(piece, str) else piece.decode("utf-8", "surrogateescape")
    try:
        return ClassAd._from_node(parse_ad_at(text)[0])
    except ClassAdParseError as error:
        if end is None and meets_end(text, error.position):
            raise StopIteration("All ads processed") from None
        raise parse_error(_NOT_NEW, error) from None


@checked
def parseOld(input: Any) -> ClassAd:
    """Return the ad that text or a file is in old syntax; every line is an attribute but comments with ``#``.

    :raises ClassAdParseError: a line is none, an empty one too.
    """
    if isinstance(input, bytes):
        raise TypeError(_BYTES)
    lines = input.splitlines() if isinstance(input, str) else input.readlines()
    ad = ClassAd()
    for number, raw in enumerate(_checked_lines(iter(lines)), 1):
        line = raw.strip()
        if line.startswith("#"):
            continue
        if not line or line.startswith("="):
            raise ClassAdParseError(line, number)
        try:
            # A line without "=" is both name and value, as everywhere in v1.
            name, equals, value = line.partition("=")
            ad._put(name.rstrip(" "), node_of_text((value if equals else line).lstrip(" ")))
        except ClassAdParseError as error:
            raise parse_error(line, error) from None
    return ad
