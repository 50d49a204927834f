"""``use CATEGORY : knob, knob(arguments)``: which knobs are named, and their statements with arguments put in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .stream import BLANKS, SourceError

__all__ = ["expand_arguments", "split_knobs"]

_ARGUMENT = re.compile(r"\$\(([0-9])([0-9]*)([?#+]?)(?:[0-9?#+]*)(?::((?:[^()]|\([^()]*\))*))?\)")
_CLOSING = {"(": ")", "[": "]"}
_MAX_DEPTH = 25
_MAX_LENGTH = 1024 * 1024
_MAX_EXPANSIONS = 1000


def _close(text: str, position: int) -> int:
    """Return the position of the bracket that closes the one at ``position``, or -1."""
    stack = [_CLOSING[text[position]]]
    for index in range(position + 1, len(text)):
        character = text[index]
        if character == stack[-1]:
            stack.pop()
            if not stack:
                return index
        elif character in _CLOSING:
            stack.append(_CLOSING[character])
            if len(stack) > _MAX_DEPTH:
                return -1
    return -1


def split_knobs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each knob and its arguments, "" without.

    Knobs are separated by commas or blanks; arguments stand in parentheses, which may be nested. As in HTCondor, a
    parenthesis that is never closed is skipped, and one without a knob before it ends the list.
    """
    position = 0
    while True:
        while position < len(text) and text[position] in BLANKS + ",":
            position += 1
        begin = position
        while position < len(text) and text[position] not in BLANKS + ",(":
            position += 1
        knob = text[begin:position]
        if not knob:
            return
        rest = position
        while rest < len(text) and text[rest] in BLANKS:
            rest += 1
        arguments = ""
        if text.startswith("(", rest):
            end = _close(text, rest)
            arguments = text[rest + 1 : end] if end >= 0 else ""
            position = max(rest, end) + 1
        yield knob, arguments


def _rest(arguments: str, number: int) -> str:
    """Return the arguments from ``number`` on, as they were written."""
    position = 0
    for _ in range(number - 1):
        match = re.compile(r"[, \t\n\v\f\r]*[^,]+").match(arguments, position)
        if match is None:
            return ""
        position = match.end()
    rest = arguments[position:]
    return rest.removeprefix(",") if position else rest


def expand_arguments(statements: str, arguments: str) -> str:
    """Return the statements of a metaknob with its arguments put in.

    ``$(0)`` stands for all arguments, ``$(1)`` for the first, ``$(1:default)`` for it or the default, ``$(1?)`` for 1
    if it is not empty and else 0, ``$(2+)`` for all from the second on, ``$(0#)`` for their number. As in HTCondor, an
    empty argument does not count: in ``(a,,b)`` the second is b.
    """
    items = [item.strip(BLANKS) for item in arguments.split(",")]
    items = [item for item in items if item]

    def value(match: re.Match[str]) -> str:
        number, kind, default = int((match[1] + match[2])[:9]), match[3], match[4]
        if number == 0:
            text = str(len(items)) if kind in ("#", "+") and kind else arguments
        elif kind in ("#", "+") and kind:
            text = _rest(arguments, number) or default or ""
        else:
            text = items[number - 1] if number <= len(items) else default or ""
        text = text.strip(BLANKS)
        return ("1" if text else "0") if kind == "?" else text

    for _ in range(_MAX_EXPANSIONS):
        match = _ARGUMENT.search(statements)
        if match is None:
            return statements
        statements = statements[: match.start()] + value(match) + statements[match.end() :]
        if len(statements) > _MAX_LENGTH:
            break
    raise SourceError("putting in the arguments of a metaknob does not end")
