"""``if``, ``elif``, ``else`` and ``endif`` of submit descriptions [src/condor_utils/config.cpp, ConfigIfStack]."""

from __future__ import annotations

import re

from .macros import MacroTable
from .problems import SubmitError
from .versions import Version

__all__ = ["Conditions"]

_MAX_DEPTH = 63
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d*)?|\.\d+)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./]*|[A-Za-z0-9_./]*[A-Za-z][A-Za-z0-9_./]*")
_VERSION = re.compile(r"version(?![A-Za-z0-9])\s*(!?)([<=>]?)(=?)\s*[vV]?(.*)", re.IGNORECASE | re.DOTALL)
_VERSION_NUMBER = re.compile(r"\s*(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")
_VERSION_FORM = re.compile(r"version\s*!?\s*[<=>]*\s*[vV]?[A-Za-z0-9.\s]*", re.IGNORECASE)
_DEFINED = re.compile(r"defined(?![A-Za-z0-9])\s*([A-Za-z0-9_./:\s-]*)", re.IGNORECASE)
_KEYWORD = re.compile(r"(if|elif|else|endif)(?=\s|\Z)\s*(.*)", re.IGNORECASE | re.DOTALL)


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
        if _NUMBER.fullmatch(text):
            return float(re.sub(r"[eE][+-]?\Z", "", text)) != 0
        if _DEFINED.fullmatch(text):
            return self._defined(text[len("defined") :].strip())
        if re.match(r"version(?![A-Za-z0-9])", lower) and _VERSION_FORM.fullmatch(text):
            return self._compare_version(text)
        if _WORD.fullmatch(text) or not text:
            raise ValueError("expression is not a conditional")
        raise ValueError("complex conditionals are not supported")

    def _defined(self, name: str) -> bool:
        if not name:
            return False
        if _NUMBER.fullmatch(name) or name.lower() in ("true", "false"):
            return True
        if re.match(r"use\s", name, re.IGNORECASE):
            if re.search(r"\s", name[3:].strip()):
                raise ValueError("the argument of defined use must not hold blanks")
            return False
        if not re.fullmatch(r"[A-Za-z0-9_./]+", name):
            raise ValueError("the argument of defined must be one name, a boolean or a number")
        return bool(self._macros.lookup(name)) or name.lower() in ("yes", "no", "t", "f")

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
