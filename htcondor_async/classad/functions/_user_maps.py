r"""Map files: which names a user has in some other world.

Each line is ``method name-or-/pattern/ result``; the method ``*`` serves all.  A pattern's groups can be used in the
result as ``\\1``.  Lines that cannot be read are skipped, as HTCondor does (``condor_utils/MapFile.cpp``).
"""

from __future__ import annotations

import enum
import functools
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from htcondor_async.classad import _regex
from htcondor_async.classad._values import fold, to_bytes, to_text

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

__all__ = ["Entry", "Include", "Syntax", "UserMap", "load", "parse", "read_line"]

MAX_INCLUDED = 100
"""Most files a map may include."""


class Syntax(enum.Enum):
    """What the second field of a line is: a name or a pattern between slashes, a prefix, or a pattern in any case."""

    NAMES = "names"
    PREFIXES = "prefixes"
    PATTERNS = "patterns"


@attrs.frozen(slots=True)
class Entry:
    """A line that maps; a name has no ``options``, a pattern has."""

    method: str
    name: str
    result: str
    options: _regex.Options | None


@attrs.frozen(slots=True)
class Include:
    """A line that names a further file or directory."""

    path: str


@attrs.frozen(slots=True)
class UserMap:
    """A map that was read: entries in order, names before them by their own kind."""

    entries: tuple[Entry, ...]
    prefix: bool

    def find(self, method: str, user: str) -> str | None:
        """Return what the first entry that fits makes of a user, or None."""
        for entry in self.entries:
            if fold(entry.method) != fold(method):
                continue
            groups = self._groups(entry, user)
            if groups is not None:
                return _fill(entry.result, groups)
        return None

    def _groups(self, entry: Entry, user: str) -> tuple[str, ...] | None:
        if entry.options is None:
            fits = user.startswith(entry.name) if self.prefix else user == entry.name
            return (entry.name,) if fits else None
        pattern = to_bytes(entry.name)
        try:
            found = _regex.compile_pattern(pattern, entry.options).search(to_bytes(user))
        except _regex.PatternError:
            return None
        except (_regex.UnsupportedPattern, _regex.PatternLimitError) as error:
            _regex.warn(pattern, error)
            return None
        return None if found is None else tuple(to_text(group) for group in found.groups)


def _fill(template: str, groups: tuple[str, ...]) -> str:
    result = ""
    at = 0
    while at < len(template):
        char = template[at]
        following = template[at + 1 : at + 2]
        at += 1
        if char != "\\" or not following:
            result += "" if char == "\\" else char
            continue
        at += 1
        if following in "0123456789" and int(following) < len(groups):
            result += groups[int(following)]
        else:
            result += char + following
    return result


def _field(line: str, at: int, patterns: bool) -> tuple[str, int, _regex.Options | None]:
    """Return the field that begins at ``at``, where it ends, and the options if it is a pattern between slashes."""
    while at < len(line) and line[at] in " \t\n":
        at += 1
    quote = line[at : at + 1]
    if not (quote == '"' or (quote == "/" and patterns)):
        end = at
        while end < len(line) and line[end] not in " \t\n":
            end += 1
        return line[at:end], end, None
    at += 1
    field = ""
    while at < len(line) and line[at] != quote:
        if line[at] == "\\" and at + 1 < len(line):
            at += 1
            field += line[at] if line[at] in (quote, "\\") else "\\" + line[at]
        else:
            field += line[at]
        at += 1
    at += 1
    if quote == '"':
        return field, at, None
    options = _regex.Options()
    while line[at : at + 1] in ("i", "U"):
        options = attrs.evolve(options, **{"caseless" if line[at] == "i" else "ungreedy": True})
        at += 1
    return field, at, options


def read_line(line: str, syntax: Syntax) -> Entry | Include | None:
    """Return what a line says, None for one that says nothing or cannot be read."""
    method, at, _ = _field(line, 0, False)
    if not method or method.startswith("#"):
        return None
    if method == "@include":
        path = _field(line, at, False)[0]
        return Include(path) if path else None
    name, at, options = _field(line, at, syntax is Syntax.NAMES)
    if syntax is Syntax.PATTERNS:
        options = _regex.Options()
    result = _field(line, at, False)[0] if at <= len(line) else ""
    return Entry(method, name, result, options) if name and result else None


def _entries(
    text: str, directory: str | None, environment: Environment | None, prefix: bool, budget: list[int]
) -> Iterator[Entry]:
    for line in text.split("\n"):
        found = read_line(line, Syntax.PREFIXES if prefix else Syntax.NAMES)
        if isinstance(found, Entry):
            yield found
        elif found is not None and environment is not None:
            yield from _included(posixpath.join(directory or "", found.path), environment, budget)


def _included(path: str, environment: Environment, budget: list[int]) -> Iterator[Entry]:
    """Yield the entries of an included file, or of the files of a directory; they cannot include others."""
    status = environment.stat(path)
    if status is None:
        return
    paths = [path]
    if status.is_directory:
        paths = [posixpath.join(path, name) for name in environment.list_directory(path)]
    for each in paths:
        budget[0] -= 1
        if budget[0] < 0:
            raise ValueError(f"a user map includes more than {MAX_INCLUDED} files")
        yield from _entries(to_text(environment.read_file(each)), None, None, False, budget)


@functools.lru_cache(maxsize=64)
def parse(text: str, *, prefix: bool = False) -> UserMap:
    """Return the map that a text without includes is; ``prefix`` means that names are beginnings of users' names."""
    return UserMap(tuple(_entries(text, None, None, prefix, [MAX_INCLUDED])), prefix)


def load(environment: Environment, path: str | None, text: str, *, prefix: bool) -> UserMap | None:
    """Return the map in a file, or in ``text`` without one; None if the file cannot be read."""
    if path is None:
        directory = None
    else:
        try:
            text = to_text(environment.read_file(path))
        except OSError as error:
            environment.log(f"the user map {path} cannot be read: {error}")
            return None
        directory = posixpath.dirname(path)
    if "@include" not in text:
        return parse(text, prefix=prefix)
    return UserMap(tuple(_entries(text, directory, environment, prefix, [MAX_INCLUDED])), prefix)
