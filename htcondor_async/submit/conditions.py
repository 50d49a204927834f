"""``if``, ``elif``, ``else`` and ``endif`` of submit descriptions [src/condor_utils/config.cpp, ConfigIfStack]."""

from __future__ import annotations

import re

from htcondor_async.config._defaults import find_metaknob, metaknob_categories

from .macros import MacroTable
from .problems import SubmitError
from .versions import Version

__all__ = ["Conditions"]

_MAX_DEPTH = 63
_VERSION = re.compile(r"version(?![A-Za-z0-9])\s*(!?)([<=>]?)(=?)\s*[vV]?(.*)", re.IGNORECASE | re.DOTALL)
_VERSION_NUMBER = re.compile(r"\s*(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")
_LEADING_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# What characters are, by which a condition is told from others: letters, digits, a digit's point or exponent, ...
_LETTER, _DIGIT, _FLOAT, _NAME, _BLANK, _COMPARE, _COLON, _OTHER = "adfn =:*"
_NUMBERS = {frozenset("d"), frozenset("df")}
_NAMES = {frozenset(kinds) for kinds in ("a", "ad", "adf", "an", "and", "andf")}
_VERSIONS = {frozenset(kinds) for kinds in ("a =d", "a =df")}
_DEFINITIONS = {frozenset(kinds) for kinds in ("a ", "a :", "a n", "a n:", "a d", "a dn", "a df", "a dnf")}
_KEYWORD = re.compile(r"(if|elif|else|endif)(?=\s|\Z)\s*(.*)", re.IGNORECASE | re.DOTALL)


def _kinds(text: str) -> frozenset[str]:
    """Return of which kinds the characters of a condition are."""
    found: set[str] = set()
    for position, char in enumerate(text):
        following = text[position + 1 : position + 2]
        if char in "+-":
            # a minus at the start, and whatever follows a float, says nothing
            if (char == "-" and position == 0) or found == {_DIGIT, _FLOAT}:
                continue
            found.add(_OTHER)
        elif not char.isascii():
            found.add(_OTHER)
        elif char.isdigit():
            found.add(_DIGIT)
        elif char == ".":
            found.add(_FLOAT if found == {_DIGIT} or not following or following.isdigit() else _NAME)
        elif char in "eE":
            found.add(_FLOAT if found - {_FLOAT} == {_DIGIT} else _LETTER)
        elif char.isalpha():
            found.add(_LETTER)
        elif char in "_/":
            found.add(_NAME)
        elif char in "<=>" or (char == "!" and following == "="):
            found.add(_COMPARE)
        else:
            found.add(_BLANK if char.isspace() else _COLON if char == ":" else _OTHER)
    return frozenset(found)


def _number(text: str) -> float:
    match = _LEADING_NUMBER.match(text)
    return float(match[0]) if match else 0.0


class Conditions:
    """The conditions that surround the line being read.

    Parameters
    ----------
    macros
        The table as read so far.
    version
        What ``version`` is compared with.
    """

    def __init__(self, macros: MacroTable, version: Version) -> None:
        self._macros = macros
        self._version = version
        # One entry a level: is this branch on, was one on before, has else been seen.
        self._levels: list[list[bool]] = []

    @property
    def inside(self) -> bool:
        """Whether some ``if`` is open."""
        return bool(self._levels)

    @property
    def enabled(self) -> bool:
        """Whether lines count here."""
        return all(level[0] for level in self._levels)

    def take(self, line: str) -> bool:
        """Obey ``line`` if it is about conditions; returns whether it was.

        Raises
        ------
        SubmitError
            It is out of place, or its condition is not one.
        """
        match = _KEYWORD.match(line)
        if match is None:
            return False
        word, condition = match[1].lower(), match[2]
        if word == "if":
            if len(self._levels) >= _MAX_DEPTH:
                raise SubmitError(f"if statements are nested more than {_MAX_DEPTH} deep")
            on = self.enabled and self._test(condition, "if")
            self._levels.append([on, on, False])
        elif word == "endif":
            if not self._levels:
                raise SubmitError("endif without matching if")
            self._levels.pop()
        else:
            self._alternative(word, condition)
        return True

    def _alternative(self, word: str, condition: str) -> None:
        if not self._levels:
            raise SubmitError(f"{word} without matching if")
        level = self._levels[-1]
        if level[2]:
            raise SubmitError(f"{word} is not allowed after else")
        if word == "else":
            level[2] = True
            level[0] = not level[1]
            return
        outer = all(entry[0] for entry in self._levels[:-1])
        level[0] = outer and not level[1] and self._test(condition, "elif")
        level[1] = level[1] or level[0]

    def finish(self) -> None:
        """Complain if something is still open at the end of the text."""
        if self._levels:
            raise SubmitError(f"{len(self._levels)} if without endif at the end of the description")

    def _test(self, condition: str, word: str) -> bool:
        text = self._macros.expand(condition) if "$" in condition else condition
        expanded = "$" in condition
        text = text.strip()
        negated = text.startswith("!")
        if negated:
            text = text[1:].lstrip()
        if expanded and not text:
            return negated
        try:
            return self._evaluate(text) is not negated
        except ValueError as error:
            raise SubmitError(
                f"{text or condition or '(nothing)'} is not a valid {word} condition because {error}",
                expected="a number, true or false, defined NAME, or version >= x.y.z",
            ) from None

    def _evaluate(self, text: str) -> bool:
        lower = text.lower()
        if lower in ("true", "yes", "t"):
            return True
        if lower in ("false", "no", "f"):
            return False
        kinds = _kinds(text)
        if kinds in _NUMBERS:
            return _number(text) != 0
        if kinds in _DEFINITIONS | {frozenset("a")} and re.match(r"defined(?![A-Za-z0-9])", lower):
            return self._defined(text[len("defined") :].strip())
        if lower == "version" or (kinds in _VERSIONS and re.match(r"version(?![A-Za-z0-9])", lower)):
            return self._compare_version(text)
        if kinds in _NAMES or not text:
            raise ValueError("expression is not a conditional")
        raise ValueError("complex conditionals are not supported")

    def _defined(self, name: str) -> bool:
        kinds = _kinds(name)
        if not name:
            return False
        if kinds in _NUMBERS or name.lower() in ("true", "false"):
            return True
        if kinds in _NAMES:
            value = self._macros.lookup(name)
            return bool(value) if value is not None else name.lower() in ("yes", "no", "t", "f")
        match = re.match(r"use\s+", name, re.IGNORECASE)
        if match is None:
            raise ValueError("the argument of defined must be one name, a boolean or a number")
        # These are the categories of the configuration; templates are never found here.
        category, _, knob = name[match.end() :].partition(":")
        if re.search(r"\s", category + knob):
            raise ValueError("the argument of defined use must not hold blanks")
        if not knob:
            return category.lower() in metaknob_categories()
        return find_metaknob(category, knob) is not None

    def _compare_version(self, text: str) -> bool:
        match = _VERSION.fullmatch(text)
        number = _VERSION_NUMBER.match(match[4]) if match else None
        if match is None or number is None or int(number[1]) < 6:
            raise ValueError("the version literal is invalid")
        sub = int(number[3]) if number[3] else self._version.sub
        other = Version(int(number[1]), int(number[2]), sub)
        order = (self._version > other) - (self._version < other)
        wanted = {"<": -1, ">": 1}.get(match[2], 0)
        equal = bool(match[3]) or match[2] == "="
        result = order == wanted or (equal and order == 0)
        return result is not bool(match[1])
