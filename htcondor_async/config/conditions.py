"""``if``, ``elif``, ``else``, ``endif``, and the conditions they take; shared with the submit language.

A condition, after macro expansion, is empty (false, if macros made it so), a truth value, a number, ``defined NAME``,
``defined use CATEGORY[:KNOB]`` or ``version OP N.N[.N]``, with ``!`` in front to negate. Everything else is refused, as
in HTCondor, unless the user of this module knows how to evaluate it [src/condor_utils/config.cpp, Evaluate_config_if].
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from ._defaults import find_metaknob, metaknob_categories
from .macros import Expander
from .stream import BLANKS, SourceError

__all__ = ["Conditions", "IfStack"]

# What `version` is compared with: the release whose language and defaults these are.
LANGUAGE_VERSION = (24, 0, 24)

_MAX_DEPTH = 63
_KEYWORD = re.compile(r"(if|elif|else|endif)(?=[ \t\n\v\f\r]|$)", re.IGNORECASE)
_NUMBER = re.compile(r"-?(?:[0-9]+(?:[.eE][0-9.eE+-]*)?|\.[0-9][0-9.eE+-]*)")
_LEADING_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_IDENTIFIER = re.compile(r"-?(?=[^a-zA-Z]*[a-zA-Z])[A-Za-z0-9_./]+")
_DEFINED = re.compile(r"defined(?:[ \t\n\v\f\r]+([A-Za-z0-9_./: \t\n\v\f\r]*))?", re.IGNORECASE)
_VERSION = re.compile(
    r"version[ \t\n\v\f\r]+(!(?![<>]))?([<=>]?)(=?)[ \t\n\v\f\r]*((?:[0-9A-Za-z ]|\.(?=[0-9]|$))*)", re.IGNORECASE
)
_VERSION_NUMBER = re.compile(r"[vV]? *([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_TRUE, _FALSE = ("true", "yes", "t"), ("false", "no", "f")


def _is_identifier(text: str) -> bool:
    return _IDENTIFIER.fullmatch(text) is not None and not (text.endswith(".") and not any(c.isdigit() for c in text))


class Conditions:
    """Decides conditions.

    Parameters
    ----------
    expander
        Expands the condition, and knows which names are defined.
    evaluate
        Decides what is none of the known forms, or returns None; by default nothing is.
    """

    def __init__(self, expander: Expander, evaluate: Callable[[str], bool | None] | None = None) -> None:
        self._expander = expander
        self._evaluate = evaluate

    def decide(self, text: str) -> bool:
        """Return whether the condition holds.

        Raises
        ------
        SourceError
            It is not a condition.
        """
        expanded = self._expander.expand(text).strip(BLANKS)
        negated = expanded.startswith("!")
        condition = expanded[1:].strip(BLANKS) if negated else expanded
        if not condition and "$" in text:
            return negated
        return self._plain(condition) != negated

    def _plain(self, text: str) -> bool:
        word = text.lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        if _NUMBER.fullmatch(text):
            match = _LEADING_NUMBER.match(text)
            return match is not None and float(match[0]) != 0
        if match := _DEFINED.fullmatch(text):
            return self._defined((match[1] or "").strip(BLANKS))
        if word == "version" or ((match := _VERSION.fullmatch(text)) and (match[2] or match[3])):
            return _compare_version(match) if word != "version" and match else _compare_version(None)
        if self._evaluate is not None and (result := self._evaluate(text)) is not None:
            return result
        if not text or _is_identifier(text):
            raise SourceError(f"{text[:200]!r} is not a condition")
        raise SourceError(f"{text[:200]!r} is not a condition: complex conditions are not supported")

    def _defined(self, text: str) -> bool:
        if not text:
            return False
        if _is_identifier(text):
            value = self._expander.lookup(text)
            return bool(value) if value is not None else text.lower() in (*_TRUE, *_FALSE)
        if _NUMBER.fullmatch(text):
            return True
        words = text.split(None, 1)
        if words[0].lower() != "use" or len(words) < 2:
            raise SourceError(f"defined takes a name, a truth value or a number, not {text[:200]!r}")
        target = words[1]
        if any(blank in target for blank in BLANKS):
            raise SourceError(f"defined use takes CATEGORY or CATEGORY:KNOB without blanks, not {target[:200]!r}")
        category, _, knob = target.partition(":")
        if not knob:
            return category.lower() in metaknob_categories()
        return find_metaknob(category, knob) is not None


def _compare_version(match: re.Match[str] | None) -> bool:
    number = _VERSION_NUMBER.match(match[4]) if match else None
    if match is None or number is None or int(number[1]) < 6:
        raise SourceError("version takes an operator and a version such as 24.0.1")
    major, minor, patch = LANGUAGE_VERSION
    other = (int(number[1]), int(number[2]), int(number[3]) if number[3] else patch)
    mine = (major, minor, patch)
    operator = match[2] + match[3]
    result = {
        "<": mine < other,
        "<=": mine <= other,
        ">": mine > other,
        ">=": mine >= other,
    }.get(operator, mine == other)
    return result != bool(match[1])


@attrs.define
class _Level:
    active: bool
    taken: bool
    in_else: bool = False


class IfStack:
    """Which lines count, between ``if`` and ``endif``.

    Parameters
    ----------
    decide
        Decides a condition; called only for conditions that matter.
    """

    def __init__(self, decide: Callable[[str], bool]) -> None:
        self._decide = decide
        self._levels: list[_Level] = []

    @property
    def enabled(self) -> bool:
        """Whether the present line counts."""
        return all(level.active for level in self._levels)

    @property
    def inside(self) -> bool:
        """Whether an ``if`` is open."""
        return bool(self._levels)

    def take(self, line: str) -> bool:
        """Handle a line if it is one of the four statements; returns whether it was.

        Raises
        ------
        SourceError
            The statement has no place here, or its condition is none.
        """
        match = _KEYWORD.match(line)
        if match is None:
            return False
        keyword = match[1].lower()
        condition = line[match.end() :].strip(BLANKS)
        if keyword == "if":
            if len(self._levels) >= _MAX_DEPTH:
                raise SourceError(f"if is nested more than {_MAX_DEPTH} deep")
            active = self.enabled and self._decide(condition)
            self._levels.append(_Level(active, active))
            return True
        if not self._levels:
            raise SourceError(f"{keyword} without an if")
        level = self._levels[-1]
        if keyword == "endif":
            self._levels.pop()
        elif level.in_else:
            raise SourceError(f"{keyword} after else")
        elif keyword == "else":
            level.in_else = True
            level.active = not level.taken
        else:
            outer = all(other.active for other in self._levels[:-1])
            level.active = not level.taken and outer and self._decide(condition)
            level.taken = level.taken or level.active
        return True
