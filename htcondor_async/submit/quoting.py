"""Command-line arguments and environments as HTCondor writes them in one string.

The *V2* form separates by blanks, with single quotes around what is to stay together; in a submit file it stands in
double quotes, with inner ones repeated. The older *V1* form has no quoting: arguments are separated by blanks,
environment entries by a delimiter [src/condor_utils/condor_arglist.cpp, env.cpp].
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from .words import wildcard_match

__all__ = [
    "EnvironmentFilter",
    "EnvironmentTable",
    "QuotingError",
    "is_v2_quoted",
    "join_v2",
    "parse_arguments",
    "quote_v2",
    "split_v2",
    "unquote_v2",
]

_SPECIAL = re.compile(r"[ \t\n\r']+")
_TOKEN = re.compile(r"[^ \t\n\r]+")
_DELIMITERS = frozenset("!#$%&*+,-/:;<>?@^`|~\x1f")


class QuotingError(ValueError):
    """A string is not well quoted; the message says where."""


def is_v2_quoted(text: str) -> bool:
    """Return whether ``text`` is in the form that stands in double quotes."""
    return text.lstrip().startswith('"')


def unquote_v2(text: str) -> str:
    """Return what stands between the double quotes of a submit file.

    Raises
    ------
    QuotingError
        The quotes do not end, or something follows them.
    """
    body = text.lstrip()[1:]
    out: list[str] = []
    position = 0
    while True:
        quote = body.find('"', position)
        if quote < 0:
            raise QuotingError("the double quote at the beginning has no partner at the end")
        out.append(body[position:quote])
        if not body.startswith('"', quote + 1):
            break
        out.append('"')
        position = quote + 2
    rest = body[quote + 1 :]
    if rest.strip():
        raise QuotingError(
            f"there is text after the closing double quote: {body[quote:].strip()}; "
            "a double quote within is written twice"
        )
    return "".join(out)


def split_v2(text: str) -> list[str]:
    """Return the arguments of a raw V2 string.

    Raises
    ------
    QuotingError
        A single quote has no partner.
    """
    if "'" not in text:
        return _TOKEN.findall(text)
    found: list[str] = []
    current: list[str] | None = None
    position, size = 0, len(text)
    while position < size:
        char = text[position]
        if char in " \t\n\r":
            if current is not None:
                found.append("".join(current))
                current = None
            position += 1
            continue
        current = current if current is not None else []
        if char != "'":
            match = re.compile(r"[^ \t\n\r']+").match(text, position)
            assert match is not None
            current.append(match[0])
            position = match.end()
            continue
        start = position
        position += 1
        while True:
            quote = text.find("'", position)
            if quote < 0:
                raise QuotingError(f"the single quote that begins here has no partner: {text[start:]}")
            current.append(text[position:quote])
            if text.startswith("'", quote + 1):
                current.append("'")
                position = quote + 2
                continue
            position = quote + 1
            break
    if current is not None:
        found.append("".join(current))
    return found


def _quote_one(argument: str) -> str:
    if not argument:
        return "''"
    if _SPECIAL.search(argument) is None:
        return argument
    out = ""
    for char in argument:
        if char in " \t\n\r'":
            # A quoted section right before is continued, so that no repeated quote comes up by accident.
            out = out[:-1] if out.endswith("'") else out + "'"
            out += ("''" if char == "'" else char) + "'"
        else:
            out += char
    return out


def join_v2(arguments: Iterable[str]) -> str:
    """Return arguments as a raw V2 string."""
    return " ".join(map(_quote_one, arguments))


def quote_v2(raw: str) -> str:
    """Return a raw V2 string in the double quotes of a submit file."""
    return '"' + raw.replace('"', '""') + '"'


def parse_arguments(text: str, *, v2_only: bool = False) -> tuple[bool, list[str]]:
    """Return whether ``text`` is in V1 form, and its arguments.

    Parameters
    ----------
    text
        The value of a command.
    v2_only
        Refuse V1 form.

    Raises
    ------
    QuotingError
        It is badly quoted.
    """
    if is_v2_quoted(text):
        return False, split_v2(unquote_v2(text))
    if v2_only:
        raise QuotingError("the value must stand in double quotes")
    if '"' in text:
        bare = re.search(r'(?<!\\)"', text)
        if bare is not None:
            raise QuotingError(
                f"there is a double quote without a backslash before it: {text[bare.start() :]}; "
                "to use double quotes as quotes, put one at the very beginning"
            )
        text = text.replace('\\"', '"')
    return True, _TOKEN.findall(text)


@attrs.frozen
class EnvironmentFilter:
    """Which variables ``getenv`` takes from the submitter's environment.

    Parameters
    ----------
    include, exclude
        Patterns; nothing to include means everything.
    v1
        Leave out what the V1 form cannot hold.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    v1: bool = False

    @classmethod
    def parse(cls, text: str, v1: bool) -> EnvironmentFilter:
        """Return the filter of a pattern list such as ``PATH,LC_*,!LC_ALL``."""
        include, exclude = [], []
        for name in re.findall(r"[^,; \t\r\n]+", text):
            if name.startswith("!"):
                if name[1:]:
                    exclude.append(name[1:])
            else:
                include.append(name)
        return cls(tuple(include), tuple(exclude), v1)

    def accepts(self, name: str, value: str) -> bool:
        """Return whether a variable is taken."""
        if "\n" in value or (self.v1 and ";" in value):
            return False
        if any(wildcard_match(pattern, name) for pattern in self.exclude):
            return False
        return not self.include or any(wildcard_match(pattern, name) for pattern in self.include)


class EnvironmentTable:
    """Environment variables of a job, in the making."""

    def __init__(self) -> None:
        self._values: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._values)

    def add_entry(self, entry: str) -> None:
        """Take one ``NAME=value``.

        Raises
        ------
        QuotingError
            It has no name or no equals sign. An entry that is left to match time (``$$``) needs none.
        """
        name, equals, value = entry.partition("=")
        if not equals:
            if "$$" in entry:
                self._values[entry] = None
                return
            raise QuotingError(f"there is no '=' after the environment variable '{entry}'")
        if not name:
            raise QuotingError(f"there is no variable name in '{entry}'")
        self._values[name] = value

    def merge_raw_v2(self, raw: str) -> None:
        """Take the entries of a raw V2 string."""
        for entry in split_v2(raw):
            self.add_entry(entry)

    def merge_v1(self, text: str, delimiter: str = "") -> None:
        """Take the entries of a V1 string; its first character may name the delimiter."""
        if not text:
            return
        delimiter = delimiter or ";"
        if text[0] == delimiter:
            text = text[1:]
        elif text[0] in _DELIMITERS:
            delimiter, text = text[0], text[1:]
        for entry in re.split(f"[\n{re.escape(delimiter)}]", text):
            entry = entry.lstrip(" \t\n\r")
            if entry:
                self.add_entry(entry)

    def merge(self, text: str, *, v2_only: bool = False) -> None:
        """Take the value of an environment command, in either form."""
        if is_v2_quoted(text):
            self.merge_raw_v2(unquote_v2(text))
        elif v2_only:
            raise QuotingError("the value must stand in double quotes")
        else:
            self.merge_v1(text)

    def import_from(self, environ: Mapping[str, str], filter_: EnvironmentFilter) -> None:
        """Take what the filter accepts of another environment, unless it is set already."""
        for name, value in environ.items():
            if name not in self._values and filter_.accepts(name, value):
                self._values[name] = value

    def _sorted(self) -> list[tuple[str, str | None]]:
        return sorted(self._values.items(), key=lambda item: item[0].encode("utf-8", "surrogateescape"))

    def raw_v2(self) -> str:
        """Return the whole as a raw V2 string, sorted by name."""
        return join_v2(name if value is None else f"{name}={value}" for name, value in self._sorted())

    def raw_v1(self, delimiter: str = ";") -> str:
        """Return the whole as a V1 string, sorted by name.

        Raises
        ------
        QuotingError
            Some entry holds the delimiter or a newline.
        """
        out = []
        for name, value in self._sorted():
            entry = name if value is None else f"{name}={value}"
            if delimiter in entry or "\n" in entry:
                raise QuotingError(f"the old environment form cannot hold {entry}")
            out.append(entry)
        return delimiter.join(out)
