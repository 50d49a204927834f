"""Logical lines of a configuration or submit file, and the error that knows file and line.

Rules [src/condor_utils/config.cpp, getline_implementation]: a line that ends in a backslash goes on with the next one,
whose leading blanks are dropped; blanks after the backslash are dropped, those before it stay. A line that begins with
``#`` does not go on. Inside a continuation such a line is skipped, but it must itself end in a backslash to go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from htcondor_async.errors import ConfigError

__all__ = ["BLANKS", "NO_CONFIGURATION", "LineReader", "Source", "SourceError", "StreamLimits", "decode"]

BLANKS = " \t\n\v\f\r"

NO_CONFIGURATION = "no configuration"
"""How the warning begins that says that no main file was found."""


class SourceError(ConfigError):
    """A statement or a value cannot be understood; ``source`` and ``line`` say where, as far as known.

    Parameters
    ----------
    what
        What is wrong, a clause without a final full stop.
    source
        Name of the file, command or metaknob, or "".
    line
        The number of the last physical line read, from 1; 0 if unknown.
    """

    def __init__(self, what: str = "", *, source: str = "", line: int = 0, **fields: Any) -> None:
        super().__init__(what, **fields)
        self.source = source
        self.line = line

    def at(self, source: str, line: int) -> SourceError:
        """Fill in where the error is unless that is known already; returns the error itself."""
        if not self.source:
            self.source, self.line = source, line
        return self

    def __str__(self) -> str:
        text = super().__str__()
        if not self.source:
            return text
        return f"{self.source}, line {self.line}: {text}" if self.line else f"{self.source}: {text}"


@attrs.frozen
class StreamLimits:
    """How large an input may be: characters of one file, characters of one logical line, files in all."""

    file: int = 16 * 1024 * 1024
    line: int = 1024 * 1024
    files: int = 10_000


@attrs.define
class Source:
    """Where statements come from: the name shown in errors and the number of the last physical line read."""

    name: str
    line: int = 0


def decode(data: bytes, name: str, limits: StreamLimits | None = None) -> str:
    """Return the text of a file; bytes that are not UTF-8 survive as lone surrogates.

    Raises
    ------
    SourceError
        The file is too large, or holds a NUL byte.
    """
    limit = (limits or StreamLimits()).file
    if len(data) > limit:
        raise SourceError(f"the file has more than {limit} bytes", source=name)
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise SourceError("the file holds a NUL byte", source=name, line=line)
    return data.decode("utf-8", "surrogateescape")


class LineReader:
    """Iterates over the logical lines of a text, trimmed, counting physical lines in ``source.line``.

    Parameters
    ----------
    text
        The whole input.
    source
        Where it comes from; its ``line`` is moved on.
    old_comments
        The rule of old releases: ``#`` is text inside continuations, and a comment may be continued. May be changed
        while reading.
    limits
        How long a logical line may become.
    """

    def __init__(
        self, text: str, source: Source, *, old_comments: bool = False, limits: StreamLimits | None = None
    ) -> None:
        self.source = source
        self.old_comments = old_comments
        self._text = text
        self._position = 0
        self._limit = (limits or StreamLimits()).line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        parts: list[str] = []
        size = 0
        while True:
            physical = self._physical()
            if physical is None:
                if size:
                    return "".join(parts)
                raise StopIteration
            line, ended = physical
            if not ended:
                # Without a newline at the end of the file the last line is taken as it is, a final backslash included.
                parts.append(line)
                return "".join(parts)
            line = line.strip(BLANKS)
            comment = line.startswith("#")
            if comment and size and not self.old_comments:
                # Of a comment within a continuation only the last character counts: a backslash goes on.
                line, comment = line[-1:], False
            if line:
                parts.append(line)
            if not (parts and parts[-1].endswith("\\")):
                return "".join(parts)
            size += len(line) - 1
            parts[-1] = parts[-1][:-1]
            if not parts[-1]:
                parts.pop()
            if comment and not self.old_comments:
                return "".join(parts)
            if size > self._limit:
                raise SourceError(f"a line with its continuations has more than {self._limit} characters").at(
                    self.source.name, self.source.line
                )

    def _physical(self) -> tuple[str, bool] | None:
        """Return the next physical line and whether a newline ended it."""
        if self._position >= len(self._text):
            return None
        end = self._text.find("\n", self._position)
        begin, ended = self._position, end >= 0
        end = end if ended else len(self._text)
        self._position = end + 1
        if ended:
            self.source.line += 1
        if end - begin > self._limit:
            raise SourceError(f"a line has more than {self._limit} characters").at(self.source.name, self.source.line)
        return self._text[begin:end], ended
